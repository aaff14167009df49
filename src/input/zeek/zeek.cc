#include "input/zeek/zeek.h"

#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"
#include "input/rows.h"
#include "input/text_input.h"
#include "input/time_field.h"
#include "input/zeek/header.h"
#include "input/zeek/paths.h"

namespace postern::input::zeek {
namespace {

/// Position of `c` in `text`, or its size. Values are a few bytes long, so eight at a time in line
/// beats a call of memchr.
inline size_t find_near(std::string_view text, char c) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101ULL;
  const uint64_t pattern = kOnes * static_cast<uint8_t>(c);
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    word ^= pattern;
    const uint64_t zeros = (word - kOnes) & ~word & (kOnes * 0x80);
    if (zeros != 0) return at + static_cast<size_t>(std::countr_zero(zeros)) / 8;
  }
  while (at < text.size() && text[at] != c)
    ++at;
  return at;
}

/// Walks the values of one line.
class Values {
 public:
  Values(std::string_view line, char separator) : rest_(line), separator_(separator) {}

  bool next(std::string_view& value) {
    if (done_) return false;
    const size_t n = find_near(rest_, separator_);
    value = rest_.substr(0, n);
    done_ = n == rest_.size();
    rest_.remove_prefix(done_ ? n : n + 1);
    return true;
  }

 private:
  std::string_view rest_;
  char separator_;
  bool done_ = false;
};

/// Seconds since 1970; Zeek writes far-off times as 1e9.
inline std::optional<int64_t> time_of(std::string_view value) {
  const auto ticks = ticks_from_unix_text(value);
  return ticks ? ticks : time_from_epoch(value);
}

/// Writes values of one kind of line; used by the decoder and by the RecordReader.
class FieldWriter {
 public:
  explicit FieldWriter(const Header& header) : header_(header) {}

  /// Gives the value to the row; false when its bytes are not UTF-8 (they are repaired).
  bool write(Row& row, Row::Target target, const Field& field, std::string_view value) {
    if (value == header_.unset_field) return true;
    clean_ = true;
    if (field.is_container) {
      container(row, target, field, value);
    } else if (field.kind == Kind::kTime) {
      if (const auto ticks = time_of(value))
        row.datetime(target, field.name, *ticks);
      else
        row.text(target, field.name, value, true);
    } else if (field.kind == Kind::kBool) {
      row.boolean(target, field.name, value == "T");
    } else if (field.kind == Kind::kText) {
      const std::string_view text =
          value == header_.empty_field ? std::string_view() : plain(value);
      row.text(target, field.name, text, text.data() == value.data());
    } else {
      row.literal(target, field.name, value);
    }
    return clean_;
  }

 private:
  std::string_view plain(std::string_view value) {
    if (value.find('\\') != std::string_view::npos) {
      scratch_ = unescape_text(value);
      return scratch_;
    }
    if (valid_utf8(value)) return value;
    clean_ = false;
    scratch_ = repair_utf8(value);
    return scratch_;
  }

  void container(Row& row, Row::Target target, const Field& field, std::string_view value) {
    writer_.clear();
    writer_.begin_array();
    if (value != header_.empty_field) {
      Values elements(value, header_.set_separator);
      std::string_view element;
      while (elements.next(element))
        put_element(field.kind, element);
    }
    writer_.end();
    row.dynamic(target, field.name, writer_.encoded());
  }

  void put_element(Kind kind, std::string_view element) {
    if (element == header_.unset_field) return writer_.null();
    switch (kind) {
      case Kind::kTime:
        if (const auto ticks = time_of(element)) return writer_.datetime(*ticks);
        break;
      case Kind::kReal:
        if (const auto real = parse_real(element)) return writer_.real(*real);
        break;
      case Kind::kInteger:
        if (const auto integer = parse_int(element)) return writer_.integer(*integer);
        break;
      case Kind::kBool:
        return writer_.boolean(element == "T");
      case Kind::kText:
        return writer_.string(element == header_.empty_field ? std::string_view() : plain(element));
    }
    writer_.string(plain(element));
  }

  const Header& header_;
  std::string scratch_;
  data::DynamicWriter writer_;
  bool clean_ = true;
};

/// Decodes the records under one header.
class Section {
 public:
  Section(const Input& input, DecodeContext& context, const Header& header)
      : input_(input),
        context_(context),
        header_(std::make_shared<const Header>(header)),
        writer_(*header_),
        table_(is_path(header.path) ? "zeek." + header.path : ""),
        time_field_(header.time_field()),
        tables_(input, context, reader(header_)) {}

  const Header& header() const { return *header_; }

  bool ok() const { return tables_.ok(); }

  void flush() { tables_.flush(); }

  void record(const LineReader& line) {
    if (table_.empty())
      return context_.anomalies.add("zeek-bad-path", input_.path, line.offset(),
                                    "#path " + header_->path);
    TableRows* rows = tables_.event(table_);
    if (!rows) return;
    if (rows != rows_) plan(*rows);
    rows->begin({line.offset(), line.number()}, {line.line()});
    Row row(*rows);
    row.raw(line.line(), true);
    Values values(line.line(), header_->separator);
    std::string_view value;
    size_t i = 0;
    for (; i < num_read_ && values.next(value); ++i) {
      if (static_cast<int>(i) == time_field_)
        if (const auto ticks = time_of(value)) row.time(*ticks);
      if (targets_[i] == Row::kUnread) continue;
      if (!writer_.write(row, targets_[i], header_->fields[i], value))
        context_.anomalies.add("zeek-bad-utf8", input_.path, line.offset(),
                               header_->fields[i].name);
    }
    if (i < num_read_)
      context_.anomalies.add("zeek-short-line", input_.path, line.offset(),
                             "fewer values than #fields");
    rows->end();
    tables_.check(*rows);
  }

 private:
  /// Which fields are read: looked up once.
  void plan(TableRows& rows) {
    rows_ = &rows;
    const Row row(rows);
    targets_.clear();
    num_read_ = 0;
    for (size_t i = 0; i < header_->fields.size(); ++i) {
      targets_.push_back(row.target(header_->fields[i].name));
      if (targets_.back() != Row::kUnread || static_cast<int>(i) == time_field_) num_read_ = i + 1;
    }
  }

  static ReadRecord reader(std::shared_ptr<const Header> header) {
    return [header = std::move(header)](const RecordRef& ref, data::FieldVisitor& visitor) {
      Row row(visitor);
      FieldWriter writer(*header);
      Values values(ref.text, header->separator);
      std::string_view value;
      for (size_t i = 0; i < header->fields.size() && values.next(value); ++i)
        writer.write(row, Row::kByName, header->fields[i], value);
    };
  }

  const Input& input_;
  DecodeContext& context_;
  std::shared_ptr<const Header> header_;
  FieldWriter writer_;
  std::string table_;
  int time_field_;
  TableSet tables_;
  TableRows* rows_ = nullptr;
  std::vector<Row::Target> targets_;
  size_t num_read_ = 0;  // fields up to the last one that is read
};

}  // namespace

bool detect(std::string_view head) {
  std::string converted;
  return text_head(head, converted).substr(0, 11) == "#separator ";
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  LineReader line(input.bytes);
  Progress progress(context);
  Header header;
  std::unique_ptr<Section> section;
  bool changed = false;
  while (line.next()) {
    const std::string_view text = line.line();
    if (!text.empty() && text[0] == '#') {
      header.take(text);
      changed = true;
    } else if (!text.empty() && !header.fields.empty()) {
      // Rotated logs joined together repeat one header: their records go on in the same batch.
      if (!section || (changed && !(section->header() == header))) {
        if (section) section->flush();
        section = std::make_unique<Section>(input, context, header);
      }
      changed = false;
      section->record(line);
      if (!section->ok()) break;
    } else if (!text.empty()) {
      context.anomalies.add("zeek-no-header", input.path, line.offset(), "a record before #fields");
    }
    if (!progress.at(line.done())) break;
  }
  progress.at(line.done());
  if (section) section->flush();
}

}  // namespace postern::input::zeek
