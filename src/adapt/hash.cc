// Digests by OpenSSL's EVP interface. Tests: tests/unit/adapt/hash_test.cc (RFC 1321, FIPS 180-4).
#include "adapt/hash.h"

#include <openssl/evp.h>

#include "base/check.h"
#include "base/text.h"

namespace postern::adapt {
namespace {

std::string digest(const EVP_MD* algorithm, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  // Fails only where the library was built or configured without the algorithm.
  POSTERN_CHECK(EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm, nullptr) == 1);
  return hex(std::string_view(reinterpret_cast<const char*>(out), size));
}

}  // namespace

std::string md5(std::string_view bytes) {
  return digest(EVP_md5(), bytes);
}

std::string sha1(std::string_view bytes) {
  return digest(EVP_sha1(), bytes);
}

std::string sha256(std::string_view bytes) {
  return digest(EVP_sha256(), bytes);
}

}  // namespace postern::adapt
