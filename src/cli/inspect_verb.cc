// `postern inspect`: what each file of evidence is, what it holds, and which tables of the
// vocabularies it can feed.
//
// With a few files every field is shown with each of them; with many, once for all evidence
// (`--verbose` shows both). JSON lines always hold everything.
#include <iostream>
#include <map>

#include "cli/run_options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "output/inventory_output.h"

namespace postern::cli {
namespace {

/// More files than this are shown without their fields.
constexpr size_t kFilesWithFields = 4;

/// Prints files as they come; the first few wait until it is known how many there are.
class Printer {
 public:
  Printer(bool is_json, bool verbose) : is_json_(is_json), verbose_(verbose) {}

  void file(engine::FileInventory&& f) {
    engine::merge(all_, f.tables);
    ++formats_[f.format.empty() ? "of unknown format" : f.format];
    ++num_files_;
    if (is_json_) return output::write_file_json(std::cout, f);
    if (verbose_ || num_files_ > kFilesWithFields) {
      flush(verbose_);
      return output::write_file_text(std::cout, f, verbose_, style_);
    }
    waiting_.push_back(std::move(f));
  }

  void finish(const plan::Catalog& catalog) {
    const bool few = num_files_ <= kFilesWithFields;
    flush(few || verbose_);
    const std::vector<engine::FedTable> fed = engine::fed_tables(all_, catalog);
    if (is_json_) {
      for (const engine::FedTable& f : fed)
        output::write_fed_json(std::cout, f);
      return;
    }
    if (!few) {
      std::cout << "all evidence\n";
      output::write_inventory_text(std::cout, all_, true, style_);
    }
    output::write_fed_text(std::cout, fed, catalog, few || verbose_, style_);
  }

  /// "12 files: 9 evtx, 2 json, 1 of unknown format".
  std::string summary() const {
    std::string out = std::to_string(num_files_) + (num_files_ == 1 ? " file" : " files");
    bool first = true;
    for (const auto& [format, n] : formats_) {
      out += (first ? ": " : ", ") + std::to_string(n) + " " + format;
      first = false;
    }
    return out;
  }

 private:
  void flush(bool with_fields) {
    for (const engine::FileInventory& f : waiting_)
      output::write_file_text(std::cout, f, with_fields, style_);
    waiting_.clear();
  }

  bool is_json_;
  bool verbose_;
  output::TableStyle style_ = table_style();
  engine::Inventory all_;
  std::map<std::string, uint64_t> formats_;
  uint64_t num_files_ = 0;
  std::vector<engine::FileInventory> waiting_;
};

}  // namespace

int inspect_verb(const Arguments& args) {
  if (args.positional.empty()) return usage_error("inspect needs evidence: files or folders");
  const Result<std::string> format = output_format(args);
  if (!format) return usage_error(format.error().message);
  if (*format == "csv") return usage_error("inspect prints table or jsonl");
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  const plan::Catalog& catalog = (*setup)->catalog;
  Printer printer(*format == "jsonl", args.has("--verbose"));
  std::vector<std::string> errors;
  engine::Progress progress;
  {
    const bool quiet = args.has("--quiet") || args.has("--no-progress");
    // Lines on a terminal would run into the progress line.
    const ProgressLine line(progress, !quiet && !stdout_is_terminal());
    const data::Layouts layouts = engine::whole_layouts(catalog);
    engine::take_inventory(args.positional, {catalog, layouts, true, args.has("--carve")}, progress,
                           interrupted(), errors,
                           [&](engine::FileInventory&& f) { printer.file(std::move(f)); });
  }
  printer.finish(catalog);
  std::cout.flush();
  if (!args.has("--quiet")) std::cerr << printer.summary() << '\n';
  for (const std::string& e : errors)
    std::cerr << "postern: " << e << '\n';
  if (interrupted()) return kExitInterrupted;
  return errors.empty() ? kExitOk : kExitUsage;
}

}  // namespace postern::cli
