// Real audit logs whose lines are out of order, cut and rolled over; what their fields say is
// compared by tools/check_auditd.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/auditd/auditd.h"

namespace postern::input {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Serials in the order in which events come out, with the types of their records.
std::vector<std::string> events_of(const std::string& path) {
  Decoded d({{"linux.auditd", {{"serial", kLong}, {"types", kDynamic}}}});
  d.run(auditd::decode, read_file(path));
  std::vector<std::string> out;
  for (const auto& row : d.rows("linux.auditd"))
    out.push_back(row.fields.at("serial") + row.fields.at("types"));
  return out;
}

TEST(AuditdSharedData, LinesOutOfOrderGiveTheSameEvents) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  const std::string folder = shared + "/evidence/logs/auditd-go-libaudit/testdata/";
  auto normal = events_of(folder + "normal.log");
  auto mixed = events_of(folder + "out_of_order.log");
  EXPECT_EQ(normal.size(), 5u);
  std::sort(normal.begin(), normal.end());
  std::sort(mixed.begin(), mixed.end());
  EXPECT_EQ(normal, mixed);
  EXPECT_EQ(events_of(folder + "rollover.log").size(), 5u);
  EXPECT_EQ(events_of(folder + "lost_messages.log").size(), 5u);
}

}  // namespace
}  // namespace postern::input
