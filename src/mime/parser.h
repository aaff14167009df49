// A message taken apart while it passes: headers, nested parts, decoded bodies.
//
// The parser is pushed lines of any size in pieces of any size and holds at most one line, one
// header block and one buffer of decoded bytes. Boundaries are looked for at every open level, so a
// part that is never closed ends with its parent; a boundary matches whole or not at all. An
// encapsulated message is parsed by a parser of its own, fed with the decoded bytes, so an encoded
// one is read, too. Ambiguity is reported, never fatal: whatever two mail readers could disagree on
// has an anomaly. Sources: RFC 5322, 2045, 2046, 2183, 2231. Tests: tests/unit/mime/parser_test.cc,
// fuzz_mime.
//
// Anomalies: mime-too-deep, mime-too-many-parts, mime-unclosed-boundary, mime-no-boundary,
// mime-duplicate-header, mime-duplicate-parameter, mime-header-too-long, mime-too-many-headers,
// mime-bad-header, mime-bad-base64, mime-base64-after-padding, mime-bad-quoted-printable,
// mime-name-conflict, mime-unknown-encoding, mime-encoding-ignored.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mime/header.h"
#include "mime/transfer.h"

namespace postern::mime {

/// One part of a message; the message itself is the part with index 0.
struct Part {
  uint32_t index = 0;
  uint32_t parent = 0;
  uint32_t depth = 0;
  std::vector<HeaderField> headers;
  std::string type = "text/plain";  ///< declared, lower case
  std::string charset;              ///< declared
  std::string disposition;          ///< "attachment", "inline" or ""
  std::string encoding;             ///< declared, lower case: "base64", "quoted-printable", …
  std::string name;                 ///< file name, decoded; "" none
  bool message = false;             ///< the top of a message (index 0, or inside message/rfc822)
  bool multipart = false;

  /// Raw value of the first field of that name (any case), or nullptr.
  const std::string* header(std::string_view name) const;
  /// What a mail reader offers as a file: named, marked so, or nothing it shows as text.
  bool is_attachment() const;
};

/// Receives the parts in order. A multipart gets begin and end around those of its parts.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void part_begin(const Part& part) = 0;
  /// Decoded bytes of a part that is not a multipart.
  virtual void part_data(const Part& part, std::string_view bytes) = 0;
  virtual void part_end(const Part& part) = 0;
  virtual void anomaly(std::string_view name, std::string_view detail) = 0;
};

struct Limits {
  uint32_t max_depth = 100;    ///< of multiparts
  uint32_t max_messages = 10;  ///< messages inside messages
  uint32_t max_parts = 10'000;
  uint32_t max_headers = 10'000;        ///< of one part; well-known fields are kept beyond
  size_t max_header_bytes = 64u << 10;  ///< of one field; the rest of it is dropped
  size_t max_line_bytes = 64u << 10;    ///< held at most; longer lines pass in pieces
};

class Parser {
 public:
  explicit Parser(Handler& handler, Limits limits = {});
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void feed(std::string_view bytes);
  /// Bytes of the message are lost here.
  void gap();
  /// Ends all parts that are open.
  void finish();

 private:
  enum class State : uint8_t { kHeader, kBody, kPreamble, kEpilogue };
  enum class Coding : uint8_t { kIdentity, kBase64, kQuotedPrintable, kUuencode };

  struct Entity {
    Part part;
    State state = State::kHeader;
    Coding coding = Coding::kIdentity;
    std::vector<std::string> boundaries;  // of a multipart; two when it declares two
    bool in_field = false;
    bool dropped_field = false;   // the field being read is not kept
    bool told_too_many = false;   // headers
    bool gap = false;             // bytes of it are lost
    bool digest = false;          // its parts are messages unless they say otherwise
    bool closed = false;          // its last boundary was seen
    bool body_begun = false;      // a line with text in it has come
    bool sniff_boundary = false;  // none was declared: the first "--x" line is one
    Base64Decoder base64;
    QuotedPrintableDecoder quoted;
    std::unique_ptr<Part> uu;       // a file between "begin" and "end" of this text
    std::unique_ptr<Parser> inner;  // of an encapsulated message
    std::string_view held_eol;      // belongs to the next boundary if one follows
  };

  struct Shared;  // what the parsers of one message have in common

  Parser(std::shared_ptr<Shared> shared, const Part& container);  // of an encapsulated message

  void line(std::string_view text, bool begins, bool ends);
  bool boundary_line(std::string_view text);
  void header_line(std::string_view text, bool begins);
  void end_headers();
  void declare_type(Entity& e);
  void declare_rest(Entity& e);
  void body_line(std::string_view text, bool begins, bool ends);
  void doubt_encoding(Entity& e, std::string_view text);
  void decode(Entity& e, std::string_view text);
  void emit(Entity& e, std::string_view bytes);
  void flush(Entity& e);
  Entity& begin_part(const Part* parent);
  void end_part();
  bool uu_line(Entity& e, std::string_view text);
  void end_uu(Entity& e);
  void report_decoding(Entity& e);

  std::shared_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Entity>> open_;
  std::string partial_;  // of the line being assembled
  bool line_continues_ = false;
  bool skip_to_line_end_ = false;
  std::string decoded_;  // of the innermost part, not handed over yet
  bool finished_ = false;
};

}  // namespace postern::mime
