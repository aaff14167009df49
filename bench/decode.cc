// Measures one decoder alone: `decode CATALOG FILE [--columns all|NAME,…] [--layout FILE]
// [--rounds N]`.
//
// The file is decoded N times on one thread into batches that are dropped. `all` reads every field
// that the first records have; a list reads those columns of every table; a layout (bench_layout)
// names the columns and kinds of events that a set of rules asks for, and what its keywords' gate
// looks for: then `_values` is made as in a hunt, of records that may hold a keyword. CATALOG: the
// folder of the native tables, for the types of columns.
//
// Prints one JSON object: bytes of the file, `live` bytes (EVTX: chunks in use), rows, values that
// are not null, a checksum of all values (the answer, to be compared between versions), and the
// median of user CPU time of the rounds, in seconds. CPU time, because machines are shared.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "base/file.h"
#include "base/text.h"
#include "exec/text_gate.h"
#include "input/format.h"
#include "input/name_hash.h"
#include "plan/catalog.h"

namespace {

using namespace postern;

double user_seconds() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec) + static_cast<double>(u.ru_utime.tv_usec) / 1e6;
}

/// Counts rows and drops them.
class Drop final : public data::BatchSink {
 public:
  bool push(data::Batch&& batch) override {
    rows += batch.num_rows;
    return true;
  }

  void skipped(std::string_view, uint64_t n) override { rows += n; }

  uint64_t rows = 0;
};

/// Sums up every value: independent of how rows are cut into batches.
class Digest final : public data::BatchSink {
 public:
  bool push(data::Batch&& batch) override {
    rows += batch.num_rows;
    for (size_t c = 0; c < batch.columns.size(); ++c) {
      const data::Column& column = batch.columns[c];
      if (column.type() == data::Type::kNull) continue;
      const uint64_t name = input::name_hash(batch.layout->fields()[c].name);
      for (uint32_t r = 0; r < batch.num_rows; ++r) {
        if (!column.valid(r)) continue;
        ++values;
        const uint64_t hash = input::name_hash(column.value(r).text());
        sum += (hash ^ name << 17) * (batch.positions[r].offset | 1);
      }
    }
    return true;
  }

  void skipped(std::string_view, uint64_t n) override { rows += n; }

  uint64_t rows = 0;
  uint64_t values = 0;
  uint64_t sum = 0;
};

/// The names that the first records of each table have; then stops.
class Names final : public data::BatchSink {
 public:
  bool push(data::Batch&& batch) override {
    struct Visitor final : data::FieldVisitor {
      explicit Visitor(std::set<std::string>& n) : names(n) {}

      void field(std::string_view name, const data::Value&) override {
        names.insert(std::string(name));
      }

      std::set<std::string>& names;
    };

    Visitor v(by_table[std::string(batch.table)]);
    for (uint32_t r = 0; r < batch.num_rows; ++r)
      batch.records->read(r, v);
    return ++batches < 4;
  }

  void skipped(std::string_view, uint64_t) override {}

  std::map<std::string, std::set<std::string>> by_table;
  int batches = 0;
};

uint64_t live_bytes(std::string_view file, const input::Format& format) {
  if (format.name != "evtx") return file.size();
  uint64_t live = 0;
  for (size_t at = 4096; at + 8 <= file.size(); at += 65'536)
    if (file.substr(at, 7) == "ElfChnk") live += 65'536;
  return live;
}

void decode(const input::Input& in,
            const input::Format& format,
            const data::Layouts& layouts,
            data::BatchSink& sink) {
  data::Anomalies anomalies;
  input::DecodeContext context{layouts, sink, anomalies, nullptr, nullptr, nullptr};
  format.decode(in, context);
  for (const auto& [name, entry] : anomalies.all())
    std::fprintf(stderr, "decode: anomaly %s: %llu, first at byte %llu (%s)\n", name.c_str(),
                 static_cast<unsigned long long>(entry.count),
                 static_cast<unsigned long long>(entry.first_offset), entry.detail.c_str());
}

int usage() {
  std::fprintf(stderr,
               "decode CATALOG FILE [--columns all|NAME,...] [--layout FILE] [--rounds N]\n");
  return 2;
}

bool read_catalog(const std::string& folder, plan::Catalog& catalog) {
  const auto files = list_files(folder);
  if (!files.ok()) return false;
  for (const std::string& path : *files) {
    const auto text = read_text_file(path);
    if (!text.ok()) return false;
    Diagnostics diagnostics;
    if (path.ends_with(".yml")) catalog.add({path, *text}, diagnostics);
  }
  return true;
}

/// Lines "table column type", "table = id id …" and "table ~ "literal"", as bench_layout writes
/// them. Prints what is wrong with a file that says nothing or something else.
std::optional<data::Layouts> read_layout(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text.ok()) {
    std::fprintf(stderr, "decode: %s\n", text.error().message.c_str());
    return std::nullopt;
  }
  data::Layouts out;
  std::map<std::string, std::vector<std::string>> literals;  // by table
  int number = 0;
  for (const std::string_view line : split(*text, '\n')) {
    ++number;
    const auto words = split(line, ' ');
    if (words.empty() || words[0].empty()) continue;
    data::Layout& layout =
        out.try_emplace(std::string(words[0]), data::Layout(std::string(words[0]))).first->second;
    if (words.size() < 2) continue;
    if (words[1] == "~") {
      const auto json = data::dynamic_from_json(line.substr(words[0].size() + 3));
      if (json) literals[layout.table()].emplace_back(data::Dynamic(*json).as_string());
    } else if (words[1] == "=") {
      std::vector<int64_t> ids;
      for (size_t i = 2; i < words.size(); ++i)
        if (const auto id = parse_int(words[i])) ids.push_back(*id);
      layout.set_event_ids(std::move(ids));
    } else if (data::Type type; words.size() > 2 && data::type_from_name(words[2], type)) {
      layout.add(std::string(words[1]), type);
    } else {
      std::fprintf(stderr, "decode: %s:%d: not \"table column type\" or \"table = id …\"\n",
                   path.c_str(), number);
      return std::nullopt;
    }
  }
  for (auto& [table, of_table] : literals)
    out.find(table)->second.set_text_gate(exec::text_gate(std::move(of_table)));
  if (!out.empty()) return out;
  std::fprintf(stderr, "decode: %s names no table\n", path.c_str());
  return std::nullopt;
}

/// The named columns of every table that has them; `all`: those of the first records.
data::Layouts layouts_of(const plan::Catalog& catalog,
                         const std::string& columns,
                         const input::Input& in,
                         const input::Format& format) {
  std::map<std::string, std::set<std::string>> names;
  data::Layouts everything;
  for (const auto& [name, table] : catalog.tables())
    everything.emplace(name, data::Layout(name));
  if (columns == "all") {
    Names sample;
    decode(in, format, everything, sample);
    names = sample.by_table;
  } else {
    for (const std::string_view name : split(columns, ','))
      for (const auto& [table, layout] : everything)
        names[table].insert(std::string(name));
  }
  data::Layouts out;
  for (const auto& [table, of_table] : names) {
    data::Layout layout(table);
    const plan::TableDef* def = catalog.table(table);
    for (const std::string& name : of_table) {
      const plan::FieldDef* field = def ? def->find(name) : nullptr;
      if (columns == "all" || field) layout.add(name, field ? field->type : data::Type::kString);
    }
    out.emplace(table, std::move(layout));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> paths;
  std::string columns = "all";
  std::string layout;
  int rounds = 3;
  for (int i = 1; i < argc; ++i) {
    const std::string_view a = argv[i];
    if (a == "--columns" && i + 1 < argc)
      columns = argv[++i];
    else if (a == "--layout" && i + 1 < argc)
      layout = argv[++i];
    else if (a == "--rounds" && i + 1 < argc)
      rounds = std::max(1, std::atoi(argv[++i]));
    else
      paths.emplace_back(a);
  }
  plan::Catalog catalog;
  if (paths.size() != 2 || !read_catalog(paths[0], catalog)) return usage();
  auto file = FileBytes::open(paths[1]);
  if (!file.ok()) return std::fprintf(stderr, "decode: %s\n", file.error().message.c_str()), 2;
  input::Input in{paths[1], (*file)->view(), *file};
  in.file = file->get();  // decoders give memory back behind them, as in a run
  const input::Format* format = input::detect_format(in.bytes.substr(0, 65'536));
  if (!format) return std::fprintf(stderr, "decode: unknown format\n"), 2;
  const std::optional<data::Layouts> wanted =
      layout.empty() ? layouts_of(catalog, columns, in, *format) : read_layout(layout);
  if (!wanted) return 2;
  const data::Layouts& layouts = *wanted;

  Digest digest;
  decode(in, *format, layouts, digest);
  std::vector<double> seconds;
  uint64_t rows = 0;
  for (int i = 0; i < rounds; ++i) {
    Drop drop;
    const double start = user_seconds();
    decode(in, *format, layouts, drop);
    seconds.push_back(user_seconds() - start);
    rows = drop.rows;
  }
  std::sort(seconds.begin(), seconds.end());
  size_t num_columns = 0;
  for (const auto& [name, of_table] : layouts)
    num_columns = std::max(num_columns, of_table.fields().size());
  const double median = seconds[seconds.size() / 2];
  const uint64_t live = live_bytes(in.bytes, *format);
  std::printf(
      "{\"format\":\"%s\",\"bytes\":%zu,\"live\":%llu,\"rows\":%llu,\"columns\":%zu,\"values\":%"
      "llu,"
      "\"checksum\":\"%016llx\",\"seconds\":%.4f,\"mb_per_second\":%.0f}\n",
      std::string(format->name).c_str(), in.bytes.size(), static_cast<unsigned long long>(live),
      static_cast<unsigned long long>(rows), num_columns,
      static_cast<unsigned long long>(digest.values), static_cast<unsigned long long>(digest.sum),
      median, static_cast<double>(live) / 1e6 / median);
  return 0;
}
