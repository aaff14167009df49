#include "mime/header.h"

#include <algorithm>
#include <map>

#include "base/hex_digit.h"
#include "base/text.h"
#include "mime/charset.h"
#include "mime/transfer.h"

namespace postern::mime {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    c = ascii_lower(c);
  return out;
}

/// One encoded word "=?charset?B|Q?text?=" at the start of `s`; its length, or 0.
size_t encoded_word(std::string_view s, std::string& charset, std::string& bytes) {
  if (s.substr(0, 2) != "=?") return 0;
  const size_t q1 = s.find('?', 2);
  if (q1 == std::string_view::npos || q1 + 2 >= s.size() || s[q1 + 2] != '?') return 0;
  const char encoding = ascii_lower(s[q1 + 1]);
  if (encoding != 'b' && encoding != 'q') return 0;
  const size_t text = q1 + 3;
  // A "?" may be part of Q text of a careless writer, "?=" may not.
  const size_t end = s.find("?=", text);
  if (end == std::string_view::npos) return 0;
  charset = std::string(s.substr(2, q1 - 2));
  // A language may follow the charset (RFC 2231, 5).
  charset.resize(std::min(charset.size(), charset.find('*')));
  const std::string_view body = s.substr(text, end - text);
  if (encoding == 'q' && body.find('\n') != std::string_view::npos) return 0;
  bytes = encoding == 'b' ? decode_base64(body) : decode_q(body);
  return end + 2;
}

/// Skips blanks and comments (which nest).
void skip_blanks(std::string_view s, size_t& at) {
  int depth = 0;
  while (at < s.size()) {
    const char c = s[at];
    if (c == '(') {
      ++depth;
    } else if (depth > 0 && c == ')') {
      --depth;
    } else if (depth > 0 && c == '\\') {
      ++at;
    } else if (depth == 0 && !blank(c)) {
      return;
    }
    ++at;
  }
  at = std::min(at, s.size());
}

std::string quoted_string(std::string_view s, size_t& at) {
  std::string out;
  ++at;
  while (at < s.size() && s[at] != '"') {
    if (s[at] == '\\' && at + 1 < s.size()) ++at;
    out += s[at++];
  }
  if (at < s.size()) ++at;
  return out;
}

std::string percent_decode(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%' && i + 2 < s.size() && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
      i += 2;
    } else {
      out += s[i];
    }
  }
  return out;
}

/// The pieces of one parameter: name*0, name*1*, … or name* alone (RFC 2231).
struct Pieces {
  struct Piece {
    std::string text;
    bool encoded = false;
  };

  std::map<int, Piece> pieces;
  size_t order = 0;  // among the parameters
};

std::string join(const Pieces& p) {
  std::string charset;
  std::string bytes;
  bool first = true;
  for (const auto& entry : p.pieces) {
    std::string_view text = entry.second.text;
    if (entry.second.encoded && first) {
      // charset'language'text
      const size_t one = text.find('\'');
      const size_t two = one == std::string_view::npos ? one : text.find('\'', one + 1);
      if (two != std::string_view::npos) {
        charset = std::string(text.substr(0, one));
        text.remove_prefix(two + 1);
      }
    }
    first = false;
    bytes += entry.second.encoded ? percent_decode(text) : std::string(text);
  }
  std::string out;
  to_utf8(charset, bytes, out);
  return out;
}

}  // namespace

std::string decode_words(std::string_view value) {
  std::string out;
  std::string plain;  // undecoded text since the last word
  std::string run;    // bytes of adjacent words of one charset: a character may span words
  std::string run_charset;
  const auto end_run = [&] {
    if (!run.empty()) to_utf8(run_charset, run, out);
    run.clear();
  };
  const auto end_plain = [&] {
    if (!plain.empty()) to_utf8("", plain, out);
    plain.clear();
  };
  size_t at = 0;
  bool after_word = false;
  while (at < value.size()) {
    if (value[at] == '=') {
      std::string charset;
      std::string bytes;
      const size_t length = encoded_word(value.substr(at), charset, bytes);
      if (length > 0) {
        // Blanks between two words are not text (RFC 2047, 6.2).
        const bool adjacent =
            after_word && std::all_of(plain.begin(), plain.end(), [](char c) { return blank(c); });
        if (adjacent) plain.clear();
        if (!adjacent || !equal_ignore_case(charset, run_charset)) end_run();
        end_plain();
        run_charset = charset;
        run += bytes;
        at += length;
        after_word = true;
        continue;
      }
    }
    plain += value[at++];
    if (after_word && !blank(plain.back())) {
      end_run();
      after_word = false;
    }
  }
  end_run();
  end_plain();
  return out;
}

std::string_view StructuredValue::parameter(std::string_view name) const {
  for (const Parameter& p : parameters)
    if (p.name == name) return p.value;
  return {};
}

StructuredValue parse_structured(std::string_view value) {
  StructuredValue out;
  size_t at = 0;
  // The token: everything up to ";", blanks and comments left out.
  while (at < value.size() && value[at] != ';') {
    if (blank(value[at]) || value[at] == '(') {
      skip_blanks(value, at);
      continue;
    }
    if (value[at] == '"') {
      out.token += lower(quoted_string(value, at));
      continue;
    }
    out.token += ascii_lower(value[at++]);
  }

  std::map<std::string, Pieces> split;
  constexpr size_t kMaxParameters = 256;
  constexpr int kMaxPieces = 1000;
  while (at < value.size() && out.parameters.size() + split.size() < kMaxParameters) {
    ++at;  // the ";"
    skip_blanks(value, at);
    const size_t name_begin = at;
    while (at < value.size() && value[at] != '=' && value[at] != ';')
      ++at;
    std::string name = lower(trim(value.substr(name_begin, at - name_begin)));
    if (at >= value.size() || value[at] == ';') continue;
    ++at;
    skip_blanks(value, at);
    std::string text;
    if (at < value.size() && value[at] == '"') {
      text = quoted_string(value, at);
      while (at < value.size() && value[at] != ';')
        ++at;
    } else {
      // Unquoted values may hold blanks in practice; they end at the next ";".
      const size_t begin = at;
      while (at < value.size() && value[at] != ';')
        ++at;
      text = std::string(trim(value.substr(begin, at - begin)));
    }
    const size_t star = name.find('*');
    if (star == std::string::npos) {
      out.parameters.push_back({std::move(name), decode_words(text)});
      continue;
    }
    std::string mark = name.substr(star + 1);
    name.resize(star);
    Pieces& pieces = split[name];
    if (pieces.pieces.empty()) pieces.order = out.parameters.size();
    bool encoded = mark.empty();
    if (!mark.empty() && mark.back() == '*') {
      encoded = true;
      mark.pop_back();
    }
    const int number = static_cast<int>(parse_int(mark.empty() ? "0" : mark).value_or(-1));
    if (number < 0 || number > kMaxPieces) continue;
    pieces.pieces.try_emplace(number, Pieces::Piece{std::move(text), encoded});
  }
  // The pieces win over a plain parameter of the same name, which is there for old readers.
  for (auto& entry : split) {
    const auto where =
        static_cast<std::ptrdiff_t>(std::min(entry.second.order, out.parameters.size()));
    const auto same = std::find_if(out.parameters.begin(), out.parameters.end(),
                                   [&](const Parameter& p) { return p.name == entry.first; });
    if (same != out.parameters.end()) {
      same->value = join(entry.second);
    } else {
      out.parameters.insert(out.parameters.begin() + where,
                            Parameter{entry.first, join(entry.second)});
    }
  }
  return out;
}

std::vector<std::string> split_addresses(std::string_view value) {
  std::vector<std::string> out;
  bool quoted = false;
  int comment = 0;
  bool angle = false;
  size_t begin = 0;
  const auto take = [&](size_t end) {
    const std::string_view one = trim(value.substr(begin, end - begin));
    if (!one.empty()) out.emplace_back(one);
    begin = end + 1;
  };
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"' && comment == 0) {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '(') {
      ++comment;
    } else if (c == ')' && comment > 0) {
      --comment;
    } else if (comment > 0) {
      continue;
    } else if (c == '<') {
      angle = true;
    } else if (c == '>') {
      angle = false;
    } else if (c == ',' && !angle) {
      take(i);
    }
  }
  take(value.size());
  return out;
}

std::string bare_address(std::string_view mailbox) {
  const size_t close = mailbox.rfind('>');
  const size_t open = mailbox.rfind('<', close);
  if (open != std::string_view::npos && close != std::string_view::npos && open < close)
    mailbox = mailbox.substr(open + 1, close - open - 1);
  mailbox = trim(mailbox);
  // A source route "@relay,@other:user@host" (RFC 5321, appendix C).
  if (!mailbox.empty() && mailbox[0] == '@') {
    const size_t colon = mailbox.find(':');
    if (colon != std::string_view::npos) mailbox.remove_prefix(colon + 1);
  }
  return std::string(mailbox.find('@') == std::string_view::npos ? std::string_view{} : mailbox);
}

std::vector<std::string> ip_addresses(std::string_view text) {
  std::vector<std::string> out;
  size_t at = 0;
  const auto word = [](char c) { return ascii_digit(c) || ascii_alpha(c) || c == '.' || c == ':'; };
  while (at < text.size()) {
    if (!word(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < text.size() && word(text[at]))
      ++at;
    std::string_view one = text.substr(begin, at - begin);
    if (starts_with_ignore_case(one, "ipv6:")) one.remove_prefix(5);
    while (!one.empty() && one.back() == '.')
      one.remove_suffix(1);
    const auto parts = split(one, '.');
    const bool quad = parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](auto p) {
                        const auto n = parse_int(p);
                        return p.size() <= 3 && n && *n >= 0 && *n <= 255 && ascii_digit(p[0]);
                      });
    const bool v6 =
        std::count(one.begin(), one.end(), ':') >= 2 &&
        std::all_of(one.begin(), one.end(),
                    [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; }) &&
        one.size() > 2 && one.size() <= 45 &&
        (one.find("::") != std::string_view::npos || std::count(one.begin(), one.end(), ':') == 7);
    if (quad || v6) out.emplace_back(one);
  }
  return out;
}

}  // namespace postern::mime
