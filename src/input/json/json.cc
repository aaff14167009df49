#include "input/json/json.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "input/json/output.h"
#include "input/json/splitter.h"
#include "input/text_input.h"

namespace postern::input::json {
namespace {

/// What `log stream` says before the first record.
constexpr std::string_view kUnifiedLogBanner = "Filtering the log data using";

std::string file_stem(std::string_view path) {
  const size_t slash = path.find_last_of("/\\!");
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return std::string(path.substr(0, path.find('.')));
}

/// Fills the batches of a run.
class BatchOutput : public Output {
 public:
  BatchOutput(const Input& input, DecodeContext& context, const ReadRecord& read)
      : input_(input),
        context_(context),
        read_(read),
        tables_(input, context, read),
        windows_(context, input.path) {
    windows_.keep(input.owner);
    windows_.set_reader_factory([this](WindowsTable t) { return take_reader(t); });
    for (size_t i = 0; i < kNumWindowsTables; ++i) {
      const data::BatchBuilder* builder = windows_.builder(static_cast<WindowsTable>(i));
      if (!builder) continue;
      NameTable& names = per_table_[i].names.emplace();
      const auto table = static_cast<WindowsTable>(i);
      constexpr std::string_view kRenamed = "EventData_";
      for (const data::Layout::Field& f : builder->layout().fields()) {
        names.add(f.name, windows_.slot_of(table, f.name));
        // A data field with the name of a System column goes to a column of its own.
        if (f.name.starts_with(kRenamed))
          names.add(f.name.substr(kRenamed.size()), WindowsEvent::kAnySlot);
      }
    }
  }

  /// The next document; `owner` keeps its text where that is a repaired copy.
  void document(std::string_view text, const Piece& piece, std::shared_ptr<const void> owner) {
    text_ = text;
    position_ = {piece.offset, piece.line};
    owner_ = std::move(owner);
    num_rows_ = 0;
  }

  Row* begin(std::string_view table, std::string_view place) override {
    const uint32_t row = num_rows_++;
    current_ = tables_.event(table);
    if (!current_) return nullptr;
    current_->begin(position_of(place), {text_, row}, owner_, place.size());
    row_.emplace(*current_);
    row_->raw(place, !owner_);
    return &*row_;
  }

  void end() override {
    current_->end();
    tables_.check(*current_);
  }

  bool begin_windows(const WindowsEvent& event, std::string_view place) override {
    const uint32_t row = num_rows_++;
    const WindowsTable table = event.table();
    if (!windows_.wanted(table, event)) {
      windows_.skip(table);
      return false;
    }
    PerTable& t = per_table_[static_cast<size_t>(table)];
    t.refs.push_back({text_, row});
    if (owner_ && (t.owners.empty() || t.owners.back() != owner_)) {
      t.owners.push_back(owner_);
      t.pending_bytes += text_.size();
    }
    windows_position_ = position_of(place);
    return true;
  }

  const NameTable* windows_names(WindowsTable table) override {
    const auto& names = per_table_[static_cast<size_t>(table)].names;
    return names ? &*names : nullptr;
  }

  bool wants_windows_values(WindowsTable table) override {
    const data::BatchBuilder* builder = windows_.builder(table);
    // Not wants_values(): the row has not begun, and it is for its own text gate to say.
    return builder && builder->layout().values_slot() >= 0;
  }

  const data::TextGate* windows_text_gate(WindowsTable table) override {
    const data::BatchBuilder* builder = windows_.builder(table);
    return builder ? builder->layout().text_gate() : nullptr;
  }

  void end_windows(const WindowsEvent& event, bool borrowed, bool raw_borrowed) override {
    const WindowsTable table = event.table();
    windows_.put(table, event, windows_position_, borrowed,
                 raw_borrowed ? event.raw : std::string_view());
    count_text(table, event);
  }

  data::BatchBuilder* windows_builder(WindowsTable table) override {
    return windows_.builder(table);
  }

  data::BatchBuilder& begin_windows_row(WindowsTable table,
                                        const WindowsEvent& event,
                                        bool borrowed) override {
    return windows_.begin_row(table, event, windows_position_, borrowed, event.raw);
  }

  void end_windows_row(WindowsTable table, const WindowsEvent& event) override {
    windows_.end_row(table, event, true);
    count_text(table, event);
  }

  void anomaly(std::string_view name, std::string_view detail) override {
    context_.anomalies.add(name, input_.path, position_.offset, detail);
  }

  bool ok() const { return tables_.ok() && windows_.ok(); }

  void flush() {
    tables_.flush();
    windows_.flush();
  }

 private:
  struct PerTable {
    std::optional<NameTable> names;
    std::vector<RecordRef> refs;  // rows since the last flush
    uint64_t pending_bytes = 0;   // text behind them
    std::vector<std::shared_ptr<const void>> owners;
  };

  /// A batch is handed over early when its records have much text.
  void count_text(WindowsTable table, const WindowsEvent& event) {
    PerTable& t = per_table_[static_cast<size_t>(table)];
    t.pending_bytes += event.raw.size();
    if (t.pending_bytes > kMaxBatchText) windows_.builder(table)->flush();
  }

  /// A record inside a document (an element of an array) has a place of its own.
  data::Position position_of(std::string_view place) const {
    data::Position p = position_;
    if (!owner_) p.offset += static_cast<uint64_t>(place.data() - text_.data());
    return p;
  }

  std::shared_ptr<const data::RecordReader> take_reader(WindowsTable table) {
    PerTable& t = per_table_[static_cast<size_t>(table)];
    t.owners.push_back(input_.owner);
    auto reader =
        std::make_shared<const TextRecords>(std::move(t.refs), std::move(t.owners), read_);
    t.refs.clear();
    t.owners.clear();
    t.pending_bytes = 0;
    return reader;
  }

  const Input& input_;
  DecodeContext& context_;
  ReadRecord read_;
  TableSet tables_;
  WindowsEventWriter windows_;
  std::array<PerTable, kNumWindowsTables> per_table_;
  std::string_view text_;
  data::Position position_;
  data::Position windows_position_;
  std::shared_ptr<const void> owner_;
  uint32_t num_rows_ = 0;
  TableRows* current_ = nullptr;
  std::optional<Row> row_;
};

/// Shows one row of a document to a visitor.
class VisitorOutput : public Output {
 public:
  VisitorOutput(uint32_t row, data::FieldVisitor& visitor)
      : wanted_(row), visitor_(visitor), row_(visitor) {}

  Row* begin(std::string_view, std::string_view) override {
    return next_++ == wanted_ ? &row_ : nullptr;
  }

  void end() override {}

  bool begin_windows(const WindowsEvent&, std::string_view) override { return next_++ == wanted_; }

  const NameTable* windows_names(WindowsTable) override { return nullptr; }

  bool wants_windows_values(WindowsTable) override { return true; }

  const data::TextGate* windows_text_gate(WindowsTable) override { return nullptr; }

  data::BatchBuilder* windows_builder(WindowsTable) override { return nullptr; }

  data::BatchBuilder& begin_windows_row(WindowsTable, const WindowsEvent&, bool) override {
    POSTERN_CHECK(false);  // only where there is a builder
  }

  void end_windows_row(WindowsTable, const WindowsEvent&) override {}

  void end_windows(const WindowsEvent& event, bool, bool) override { visit(event, visitor_); }

  void anomaly(std::string_view, std::string_view) override {}

 private:
  uint32_t next_ = 0;
  uint32_t wanted_;
  data::FieldVisitor& visitor_;
  Row row_;
};

class Decoder {
 public:
  Decoder(const Input& input, DecodeContext& context)
      : input_(input), context_(context), output_(input, context, reader(file_stem(input.path))) {
    state_.file_stem = file_stem(input.path);
  }

  void run() {
    const Slice* slice = context_.slice;
    Splitter splitter(slice ? input_.bytes.substr(0, slice->end) : input_.bytes, kMaxDocumentBytes);
    if (slice && slice->begin > 0) splitter.start_inside(slice->begin, slice->lines_before + 1);
    Progress progress(context_, &input_);
    Piece piece;
    while (output_.ok() && splitter.next(piece)) {
      piece.offset += input_.base_offset;
      piece.line += input_.base_line;
      if (piece.kind == Piece::Kind::kDocument)
        document(splitter, piece);
      else
        not_a_document(piece);
      if (!progress.at(splitter.done())) break;
    }
    progress.at(splitter.done());
    output_.flush();
  }

 private:
  /// Decodes a document again for a RecordReader; owns all that it needs.
  static ReadRecord reader(std::string stem) {
    return [stem = std::move(stem)](const RecordRef& ref, data::FieldVisitor& visitor) {
      Parser parser;
      Document document;
      if (parser.parse(ref.text, document) != ParseStatus::kOk) return;
      DialectState state;
      state.file_stem = stem;
      Record record;
      record.set(document, 0, false, state.known_keys);
      VisitorOutput out(ref.row, visitor);
      put_record(record, state, out);
    };
  }

  void document(Splitter& splitter, Piece& piece) {
    ParseStatus status = parser_.begin(piece.text);
    if (status == ParseStatus::kOk) {
      if (FlatPlan* plan =
              state_.flat_plans.read(piece.text, input_.bytes, parser_.structure(), flat_)) {
        output_.document(piece.text, piece, nullptr);
        return put_planned(flat_, *plan, read_items_, state_, output_);
      }
    }
    status = parse(piece, status);
    while (status != ParseStatus::kOk) {
      if (!splitter.retry(piece))
        return bad(status == ParseStatus::kTooDeep || status == ParseStatus::kTooLarge
                       ? "json-too-large"
                       : "json-bad-line",
                   piece, parse_status_text(status));
      status = parse(piece, parser_.begin(piece.text));
    }
    if (repaired_) bad("json-bad-utf8", piece, "bytes that are not UTF-8 are shown as U+FFFD");
    output_.document(document_.text(), piece, repaired_);
    record_.set(document_, 0, !repaired_, state_.known_keys);
    put_record(record_, state_, output_);
  }

  /// `begun`: what the parser said of the piece's structure.
  ParseStatus parse(const Piece& piece, ParseStatus begun) {
    repaired_.reset();
    if (begun == ParseStatus::kOk) return parser_.finish(document_);
    if (begun != ParseStatus::kBadUtf8) return begun;
    repaired_ = std::make_shared<const std::string>(repair_utf8(piece.text));
    return parser_.parse(*repaired_, document_);
  }

  void not_a_document(const Piece& piece) {
    if (piece.kind == Piece::Kind::kTooLarge)
      return bad("json-too-large", piece, "document of more than 32 MiB");
    if (piece.kind == Piece::Kind::kUnclosed)
      return bad("json-bad-line", piece, "the object is not closed");
    if (piece.text.substr(0, kUnifiedLogBanner.size()) == kUnifiedLogBanner) return;
    bad("json-bad-line", piece, "no JSON object");
  }

  void bad(std::string_view name, const Piece& piece, std::string_view what) {
    std::string detail;
    // The sentence is only kept for the first one.
    if (context_.anomalies.all().find(name) == context_.anomalies.all().end()) {
      constexpr size_t kShown = 60;
      detail.append("line ").append(std::to_string(piece.line)).append(": ").append(what);
      detail.append(": ").append(repair_utf8(piece.text.substr(0, kShown)));
    }
    context_.anomalies.add(name, input_.path, piece.offset, detail);
  }

  const Input& input_;
  DecodeContext& context_;
  BatchOutput output_;
  KeyIds key_ids_;
  Parser parser_{&key_ids_};
  Document document_;
  FlatRecord flat_;
  const ReadItems read_items_ = [this]() -> const Document& {
    POSTERN_CHECK(parser_.finish(document_) == ParseStatus::kOk);
    return document_;
  };
  std::shared_ptr<const std::string> repaired_;
  Record record_;
  DialectState state_;
};

}  // namespace

bool detect(std::string_view head) {
  std::string converted;
  head = text_head(head, converted);
  // A record may be preceded by the line of `log stream`; anything else is another format.
  if (head.substr(0, kUnifiedLogBanner.size()) == kUnifiedLogBanner) {
    const size_t end = head.find('\n');
    head.remove_prefix(end == std::string_view::npos ? head.size() : end);
  }
  const auto next = [&]() -> char {
    while (!head.empty() && (ascii_space(head[0]) || head[0] == '\x1E'))
      head.remove_prefix(1);
    if (head.empty()) return '\0';
    const char c = head[0];
    head.remove_prefix(1);
    return c;
  };
  char c = next();
  if (c == '[') c = next();
  if (c != '{') return false;
  c = next();
  return c == '"' || c == '}' || c == '\0';
}

// A document that is broken may hide where the next one starts, but never beyond a line that starts
// with `{`, once the first document has shown that lines are documents (Splitter). So a slice may
// begin there and nowhere else.
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes) {
  if (!can_cut_text(input, slice_bytes)) return nullptr;
  constexpr size_t kHeadBytes = size_t{1} << 20;
  Splitter splitter(input.bytes.substr(0, kHeadBytes), kMaxDocumentBytes);
  Piece piece;
  do {
    if (!splitter.next(piece)) return nullptr;
  } while (piece.kind == Piece::Kind::kText);
  Parser parser;
  Document document;
  if (piece.kind != Piece::Kind::kDocument || !splitter.was_line() ||
      parser.parse(piece.text, document) != ParseStatus::kOk)
    return nullptr;
  return std::make_unique<LineCutter>(input.bytes, slice_bytes,
                                      [](std::string_view rest) { return rest[0] == '{'; });
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  Decoder(input, context).run();
}

}  // namespace postern::input::json
