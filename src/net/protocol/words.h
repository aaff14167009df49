// Words of the commands and responses of IMAP and POP3.
#pragma once
#include <string>
#include <string_view>

#include "base/text.h"

namespace postern::net::protocol {

/// Of ASCII letters; other bytes stay as they are.
inline std::string upper(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

/// A command in upper case, as far as any is long.
inline std::string verb_of(std::string_view word) {
  constexpr size_t kLongest = 32;
  return upper(word.substr(0, kLongest));
}

/// The first word, which is taken off `text` together with the blanks after it.
inline std::string_view next_word(std::string_view& text) {
  text = trim(text);
  const std::string_view word = text.substr(0, text.find(' '));
  text = trim(text.substr(word.size()));
  return word;
}

}  // namespace postern::net::protocol
