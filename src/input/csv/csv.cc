// Which separator a file has, and whether it is CSV at all, is told by reading its first two
// records with each: the header must look like names, and the next record must be as wide. The
// portal's exports are recognised by their columns (defender_tables.h), once per file, or per row
// where only the ActionType tells.
#include "input/csv/csv.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "data/dynamic.h"
#include "input/csv/records.h"
#include "input/defender_tables.h"
#include "input/rows.h"
#include "input/text_input.h"
#include "input/time_field.h"

namespace postern::input::csv {
namespace {

constexpr std::string_view kUtcSuffix = " [UTC]";
constexpr std::string_view kLocalSuffix = " [Local Time]";
constexpr size_t kMaxColumns = 4096;
constexpr size_t kHeadBytes = size_t{64} * 1024;  // looked at to find the separator

struct HeaderColumn {
  std::string name;
  bool is_time = false;  ///< the header says so
};

struct Header {
  char separator = ',';
  std::vector<HeaderColumn> columns;
  DefenderColumns defender;
  int action_column = -1;
  int time_column = -1;
  bool has_local_times = false;
};

/// Names of the event time, best first.
constexpr std::string_view kTimeNames[] = {
    "Timestamp",     "TimeGenerated", "_time", "@timestamp", "timestamp", "TimeCreated",
    "EventTime",     "time",          "Time",  "DateTime",   "date_time", "datetime",
    "Date and Time", "CreationDate",  "date",  "Date"};

bool take_suffix(std::string_view& name, std::string_view suffix) {
  if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix)
    return false;
  name.remove_suffix(suffix.size());
  return true;
}

Header read_header(const Records& records, char separator) {
  Header header;
  header.separator = separator;
  std::string scratch;
  std::set<std::string, std::less<>> seen;
  for (const Value& value : records.values()) {
    if (header.columns.size() >= kMaxColumns) break;
    std::string_view name = trim(plain(value, scratch));
    HeaderColumn column;
    const bool is_local = take_suffix(name, kLocalSuffix);
    header.has_local_times = header.has_local_times || is_local;
    column.is_time = is_local || take_suffix(name, kUtcSuffix);
    column.name =
        name.empty() ? "column_" + std::to_string(header.columns.size() + 1) : repair_utf8(name);
    // Equal names would hide each other.
    for (int n = 2; !seen.insert(column.name).second; ++n)
      column.name = repair_utf8(name) + "_" + std::to_string(n);
    header.defender.add(column.name, name_hash(column.name));
    if (column.name == "ActionType") header.action_column = static_cast<int>(header.columns.size());
    header.columns.push_back(std::move(column));
  }
  for (const std::string_view name : kTimeNames)
    for (size_t i = 0; i < header.columns.size() && header.time_column < 0; ++i)
      if (header.columns[i].name == name) header.time_column = static_cast<int>(i);
  return header;
}

/// Gives one value to the row, in the type of its column.
void put(Row& row,
         Row::Target target,
         const HeaderColumn& column,
         const Value& value,
         std::string& scratch,
         bool& clean) {
  std::string_view text = plain(value, scratch);
  if (!valid_utf8(text)) {
    clean = false;
    scratch = repair_utf8(text);
    text = scratch;
  }
  const data::Type type = row.type(target, column.name);
  if (column.is_time || type == data::Type::kDatetime) {
    if (const auto ticks = time_from_text(text)) return row.datetime(target, column.name, *ticks);
  }
  if (type == data::Type::kDynamic && !text.empty() && (text[0] == '{' || text[0] == '['))
    if (const auto encoded = data::dynamic_from_json(text))
      return row.dynamic(target, column.name, *encoded);
  row.text(target, column.name, text, text.data() == value.text.data());
}

class Decoder {
 public:
  Decoder(const Input& input, DecodeContext& context, Records& records, Header header)
      : input_(input),
        context_(context),
        records_(records),
        header_(std::make_shared<const Header>(std::move(header))),
        tables_(input, context, reader(header_)) {}

  void run() {
    Progress progress(context_, &input_);
    const bool is_start = !context_.slice || context_.slice->begin == 0;
    if (header_->has_local_times && is_start)
      context_.anomalies.add("csv-local-time", input_.path, 0,
                             "times of an unknown zone are taken as UTC");
    while (tables_.ok() && records_.next()) {
      if (!progress.at(records_.done())) break;
      record();
    }
    progress.at(records_.done());
    tables_.flush();
  }

 private:
  void record() {
    if (records_.is_broken()) return bad("csv-open-quote", "a quote does not close");
    if (records_.is_too_long()) return bad("csv-long-record", "a record too long to be one");
    const auto& values = records_.values();
    const auto& columns = header_->columns;
    if (values.size() != columns.size())
      bad("csv-bad-record", std::to_string(values.size()) + " values under " +
                                std::to_string(columns.size()) + " names");
    TableRows* rows = tables_.event(table());
    if (!rows) return;
    if (rows != rows_) plan(*rows);
    rows->begin({records_.offset(), records_.line()}, {records_.text()});
    Row row(*rows);
    row.raw(records_.text(), true);
    bool clean = true;
    for (size_t i = 0; i < std::min(values.size(), columns.size()); ++i) {
      if (static_cast<int>(i) == header_->time_column)
        if (const auto ticks = time_from_text(plain(values[i], scratch_))) row.time(*ticks);
      if (targets_[i] != Row::kUnread)
        put(row, targets_[i], columns[i], values[i], scratch_, clean);
    }
    if (!clean) bad("csv-bad-utf8", "bytes that are not UTF-8 are shown as U+FFFD");
    rows->end();
    tables_.check(*rows);
  }

  /// The portal's exports name no table; the columns do, and the action of a row where they do not.
  std::string_view table() {
    const auto action_column = static_cast<size_t>(header_->action_column);
    std::string_view action;
    if (header_->action_column >= 0 && action_column < records_.values().size())
      action = records_.values()[action_column].text;
    // Neighbouring rows mostly have the same action.
    if (table_.empty() || action != last_action_) {
      last_action_ = action;
      const std::string_view defender = header_->defender.table(action);
      table_ = defender.empty() ? std::string_view("csv.row") : defender;
    }
    return table_;
  }

  void plan(TableRows& rows) {
    rows_ = &rows;
    const Row row(rows);
    targets_.clear();
    for (const HeaderColumn& column : header_->columns)
      targets_.push_back(row.target(column.name));
  }

  static ReadRecord reader(std::shared_ptr<const Header> header) {
    return [header = std::move(header)](const RecordRef& ref, data::FieldVisitor& visitor) {
      Row row(visitor);
      Records records(ref.text, header->separator);
      if (!records.next()) return;
      std::string scratch;
      bool clean = true;
      for (size_t i = 0; i < std::min(records.values().size(), header->columns.size()); ++i)
        put(row, Row::kByName, header->columns[i], records.values()[i], scratch, clean);
    };
  }

  void bad(std::string_view name, std::string_view what) {
    std::string detail;
    if (context_.anomalies.all().find(name) == context_.anomalies.all().end())
      detail = "line " + std::to_string(records_.line()) + ": " + std::string(what);
    context_.anomalies.add(name, input_.path, records_.offset(), detail);
  }

  const Input& input_;
  DecodeContext& context_;
  Records& records_;
  std::shared_ptr<const Header> header_;
  TableSet tables_;
  TableRows* rows_ = nullptr;
  std::vector<Row::Target> targets_;
  std::string_view table_;
  std::string last_action_;
  std::string scratch_;
};

/// "sep=;" in the first line, as Excel writes and reads it.
std::optional<char> named_separator(std::string_view text) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (text.size() < 6 || text.substr(0, 4) != "sep=") return std::nullopt;
  return text[5] == '\n' || text[5] == '\r' ? std::optional<char>(text[4]) : std::nullopt;
}

/// A cell of a header: short, of printable characters, not a number, and no clause of a language
/// (rules and code have commas too).
bool is_name(std::string_view cell) {
  cell = trim(cell);
  if (cell.empty()) return true;
  if (cell.size() > 128 || parse_real(cell)) return false;
  if (cell.find_first_of(";{}<>=\"|$") != std::string_view::npos) return false;
  return std::none_of(cell.begin(), cell.end(),
                      [](char c) { return static_cast<uint8_t>(c) < 0x20; });
}

/// The separator under which the text looks like a table, or nullopt.
std::optional<char> find_separator(std::string_view text) {
  if (const auto named = named_separator(text)) return named;
  std::optional<char> best;
  size_t most = 1;
  std::string scratch;
  for (const char separator : {',', ';', '\t'}) {
    Records records(text.substr(0, kHeadBytes), separator);
    if (!records.next() || records.is_broken()) continue;
    const size_t n = records.values().size();
    size_t named = 0;
    bool all_names = true;
    for (const Value& value : records.values()) {
      const std::string_view cell = plain(value, scratch);
      all_names = all_names && is_name(cell);
      named += trim(cell).empty() ? 0 : 1;
    }
    if (!all_names || named < 2 || n <= most) continue;
    // The next records must be as wide (prose has commas too); one ragged row in four is forgiven,
    // but never the first. The last record of the head may be cut.
    size_t seen = 0;
    size_t fitting = 0;
    bool first_fits = true;
    while (seen < 16 && records.next() &&
           (records.done() < text.size() || text.size() < kHeadBytes)) {
      const bool fits = !records.is_broken() && records.values().size() == n;
      if (seen == 0) first_fits = fits;
      ++seen;
      fitting += fits ? 1 : 0;
    }
    if (!first_fits || fitting * 4 < seen * 3) continue;
    most = n;
    best = separator;
  }
  return best;
}

/// Slices end where a record does: quotes may hold line ends, so every record is looked at.
class RecordCutter final : public Cutter {
 public:
  RecordCutter(std::string_view text, char separator, uint64_t slice_bytes)
      : records_(text, separator), size_(text.size()), slice_bytes_(slice_bytes) {
    // The header is read again for each slice; none begins in front of it.
    if (named_separator(text)) records_.next(false);
    records_.next(false);
  }

  bool next(Slice& slice) override {
    if (begin_ >= size_) return false;
    slice.begin = begin_;
    slice.lines_before = lines_;
    const uint64_t enough = begin_ + slice_bytes_of(size_ - begin_, slice_bytes_);
    while (records_.done() < enough && records_.next(false)) {
    }
    slice.end = begin_ = records_.done();
    lines_ = records_.lines_done();
    return true;
  }

 private:
  Records records_;
  uint64_t size_;
  uint64_t slice_bytes_;
  uint64_t begin_ = 0;
  uint64_t lines_ = 0;
};

}  // namespace

std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes) {
  if (!can_cut_text(input, slice_bytes)) return nullptr;
  return std::make_unique<RecordCutter>(input.bytes, find_separator(input.bytes).value_or(','),
                                        slice_bytes);
}

bool detect(std::string_view head) {
  std::string converted;
  head = text_head(head, converted);
  return !head.empty() && head.find('\0') == std::string_view::npos &&
         find_separator(head).has_value();
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  const Slice* slice = context.slice;
  const char separator = find_separator(input.bytes).value_or(',');
  Records records(slice ? input.bytes.substr(0, slice->end) : input.bytes, separator);
  if (named_separator(input.bytes)) records.next();
  if (!records.next() || records.is_broken() || records.is_too_long()) {
    if (!slice || slice->begin == 0)
      context.anomalies.add("csv-bad-record", input.path, 0, "no header");
    return;
  }
  Header header = read_header(records, separator);
  if (slice && slice->begin > 0) records.seek(slice->begin, slice->lines_before);
  Decoder(input, context, records, std::move(header)).run();
}

}  // namespace postern::input::csv
