// Text of any declared charset as UTF-8. Library: iconv of the C library, behind charset.cc.
// Tests: tests/unit/mime/charset_test.cc.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

/// Converts `bytes` to well-formed UTF-8; what cannot be converted becomes U+FFFD.
///
/// An unknown or empty charset: UTF-16 when the bytes look like it (byte order mark, or zero bytes
/// in every second place), UTF-8 when they are, else Windows-1252, which is what mail readers
/// guess. Returns false when `charset` is not known; the guess is still given.
bool to_utf8(std::string_view charset, std::string_view bytes, std::string& out);

/// The charset that a content names itself: by a byte order mark or, in HTML, by <meta>; "" none.
std::string charset_of_content(std::string_view bytes, bool html);

/// What other readers show of a text whose declared charset gave `text`: by a second declaration
/// (`other`, may be ""), by what the content says itself, and, where bytes are not of the declared
/// charset, by what they look like. Only what differs from `text`, each once.
std::vector<std::string> other_texts(std::string_view bytes,
                                     std::string_view text,
                                     std::string_view other,
                                     bool html);

}  // namespace postern::mime
