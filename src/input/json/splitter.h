// Cuts a text of JSON documents into documents: one per line, pretty-printed one after the other,
// or the elements of one top-level array; also several on one line.
//
// simdjson would refuse everything for one bad byte, so the cutting is ours, and a broken document
// costs no other. A line that starts with `{` and ends with `}` (or `},`, `}]`) is offered as a
// document; when it does not parse, the caller asks for a `retry()`, which follows the brackets
// from the same place instead. The total effort of following brackets that close nowhere is
// bounded, so a hostile file costs linear time. Tests: tests/unit/input/json_splitter_test.cc.
#pragma once
#include <cstdint>
#include <string_view>

namespace postern::input::json {

struct Piece {
  enum class Kind : uint8_t {
    kDocument,
    kText,      ///< a line that is no JSON object
    kTooLarge,  ///< a document beyond the limit; `text` is its beginning
    kUnclosed,  ///< brackets open at the end of the text or before the next document
  };
  Kind kind = Kind::kDocument;
  std::string_view text;
  uint64_t offset = 0;
  uint64_t line = 0;  ///< from 1
};

class Splitter {
 public:
  Splitter(std::string_view text, size_t max_document_bytes);

  /// Goes on at `begin`, the start of line `line`, in a text of which the front has shown that each
  /// line is a document of its own.
  void start_inside(size_t begin, uint64_t line) {
    at_ = begin;
    line_ = line;
    one_per_line_ = true;
  }

  /// True when the last piece, a document, was cut by its line.
  bool was_line() const { return by_line_; }

  /// The next piece; false at the end.
  bool next(Piece& piece);

  /// The last piece, a document, did not parse. True: here is another cut from the same place, by
  /// brackets. False: there is none, and the walk goes on behind it.
  bool retry(Piece& piece);

  uint64_t done() const { return at_; }

 private:
  struct Extent {
    size_t end = 0;      // after the closing bracket; 0: none found
    size_t restart = 0;  // where a new document seems to start inside; 0: nowhere
    bool too_large = false;
    bool not_tried = false;  // the effort in vain is used up
  };

  Extent follow_brackets(size_t from);
  size_t line_end(size_t from);
  bool skip_between();
  void move_to(size_t to);
  /// Where to go on after a document that cannot be used.
  size_t after(const Extent& extent, size_t stop) const;

  std::string_view text_;
  size_t max_bytes_;
  size_t at_ = 0;
  uint64_t line_ = 1;  // of at_
  size_t start_ = 0;   // of the last piece
  uint64_t start_line_ = 1;
  bool by_line_ = false;          // the last piece was cut by its line
  bool one_per_line_ = false;     // such a piece was good: the file has one document per line
  size_t by_brackets_until_ = 0;  // this line holds several documents
  size_t line_from_ = 1;          // line_end() of [line_from_, line_stop_] is line_stop_
  size_t line_stop_ = 0;
  uint64_t wasted_ = 0;  // bytes followed in vain
  Extent last_;
};

}  // namespace postern::input::json
