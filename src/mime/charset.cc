#include "mime/charset.h"

#include <algorithm>
#include <cerrno>

#include <iconv.h>

#include "base/text.h"

namespace postern::mime {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

class Converter {
 public:
  explicit Converter(const std::string& charset) : cd_(iconv_open("UTF-8", charset.c_str())) {}

  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  ~Converter() {
    if (ok()) iconv_close(cd_);
  }

  bool ok() const { return cd_ != reinterpret_cast<iconv_t>(-1); }

  void convert(std::string_view in, std::string& out) {
    // iconv does not write to its input; its interface is older than const.
    char* from = const_cast<char*>(in.data());
    size_t left = in.size();
    char buffer[16 * 1024];
    while (left > 0) {
      char* to = buffer;
      size_t room = sizeof buffer;
      const size_t done = iconv(cd_, &from, &left, &to, &room);
      out.append(buffer, sizeof buffer - room);
      if (done != static_cast<size_t>(-1)) break;
      if (errno == E2BIG) continue;
      // A malformed or unfinished sequence: one replacement per byte, as decoders of the Web do.
      out += kReplacement;
      ++from;
      --left;
    }
  }

 private:
  iconv_t cd_;
};

/// Every second byte is zero, as in UTF-16 text of a Western language.
bool looks_utf16(std::string_view bytes, size_t zero_at) {
  const size_t n = std::min<size_t>(bytes.size() / 2, 128);
  if (n < 4) return false;
  size_t zeros = 0;
  size_t others = 0;
  for (size_t i = 0; i < n; ++i) {
    zeros += bytes[2 * i + zero_at] == '\0' ? 1 : 0;
    others += bytes[2 * i + 1 - zero_at] == '\0' ? 1 : 0;
  }
  return zeros * 10 >= n * 9 && others == 0;
}

bool has_prefix(std::string_view s, std::string_view prefix) {
  return s.substr(0, prefix.size()) == prefix;
}

std::string guess(std::string_view bytes) {
  if (has_prefix(bytes, "\xff\xfe") || looks_utf16(bytes, 1)) return "UTF-16LE";
  if (has_prefix(bytes, "\xfe\xff") || looks_utf16(bytes, 0)) return "UTF-16BE";
  return valid_utf8(bytes) ? "UTF-8" : "WINDOWS-1252";
}

}  // namespace

bool to_utf8(std::string_view charset, std::string_view bytes, std::string& out) {
  std::string name;
  for (const char c : trim(charset)) {
    // Names that iconv would read as options ("utf-8//IGNORE") or paths are not charsets.
    if (!ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_' && c != '.' && c != ':') {
      name = "?";
      break;
    }
    name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  }
  constexpr size_t kMaxName = 40;
  bool known = name != "?" && name.size() <= kMaxName;
  if (!known) name.clear();
  // Text declared as ASCII or Latin-1 often is neither; readers take it as Windows-1252.
  if (name == "US-ASCII" || name == "ASCII") name.clear();
  if (name == "ISO-8859-1" || name == "LATIN1") name = "WINDOWS-1252";
  if (name == "UTF8") name = "UTF-8";
  if (name == "UTF-16" || name == "UTF16")
    name = guess(bytes) == "UTF-16BE" ? "UTF-16BE" : "UTF-16LE";
  if (name.empty()) name = guess(bytes);
  if (name == "UTF-8") {
    if (has_prefix(bytes, "\xef\xbb\xbf")) bytes.remove_prefix(3);
    out += valid_utf8(bytes) ? std::string(bytes) : repair_utf8(bytes);
    return known;
  }
  Converter converter(name);
  if (!converter.ok()) {
    known = false;
    Converter fallback(guess(bytes));
    if (fallback.ok()) {
      fallback.convert(bytes, out);
    } else {
      out += repair_utf8(bytes);
    }
    return known;
  }
  if ((name == "UTF-16LE" && has_prefix(bytes, "\xff\xfe")) ||
      (name == "UTF-16BE" && has_prefix(bytes, "\xfe\xff")))
    bytes.remove_prefix(2);
  converter.convert(bytes, out);
  return known;
}

std::string charset_of_content(std::string_view bytes, bool html) {
  if (has_prefix(bytes, "\xef\xbb\xbf")) return "UTF-8";
  if (has_prefix(bytes, "\xff\xfe")) return "UTF-16LE";
  if (has_prefix(bytes, "\xfe\xff")) return "UTF-16BE";
  if (!html) return {};
  // <meta charset="x"> or <meta … content="text/html; charset=x">, in the first kilobyte (HTML,
  // "determining the character encoding").
  constexpr size_t kSearched = 1024;
  constexpr std::string_view kWord = "charset=";
  const std::string_view head = bytes.substr(0, kSearched);
  const size_t meta = find_ignore_case(head, "<meta");
  if (meta == std::string_view::npos) return {};
  const size_t at = find_ignore_case(head, kWord, meta);
  if (at == std::string_view::npos) return {};
  std::string_view value = head.substr(at + kWord.size());
  if (!value.empty() && (value[0] == '"' || value[0] == '\'')) value.remove_prefix(1);
  return std::string(value.substr(0, value.find_first_of("\"'; />\r\n\t")));
}

std::vector<std::string> other_texts(std::string_view bytes,
                                     std::string_view text,
                                     std::string_view other,
                                     bool html) {
  std::vector<std::string> out;
  const auto read_as = [&](std::string_view charset) {
    std::string t;
    if (!to_utf8(charset, bytes, t) && !charset.empty()) return;
    if (t != text && std::find(out.begin(), out.end(), t) == out.end()) out.push_back(std::move(t));
  };
  if (!other.empty()) read_as(other);
  const std::string named = charset_of_content(bytes, html);
  if (!named.empty()) read_as(named);
  const bool replaced = text.find(kReplacement) != std::string_view::npos &&
                        bytes.find(kReplacement) == std::string_view::npos;
  if (replaced) read_as("");
  return out;
}

}  // namespace postern::mime
