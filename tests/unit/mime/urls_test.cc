#include "mime/urls.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

using Urls = std::vector<std::string>;

Urls urls(std::string_view text, size_t most = 100) {
  Urls out;
  add_urls(text, most, out);
  return out;
}

TEST(Urls, AreFoundInTextAndHtml) {
  EXPECT_EQ(urls("see http://a.example/x?y=1, or (HTTPS://b.example)."),
            (Urls{"http://a.example/x?y=1", "HTTPS://b.example"}));
  EXPECT_EQ(urls("<a href=\"https://a.example/?p=1&amp;q=2\">https://a.example/?p=1&amp;q=2</a>"),
            Urls{"https://a.example/?p=1&q=2"});
  EXPECT_EQ(urls("ftp://f.example/z <http://c.example>"),
            (Urls{"ftp://f.example/z", "http://c.example"}));
  EXPECT_EQ(urls("no://scheme of the Web, :// and http:// alone"), Urls{});
}

TEST(Urls, AreBounded) {
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += "http://h" + std::to_string(i) + ".example/ ";
  EXPECT_EQ(urls(many, 10).size(), 10u);
  EXPECT_LE(urls("http://" + std::string(1 << 20, 'x')).at(0).size(), 2100u);
}

}  // namespace
}  // namespace postern::mime
