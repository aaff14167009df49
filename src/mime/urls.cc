#include "mime/urls.h"

#include <algorithm>

#include "base/text.h"

namespace postern::mime {
namespace {

constexpr size_t kMaxUrl = 2048;

/// Where the scheme in front of "://" begins, or npos when it is none of the Web.
size_t scheme_start(std::string_view text, size_t colon) {
  for (const std::string_view scheme : {"https", "http", "ftp"})
    if (colon >= scheme.size() &&
        equal_ignore_case(text.substr(colon - scheme.size(), scheme.size()), scheme))
      return colon - scheme.size();
  return std::string_view::npos;
}

std::string plain(std::string_view url) {
  constexpr std::string_view kAmpersand = "&amp;";
  std::string out;
  for (size_t at = 0; at < url.size();) {
    const bool entity = url.substr(at, kAmpersand.size()) == kAmpersand;
    out += url[at];
    at += entity ? kAmpersand.size() : 1;
  }
  return out;
}

}  // namespace

void add_urls(std::string_view text, size_t most, std::vector<std::string>& urls) {
  size_t from = 0;
  while (urls.size() < most) {
    const size_t colon = text.find("://", from);
    if (colon == std::string_view::npos) return;
    from = colon + 3;
    const size_t begin = scheme_start(text, colon);
    if (begin == std::string_view::npos) continue;
    size_t end = from;
    while (end < text.size() && end - begin<kMaxUrl&& static_cast<uint8_t>(text[end])> 0x20 &&
           text[end] != '"' && text[end] != '\'' && text[end] != '<' && text[end] != '>' &&
           text[end] != 0x7f)
      ++end;
    while (end > from &&
           std::string_view(".,;:!?)]}").find(text[end - 1]) != std::string_view::npos)
      --end;
    if (end == from) continue;
    std::string url = plain(text.substr(begin, end - begin));
    if (std::find(urls.begin(), urls.end(), url) == urls.end()) urls.push_back(std::move(url));
    from = end;
  }
}

}  // namespace postern::mime
