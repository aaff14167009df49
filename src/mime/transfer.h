// Content transfer encodings as streams: base64, quoted-printable and uuencode.
//
// Decoders are as forgiving as the most forgiving mail reader, because what a reader shows is what
// a rule must see: junk in base64 is skipped, padding may be followed by more groups, a "=" that is
// no escape stands for itself. What was forgiven is counted. Sources: RFC 2045, 6.7 and 6.8; POSIX
// uuencode. Tests: tests/unit/mime/transfer_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::mime {

class Base64Decoder {
 public:
  void feed(std::string_view in, std::string& out);
  /// Writes what an unfinished last group holds.
  void finish(std::string& out);

  /// Loses the group begun; the next byte begins a new one (after lost bytes).
  void restart() { num_held_ = 0; }

  uint64_t num_junk() const { return num_junk_; }

  /// Data after padding: several encodings in a row, or an attempt to hide the second.
  bool data_after_padding() const { return data_after_padding_; }

  /// Bytes that had come out when the first padding was read; 0 when none was.
  uint64_t bytes_before_padding() const { return padded_ ? before_padding_ : 0; }

 private:
  uint32_t held_ = 0;
  int num_held_ = 0;
  bool padded_ = false;
  uint64_t num_out_ = 0;
  uint64_t before_padding_ = 0;
  bool data_after_padding_ = false;
  uint64_t num_junk_ = 0;
};

class QuotedPrintableDecoder {
 public:
  void feed(std::string_view in, std::string& out);
  void finish(std::string& out);

  uint64_t num_invalid() const { return num_invalid_; }

 private:
  bool escaped(char c, std::string& out);
  void plain(char c, std::string& out);
  void flush_blanks(std::string& out);

  std::string blanks_;  // blanks that vanish if the line ends here
  std::string escape_;  // "=" and what came after it
  uint64_t num_invalid_ = 0;
};

/// Decodes one line of uuencoded data; false when it is none.
bool decode_uu_line(std::string_view line, std::string& out);

/// Whole texts.
std::string decode_base64(std::string_view text);
/// The Q encoding of header words: "_" is a blank (RFC 2047, 4.2).
std::string decode_q(std::string_view text);

}  // namespace postern::mime
