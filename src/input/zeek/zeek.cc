#include "input/zeek/zeek.h"

#include <bit>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
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

/// Where the first values of a line lie, found sixteen bytes at a time.
class Columns {
 public:
  /// Looks for `count` values. `line` lies in `text`, whose bytes beyond it may be read.
  void find(std::string_view line, std::string_view text, char separator, size_t count) {
    ends_.resize(count);
    from_ = line.data();
    found_ = 0;
    is_plain_ = true;
    const size_t size = line.size();
    size_t at = 0;
#if defined(__SSE2__)
    const auto readable = static_cast<size_t>(text.data() + text.size() - line.data());
    const __m128i tab = _mm_set1_epi8(separator);
    const __m128i backslash = _mm_set1_epi8('\\');
    for (; at < size && at + 16 <= readable && found_ < count; at += 16) {
      const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from_ + at));
      auto odd =
          static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(b, _mm_cmpeq_epi8(b, backslash))));
      auto tabs = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(b, tab)));
      if (size - at < 16) {
        const uint32_t inside = (1U << (size - at)) - 1;
        odd &= inside;
        tabs &= inside;
      }
      is_plain_ = is_plain_ && odd == 0;
      for (; tabs != 0 && found_ < count; tabs &= tabs - 1)
        ends_[found_++] = static_cast<uint32_t>(at + static_cast<size_t>(std::countr_zero(tabs)));
    }
#endif
    for (; at < size && found_ < count; ++at) {
      is_plain_ = is_plain_ && from_[at] != '\\' && static_cast<int8_t>(from_[at]) >= 0;
      if (from_[at] == separator) ends_[found_++] = static_cast<uint32_t>(at);
    }
    if (found_ < count) ends_[found_++] = static_cast<uint32_t>(size);  // the last value
  }

  size_t size() const {
    return found_;
  }

  std::string_view operator[](size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends_[i - 1] + 1;
    return {from_ + begin, ends_[i] - begin};
  }

  /// True when the values found are ASCII and without escapes.
  bool is_plain() const {
    return is_plain_;
  }

 private:
  const char* from_ = nullptr;
  std::vector<uint32_t> ends_;
  size_t found_ = 0;
  bool is_plain_ = true;
};

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
  // As Zeek writes the times of our days: ten digits and six.
  int64_t seconds = 0;
  int64_t micros = 0;
  if (value.size() == 17 && value[10] == '.' && parse_digits(value.substr(0, 10), seconds) &&
      parse_digits(value.substr(11), micros))
    return kUnixEpochTicks + seconds * kTicksPerSecond + micros * (kTicksPerSecond / 1'000'000);
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
    values_.find(line.line(), input_.bytes, header_->separator, num_read_);
    for (const Read& read : reads_) {
      if (read.field >= values_.size()) break;
      const std::string_view value = values_[read.field];
      if (static_cast<int>(read.field) == time_field_)
        if (const auto ticks = time_of(value)) row.time(*ticks);
      if (read.target == Row::kUnread || put_plain(*rows, read, value)) continue;
      const Field& field = header_->fields[read.field];
      if (!writer_.write(row, read.target, field, value))
        context_.anomalies.add("zeek-bad-utf8", input_.path, line.offset(), field.name);
    }
    if (values_.size() < num_read_)
      context_.anomalies.add("zeek-short-line", input_.path, line.offset(),
                             "fewer values than #fields");
    rows->end();
    tables_.check(*rows);
  }

 private:
  /// A field that is read, and whether its plain form fits its column without more ado.
  struct Read {
    size_t field;
    Row::Target target;
    enum class Way : uint8_t { kAny, kText, kInteger } way;
  };

  /// Which fields are read: looked up once.
  void plan(TableRows& rows) {
    rows_ = &rows;
    const Row row(rows);
    reads_.clear();
    num_read_ = 0;
    for (size_t i = 0; i < header_->fields.size(); ++i) {
      const Field& field = header_->fields[i];
      Read read{i, row.target(field.name), Read::Way::kAny};
      if (read.target == Row::kUnread && static_cast<int>(i) != time_field_) continue;
      num_read_ = i + 1;
      if (read.target != Row::kUnread && read.target != Row::kByName && !field.is_container) {
        const data::Type type = row.type(read.target, field.name);
        if (field.kind == Kind::kText && type == data::Type::kString) read.way = Read::Way::kText;
        if (field.kind == Kind::kInteger && data::is_integer(type)) read.way = Read::Way::kInteger;
      }
      reads_.push_back(read);
    }
  }

  /// Most values are plain text or digits; false: the value needs a closer look.
  bool put_plain(TableRows& rows, const Read& read, std::string_view value) {
    if (read.way == Read::Way::kText) {
      if (!values_.is_plain() || value == header_->unset_field || value == header_->empty_field)
        return value == header_->unset_field;
      rows.builder().borrowed_text(read.target, value);
      return true;
    }
    int64_t number = 0;
    if (read.way != Read::Way::kInteger || !parse_digits(value, number)) return false;
    rows.builder().integer(read.target, number);
    return true;
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
  std::vector<Read> reads_;
  Columns values_;
  size_t num_read_ = 0;  // fields up to the last one that is read
};

/// Carries along what the header lines so far say.
class ZeekCutter final : public LineCutter {
 public:
  ZeekCutter(std::string_view text, uint64_t slice_bytes)
      : LineCutter(
            text, slice_bytes, [](std::string_view) { return true; }, '#') {}

 private:
  void line(std::string_view rest) override {
    std::string_view text = rest.substr(0, rest.find('\n'));
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    const std::string_view key = text.substr(0, text.find_first_of(" \t"));
    if (key == "#open" || key == "#close") return;
    if (key == "#separator") lines_.clear();  // a new log begins
    // The last line of each kind counts.
    std::erase_if(lines_, [&](const std::string& l) {
      return l.size() > key.size() && l.compare(0, key.size(), key) == 0 &&
             (l[key.size()] == ' ' || l[key.size()] == '\t');
    });
    constexpr size_t kMaxLines = 64;
    if (lines_.size() >= kMaxLines) lines_.erase(lines_.begin() + 1);
    lines_.emplace_back(text);
    header_.clear();
    for (const std::string& l : lines_)
      header_.append(l).push_back('\n');
  }

  std::vector<std::string> lines_;
};

}  // namespace

std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes) {
  if (!can_cut_text(input, slice_bytes)) return nullptr;
  return std::make_unique<ZeekCutter>(input.bytes, slice_bytes);
}

bool detect(std::string_view head) {
  // People and tests put comments of their own before the header.
  constexpr uint64_t kMaxComments = 8;
  std::string converted;
  LineReader reader(text_head(head, converted));
  while (reader.next() && reader.number() <= kMaxComments) {
    if (reader.line().starts_with("#separator ")) return true;
    if (!reader.line().starts_with("#")) return false;
  }
  return false;
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  LineReader line(input.bytes, context.slice);
  Progress progress(context, &input);
  Header header;
  if (context.slice) {
    LineReader lines(context.slice->header);
    while (lines.next())
      header.take(lines.line());
  }
  std::unique_ptr<Section> section;
  bool changed = false;
  while (line.next()) {
    const std::string_view text = line.line();
    if (is_long_line(line, input, context)) {
      // neither a record nor a header
    } else if (!text.empty() && text[0] == '#') {
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
