// Any bytes as an SMTP session: runs of bytes go to the client's or the server's side, or are lost.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "base/check.h"
#include "net/protocol/smtp/session.h"

namespace {

using namespace postern::net::protocol::smtp;

/// Checks the order of calls that a session promises.
struct Checker final : Handler {
  void content_begin(const Transaction& t) override { POSTERN_CHECK(open.insert(t.id).second); }

  void content(const Transaction& t, std::string_view) override {
    POSTERN_CHECK(open.count(t.id) == 1);
  }

  void content_gap(const Transaction& t, uint64_t) override {
    POSTERN_CHECK(open.count(t.id) == 1);
  }

  void content_end(const Transaction& t) override { POSTERN_CHECK(open.erase(t.id) == 1); }

  void transaction(const Transaction& t) override {
    POSTERN_CHECK(open.count(t.id) == 0);
    POSTERN_CHECK(done.insert(t.id).second);
  }

  void command(const postern::net::protocol::CommandRecord&) override {}

  void tls_started(const Moment&) override {}

  void anomaly(std::string_view, const Moment&, std::string_view) override {}

  std::set<uint64_t> open, done;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Checker checker;
  Session session(checker, (data[0] & 1) != 0);
  rest.remove_prefix(1);
  Moment at;
  // 0x01 to 0x04 switch: client, server, lost bytes of either.
  bool client = true;
  while (!rest.empty()) {
    const size_t n = std::min(rest.find_first_of("\x01\x02\x03\x04"), rest.size());
    if (n > 0) {
      if (client)
        session.client(rest.substr(0, n), at);
      else
        session.server(rest.substr(0, n), at);
      rest.remove_prefix(n);
      continue;
    }
    ++at.number;
    switch (rest[0]) {
      case 1:
        client = true;
        break;
      case 2:
        client = false;
        break;
      case 3:
        session.client_gap(rest.size(), at);
        break;
      default:
        session.server_gap(rest.size(), at);
        break;
    }
    rest.remove_prefix(1);
  }
  session.finish(at);
  POSTERN_CHECK(checker.open.empty());
  return 0;
}
