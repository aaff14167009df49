// Addresses of the Web in the text of a mail, plain or HTML. Tests: tests/unit/mime/urls_test.cc.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

/// Appends the URLs in `text` (http, https, ftp) that are not in `urls` yet, until it holds
/// `most`. "&amp;" of HTML is undone; what ends a sentence is not part of a URL.
void add_urls(std::string_view text, size_t most, std::vector<std::string>& urls);

}  // namespace postern::mime
