// A real capture with known truth, from the folder beside the project; skipped without it. For the
// hostile ones see tools/check_evasion.cc.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/decoded_rows.h"
#include "tests/support/mail_bodies.h"

namespace postern::input {
namespace {

using test::Decoded;
using test::TextRow;

std::string shared(const std::string& path) {
  const char* root = std::getenv("POSTERN_SHARED");
  return std::string(root ? root : "../shared") + "/evidence/mail/" + path;
}

const std::vector<std::string> kTables = {"net.flow", "mail.session", "mail.message",
                                          "mail.attachment"};

std::string get(const TextRow& row, const std::string& name) {
  const auto it = row.find(name);
  return it == row.end() ? "" : it->second;
}

TEST(MailCaptures, ReadsTheMailOfARealAgentTesla) {
  const std::string path = shared("agenttesla/a30789ce-1e1c-4f96-a097-78c34b9fb612.pcap");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  const auto bytes = FileBytes::open(path);
  ASSERT_TRUE(bytes.ok());
  test::MailBodies bodies;
  const Decoded d = test::decode_rows((*bytes)->view(), kTables, &bodies);
  ASSERT_EQ(d.rows("mail.session").size(), 1u);
  const TextRow& s = d.rows("mail.session")[0];
  EXPECT_EQ(get(s, "helo"), "User-PC");
  EXPECT_EQ(get(s, "auth_mechanism"), "LOGIN");
  EXPECT_EQ(get(s, "auth_user"), "shipping@oceanskylogistics.in");
  EXPECT_EQ(get(s, "auth_success"), "true");
  EXPECT_EQ(get(s, "starttls_offered"), "true");
  EXPECT_EQ(get(s, "starttls"), "false");
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  const TextRow& m = d.rows("mail.message")[0];
  EXPECT_EQ(get(m, "subject"), "PW_admin/USER-PC");
  EXPECT_EQ(get(m, "mailfrom"), "shipping@oceanskylogistics.in");
  EXPECT_EQ(get(m, "rcptto"), R"(["bkhin.supply@gmail.com"])");
  EXPECT_EQ(get(m, "date"), "4 Jun 2024 14:16:45 +0100");
  EXPECT_EQ(get(m, "msg_id"), "");
  EXPECT_EQ(get(m, "complete"), "true");
  // In the capture a soft line break stands inside the name.
  EXPECT_NE(bodies.text.find("Computer Name: USER-PC"), std::string::npos);
}

}  // namespace
}  // namespace postern::input
