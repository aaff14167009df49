// Any bytes as a message, whole and in pieces: both give the same parts.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"
#include "mime/charset.h"
#include "mime/magic.h"
#include "mime/parser.h"

namespace {

using namespace postern::mime;

struct Collector final : Handler {
  void part_begin(const Part& p) override {
    POSTERN_CHECK(bodies.emplace(p.index, p.type + "|" + p.name + "|").second);
    ++open;
  }

  void part_data(const Part& p, std::string_view bytes) override { bodies.at(p.index) += bytes; }

  void part_other(const Part& p, std::string_view bytes) override {
    constexpr uint32_t kOther = 1u << 31;
    bodies[p.index + kOther] += bytes;
  }

  void part_end(const Part& p) override {
    POSTERN_CHECK(bodies.count(p.index) == 1);
    --open;
  }

  void anomaly(std::string_view, std::string_view) override {}

  std::map<uint32_t, std::string> bodies;
  int open = 0;
};

std::map<uint32_t, std::string> parse(std::string_view message, size_t step) {
  Collector c;
  Parser p(c);
  for (size_t at = 0; at < message.size(); at += step)
    p.feed(message.substr(at, step));
  p.finish();
  POSTERN_CHECK(c.open == 0);
  return c.bodies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = parse(message, size);
  // Lines longer than the parser holds may be cut elsewhere; inputs are shorter than that.
  if (size < 60'000) POSTERN_CHECK(whole == parse(message, data[0] % 7 + 1));
  static_cast<void>(parse_structured(message));
  static_cast<void>(split_addresses(message));
  static_cast<void>(decode_words(message.substr(0, 4096)));
  static_cast<void>(content_type(message));
  std::string out;
  to_utf8(message.substr(0, message.find('\n')), message, out);
  return 0;
}
