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
// mime-header-block-too-long, mime-long-boundary, mime-bad-header, mime-bad-base64,
// mime-base64-after-padding, mime-bad-quoted-printable, mime-name-conflict, mime-unknown-encoding,
// mime-encoding-ignored, mime-encoding-undeclared, mime-encoded-multipart.
//
// Where a message can be read in two ways, both readings are given: boundaries and names of both,
// and the bytes of a part as part_data() and, in its other encoding, as part_other()
// (draft-chen-email-mime-ambiguity-defense).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/line_pieces.h"
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
  std::string other_name;           ///< the name that other readers take; "" the same
  std::string other_charset;        ///< a second one that is declared; "" none
  /// How another reader takes the content off its encoding ("base64", "7bit", …), "" when all
  /// agree; known for good at the end of the part. Its bytes come by part_other().
  std::string other_encoding;
  /// A decoder that stops at the padding of base64 ends here; the others read on. 0: all agree.
  uint64_t strict_bytes = 0;
  bool message = false;  ///< the top of a message (index 0, or inside message/rfc822)
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

  /// Decoded bytes of the part in its other reading (see Part::other_encoding).
  virtual void part_other(const Part&, std::string_view) {}

  virtual void part_end(const Part& part) = 0;
  virtual void anomaly(std::string_view name, std::string_view detail) = 0;
};

struct Limits {
  uint32_t max_depth = 100;    ///< of multiparts
  uint32_t max_messages = 10;  ///< messages inside messages
  uint32_t max_parts = 10'000;
  uint32_t max_headers = 10'000;        ///< of one part; well-known fields are kept beyond
  size_t max_header_bytes = 64u << 10;  ///< of one field; the rest of it is dropped
  size_t max_block_bytes =
      256u << 10;                     ///< of all fields of a part; well-known ones are kept beyond
  size_t long_boundary = 70;          ///< RFC 2046, 5.1.1: a longer one is told
  size_t max_line_bytes = 64u << 10;  ///< held at most; longer lines pass in pieces
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

  /// A second way to take a part's content off its encoding.
  struct Other {
    Coding coding = Coding::kIdentity;
    Base64Decoder base64;
    QuotedPrintableDecoder quoted;
    uint64_t num_bytes = 0;  // that went in
    std::string decoded;     // not handed over yet
  };

  struct Entity {
    Part part;
    State state = State::kHeader;
    Coding coding = Coding::kIdentity;
    std::vector<std::string> boundaries;  // of a multipart; two when it declares two
    bool in_field = false;
    bool dropped_field = false;   // the field being read is not kept
    bool told_too_many = false;   // headers
    size_t header_bytes = 0;      // of the fields that are kept
    bool told_block = false;      // that they are too many bytes
    bool gap = false;             // bytes of it are lost
    bool digest = false;          // its parts are messages unless they say otherwise
    bool closed = false;          // its last boundary was seen
    bool body_begun = false;      // a line with text in it has come
    bool sniff_boundary = false;  // none was declared: the first "--x" line is one
    Base64Decoder base64;
    QuotedPrintableDecoder quoted;
    std::unique_ptr<Part> uu;       // a file between "begin" and "end" of this text
    std::unique_ptr<Parser> inner;  // of an encapsulated message
    std::unique_ptr<Other> other;
    std::string_view held_eol;  // belongs to the next boundary if one follows
  };

  /// Decoded bytes are handed over in pieces of about this size.
  static constexpr size_t kFlushBytes = 64u << 10;

  static Coding coding_of(std::string_view token);
  /// An encoding that leaves the content as it is.
  static bool plain_encoding(std::string_view token);

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
  void doubt_body(Entity& e, std::string_view text);
  void begin_other(Entity& e, Coding coding, std::string_view name);
  void feed_other(Entity& e, std::string_view text);
  void end_other(Entity& e);
  bool encoded_multipart(Entity& e, std::string_view text);
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
  LinePieces lines_;
  bool skip_to_line_end_ = false;
  std::string decoded_;  // of the innermost part, not handed over yet
  bool finished_ = false;
};

}  // namespace postern::mime
