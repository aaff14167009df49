// `postern inspect`: what each file of evidence is, and what it holds.
#include <iostream>
#include <map>

#include "base/time.h"
#include "cli/run_options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "data/value.h"
#include "engine/evidence.h"

namespace postern::cli {
namespace {

struct TableSeen {
  uint64_t events = 0;
  int64_t first = 0;
  int64_t last = 0;
};

/// Counts events and their times; nothing else is decoded.
class Counter final : public data::BatchSink {
 public:
  bool push(data::Batch&& batch) override {
    TableSeen& t = tables[std::string(batch.table)];
    t.events += batch.num_rows;
    const auto time = batch.time.view<int64_t>();
    for (uint32_t r = 0; r < batch.num_rows; ++r) {
      if (!time.valid(r) || time[r] == 0) continue;
      t.first = t.first == 0 ? time[r] : std::min(t.first, time[r]);
      t.last = std::max(t.last, time[r]);
    }
    return !interrupted();
  }

  void skipped(std::string_view table, uint64_t n) override {
    tables[std::string(table)].events += n;
  }

  std::map<std::string, TableSeen> tables;
};

}  // namespace

int inspect_verb(const Arguments& args) {
  if (args.positional.empty()) return usage_error("inspect needs evidence: files or folders");
  const Result<std::string> format = output_format(args);
  if (!format) return usage_error(format.error().message);
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  data::Layouts layouts;
  for (const auto& [name, table] : (*setup)->catalog.tables())
    layouts.try_emplace(name, data::Layout(name));
  std::vector<std::string> errors;
  for (const std::string& path : engine::expand_evidence(args.positional, errors)) {
    data::Anomalies anomalies;
    engine::open_evidence(
        path, anomalies, errors, [&](const input::Input& in, const input::Format* f) {
          Counter counter;
          if (f) {
            input::DecodeContext context{layouts, counter,        anomalies,
                                         nullptr, &interrupted(), nullptr};
            f->decode(in, context);
          }
          if (*format == "jsonl") {
            std::cout << "{\"path\":" << data::json_string(in.path)
                      << ",\"format\":" << data::json_string(f ? f->name : "unknown")
                      << ",\"bytes\":" << in.bytes.size() << ",\"tables\":[";
            bool first = true;
            for (const auto& [table, t] : counter.tables) {
              std::cout << (first ? "" : ",") << "{\"table\":" << data::json_string(table)
                        << ",\"events\":" << t.events;
              if (t.first != 0)
                std::cout << ",\"first\":\"" << format_rfc3339(t.first) << "\",\"last\":\""
                          << format_rfc3339(t.last) << "\"";
              std::cout << "}";
              first = false;
            }
            std::cout << "]}\n";
            return;
          }
          std::cout << in.path << ": " << (f ? f->name : "unknown format") << ", "
                    << bytes_text(in.bytes.size()) << '\n';
          for (const auto& [table, t] : counter.tables) {
            std::cout << "  " << table << ": " << t.events << " events";
            if (t.first != 0)
              std::cout << ", " << format_rfc3339(t.first) << " to " << format_rfc3339(t.last);
            std::cout << '\n';
          }
        });
    for (const auto& [name, entry] : anomalies.all())
      std::cerr << "anomaly " << name << ": " << entry.count << ", first in " << entry.first_path
                << " at byte " << entry.first_offset << '\n';
    if (interrupted()) return kExitInterrupted;
  }
  std::cout.flush();
  for (const std::string& e : errors)
    std::cerr << "postern: " << e << '\n';
  return errors.empty() ? kExitOk : kExitUsage;
}

}  // namespace postern::cli
