// Decoded bodies of mails, as a rule would see them.
#pragma once
#include <string>
#include <string_view>

#include "match/content_scanner.h"

namespace postern::test {

struct MailBodies final : match::ContentScanner {
  Result<uint32_t> scan(const match::ContentOrigin& o, std::string_view content) override {
    if (o.view == "mail.body") text.append(content);
    return uint32_t{0};
  }

  std::string text;  ///< one after the other
};

}  // namespace postern::test
