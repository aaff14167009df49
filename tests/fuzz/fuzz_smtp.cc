// Any bytes as an SMTP session, see fuzz_session.h, and the order of calls that it promises.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "base/check.h"
#include "fuzz_session.h"
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
  Checker checker;
  postern::fuzz::run_session<Session>(checker, data, size);
  POSTERN_CHECK(checker.open.empty());
  return 0;
}
