// Digests of contents (attachments, files). Library: OpenSSL libcrypto.
// Tests: tests/unit/adapt/hash_test.cc.
#pragma once
#include <string>
#include <string_view>

namespace postern::adapt {

/// Lower-case hex digests.
std::string md5(std::string_view bytes);
std::string sha1(std::string_view bytes);
std::string sha256(std::string_view bytes);

}  // namespace postern::adapt
