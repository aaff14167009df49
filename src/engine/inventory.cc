#include "engine/inventory.h"

#include <algorithm>

#include <sys/stat.h>

#include "base/text.h"
#include "engine/evidence.h"

namespace postern::engine {
namespace {

// Records of a file that are all read for fields beyond the layout; then one in kStride.
constexpr uint64_t kReadAll = 1024;
constexpr uint64_t kStride = 16;
// Rows tried for examples of a field: mostly equal values must not cost a comparison a row.
constexpr uint32_t kMaxTries = 64;
constexpr size_t kExampleBytes = 80;

std::string shortened(std::string_view text) {
  if (text.size() <= kExampleBytes) return repair_utf8(text);
  size_t end = kExampleBytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80)
    --end;
  return repair_utf8(text.substr(0, end)) + "…";
}

bool is_empty(const data::Value& v) {
  if (v.is_null()) return true;
  return v.type() == data::Type::kString && v.as_bytes().empty();
}

void add_example(FieldSeen& field, std::string_view text) {
  std::string example = shortened(text);
  auto& all = field.examples;
  if (std::find(all.begin(), all.end(), example) == all.end()) all.push_back(std::move(example));
}

void add_value(FieldSeen& field, std::string_view text) {
  if (field.any_value || field.values.find(text) != field.values.end()) return;
  field.any_value = field.values.size() >= kMaxValues;
  if (!field.any_value) field.values.emplace(text);
}

uint64_t file_size(const std::string& path) {
  struct stat s {};

  return ::stat(path.c_str(), &s) == 0 ? static_cast<uint64_t>(s.st_size) : 0;
}

}  // namespace

void TableSeen::merge(const TableSeen& other) {
  events += other.events;
  if (other.first != 0) first = first == 0 ? other.first : std::min(first, other.first);
  last = std::max(last, other.last);
  for (const auto& [id, k] : other.kinds) {
    const auto it = kinds.find(id);
    if (it == kinds.end() && kinds.size() >= kMaxKinds) continue;
    KindSeen& mine = kinds[id];
    mine.events += k.events;
    mine.fields.insert(k.fields.begin(), k.fields.end());
  }
  fields_left_out += other.fields_left_out;
  for (const auto& [name, f] : other.fields) {
    if (fields.size() >= kMaxFields && fields.find(name) == fields.end()) {
      ++fields_left_out;
      continue;
    }
    FieldSeen& mine = fields[name];
    if (mine.of_rows == 0) mine.any_value = f.any_value;
    for (const std::string& v : f.values)
      add_value(mine, v);
    mine.any_value = mine.any_value || f.any_value;
    mine.rows += f.rows;
    mine.of_rows += f.of_rows;
    for (const std::string& e : f.examples)
      if (mine.examples.size() < kMaxExamples) add_example(mine, e);
  }
}

void merge(Inventory& into, const Inventory& from) {
  for (const auto& [table, seen] : from)
    into[table].merge(seen);
}

InventorySink::InventorySink(const plan::Catalog& catalog,
                             Inventory& out,
                             bool read_records,
                             const std::atomic<bool>& cancelled)
    : catalog_(catalog), out_(out), read_records_(read_records), cancelled_(cancelled) {
  for (const auto& [name, vocabulary] : catalog.vocabularies())
    for (const plan::VocabularyTable& table : vocabulary.tables)
      for (const plan::View& view : table.views) {
        std::set<std::string> fields;
        if (view.where) plan::collect_columns(view.where, fields);
        for (const std::string& f : fields)
          kind_fields_.emplace(view.from, f);
      }
}

void InventorySink::skipped(std::string_view table, uint64_t num_events) {
  TableSeen& seen = out_[std::string(table)];
  seen.events += num_events;
  seen.kinds[0].events += num_events;
}

InventorySink::Work& InventorySink::work(const data::Batch& batch, TableSeen& table) {
  const auto it = work_.find(batch.table);
  if (it != work_.end()) return it->second;
  Work& w = work_[std::string(batch.table)];
  const plan::TableDef* def = catalog_.table(batch.table);
  if (def && !def->event_id.empty()) w.event_id_slot = batch.layout->slot(def->event_id);
  for (const data::Layout::Field& f : batch.layout->fields()) {
    FieldSeen& field = table.fields[f.name];
    const bool is_kind =
        f.type == data::Type::kString && kind_fields_.count({std::string(batch.table), f.name}) > 0;
    field.any_value = !is_kind;
    w.fields.push_back(&field);
    w.is_kind.push_back(is_kind ? 1 : 0);
  }
  w.tries.resize(w.fields.size());
  return w;
}

size_t InventorySink::kind_of(Work& w, TableSeen& table, int64_t id, size_t num_slots) {
  const auto it = w.kind_index.find(id);
  if (it != w.kind_index.end()) return it->second;
  // Ids that a hostile file invents share one entry.
  if (table.kinds.size() >= kMaxKinds && table.kinds.find(id) == table.kinds.end() && id != -1)
    return kind_of(w, table, -1, num_slots);
  w.kinds.push_back(&table.kinds[id]);
  w.filled.emplace_back(num_slots, uint8_t{0});
  return w.kind_index[id] = w.kinds.size() - 1;
}

void InventorySink::count_column(const data::Batch& batch,
                                 size_t slot,
                                 Work& w,
                                 const std::vector<size_t>& kinds) {
  const data::Column& column = batch.columns[slot];
  FieldSeen& field = *w.fields[slot];
  const bool is_text = column.type() == data::Type::kString;
  const auto text =
      is_text ? column.view<std::string_view>() : data::ColumnView<std::string_view>();
  for (uint32_t r = 0; r < batch.num_rows; ++r) {
    if (is_text ? !text.valid(r) || text[r].empty() : !column.valid(r)) continue;
    ++field.rows;
    if (uint8_t& seen = w.filled[kinds[r]][slot]; seen == 0) {
      seen = 1;
      w.kinds[kinds[r]]->fields.insert(batch.layout->fields()[slot].name);
    }
    if (w.is_kind[slot] != 0) add_value(field, text[r]);
    if (field.examples.size() < kMaxExamples && w.tries[slot] < kMaxTries) {
      ++w.tries[slot];
      add_example(field, column.value(r).text());
    }
  }
  field.of_rows += batch.num_rows;
}

void InventorySink::read_rows(const data::Batch& batch,
                              Work& w,
                              TableSeen& table,
                              const std::vector<size_t>& kinds) {
  struct Visitor final : data::FieldVisitor {
    void field(std::string_view name, const data::Value& value) override {
      // A name may come twice in a record (Data without names).
      if (is_empty(value) || layout->slot(name) >= 0 || !names.insert(std::string(name)).second)
        return;
      const auto it = table->fields.find(name);
      if (it == table->fields.end() && table->fields.size() >= kMaxFields) {
        ++table->fields_left_out;
        return;
      }
      FieldSeen& f = it == table->fields.end() ? table->fields[std::string(name)] : it->second;
      ++f.rows;
      if (f.examples.size() < kMaxExamples && f.rows < kMaxTries) add_example(f, value.text());
      kind->fields.insert(std::string(name));
    }

    const data::Layout* layout = nullptr;
    TableSeen* table = nullptr;
    KindSeen* kind = nullptr;
    std::set<std::string, std::less<>> names;
  };

  Visitor visitor;
  visitor.layout = batch.layout;
  visitor.table = &table;
  for (uint32_t r = 0; r < batch.num_rows; ++r) {
    const uint64_t row = w.rows + r;
    if (row >= kReadAll && row % kStride != 0) continue;
    visitor.kind = w.kinds[kinds[r]];
    visitor.names.clear();
    batch.records->read(r, visitor);
  }
}

bool InventorySink::push(data::Batch&& batch) {
  TableSeen& table = out_[std::string(batch.table)];
  Work& w = work(batch, table);
  table.events += batch.num_rows;
  const auto time = batch.time.view<int64_t>();
  for (uint32_t r = 0; r < batch.num_rows; ++r) {
    if (!time.valid(r) || time[r] == 0) continue;
    table.first = table.first == 0 ? time[r] : std::min(table.first, time[r]);
    table.last = std::max(table.last, time[r]);
  }
  std::vector<size_t> kinds(batch.num_rows);
  for (uint32_t r = 0; r < batch.num_rows; ++r) {
    int64_t id = 0;
    if (w.event_id_slot >= 0) {
      const data::Column& ids = batch.columns[static_cast<size_t>(w.event_id_slot)];
      if (ids.valid(r) && data::is_integer(ids.type())) id = ids.view<int64_t>()[r];
    }
    kinds[r] = kind_of(w, table, id, batch.columns.size());
    ++w.kinds[kinds[r]]->events;
  }
  for (size_t slot = 0; slot < batch.columns.size(); ++slot)
    count_column(batch, slot, w, kinds);
  if (read_records_ && batch.records) read_rows(batch, w, table, kinds);
  w.rows += batch.num_rows;
  return !cancelled_;
}

data::Layouts whole_layouts(const plan::Catalog& catalog) {
  data::Layouts layouts;
  for (const auto& [name, table] : catalog.tables()) {
    data::Layout layout(name);
    for (const plan::FieldDef& f : table.fields)
      layout.add(f.name, f.type);
    layouts.try_emplace(name, std::move(layout));
  }
  return layouts;
}

void take_inventory(const std::vector<std::string>& evidence,
                    const InventoryOptions& options,
                    Progress& progress,
                    const std::atomic<bool>& cancelled,
                    std::vector<std::string>& errors,
                    const std::function<void(FileInventory&&)>& take) {
  const OpenOptions open{&progress.bytes_done, &cancelled, options.carve};
  const std::vector<std::string> files = expand_evidence(evidence, errors);
  for (const std::string& f : files)
    progress.bytes_total += file_size(f);
  for (const std::string& path : files) {
    if (cancelled) return;
    // Anomalies of the archive itself have the archive's path; those of a member its own.
    FileInventory whole;
    whole.path = path;
    bool any = false;
    const size_t num_errors = errors.size();
    open_evidence(
        path, open, whole.anomalies, errors,
        [&](const input::Input& in, const input::Format* format) {
          if (cancelled) return;
          any = true;
          FileInventory file;
          file.path = in.path;
          file.format = format ? format->name : "";
          file.bytes = in.bytes.size();
          if (format) {
            InventorySink sink(options.catalog, file.tables, options.read_records, cancelled);
            input::DecodeContext context{options.layouts, sink,       file.anomalies,
                                         nullptr,         &cancelled, bytes_done_of(open, in)};
            format->decode(in, context);
          } else if (!in.is_unpacked) {
            progress.bytes_done += in.bytes.size();
          }
          std::erase_if(file.tables, [](const auto& t) { return t.second.events == 0; });
          if (format && !format->detect && file.tables.empty()) file.format.clear();
          for (auto& [name, table] : file.tables) {
            progress.events += table.events;
            // Rates of fields beyond the layout are over the rows that were read.
            const uint64_t n = table.events;
            const uint64_t read =
                n <= kReadAll ? n : kReadAll + (n - kReadAll + kStride - 1) / kStride;
            for (auto& [field, seen] : table.fields)
              if (seen.of_rows == 0) seen.of_rows = std::max(read, seen.rows);
            std::erase_if(table.fields, [](const auto& f) { return f.second.rows == 0; });
          }
          take(std::move(file));
        });
    // An archive that is damaged, or has nothing in it, is spoken of too.
    if (whole.anomalies.all().empty() && (any || cancelled || errors.size() > num_errors)) continue;
    whole.format = "archive";
    whole.bytes = file_size(path);
    take(std::move(whole));
  }
}

}  // namespace postern::engine
