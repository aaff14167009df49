// Real and hostile captures with known truth, from the folder beside the project; skipped without
// it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "data/dynamic.h"
#include "tests/support/decoded_rows.h"

namespace postern::input {
namespace {

using data::Dynamic;
using test::Decoded;
using test::TextRow;

std::string shared(const std::string& path) {
  const char* root = std::getenv("POSTERN_SHARED");
  return std::string(root ? root : "../shared") + "/evidence/mail/" + path;
}

const std::vector<std::string> kTables = {"net.flow", "mail.session", "mail.message",
                                          "mail.attachment"};

struct Bodies final : match::ContentScanner {
  Result<uint32_t> scan(const match::ContentOrigin& o, std::string_view content) override {
    if (o.view == "mail.body") text.append(content);
    return uint32_t{0};
  }

  std::string text;
};

std::string get(const TextRow& row, const std::string& name) {
  const auto it = row.find(name);
  return it == row.end() ? "" : it->second;
}

bool array_has(const std::string& json, std::string_view value) {
  const auto encoded = data::dynamic_from_json(json);
  if (!encoded) return false;
  const Dynamic d(*encoded);
  for (uint32_t i = 0; i < d.size(); ++i)
    if (d.at(i).as_string() == value) return true;
  return false;
}

TEST(MailCaptures, ReadsTheMailOfARealAgentTesla) {
  const std::string path = shared("agenttesla/a30789ce-1e1c-4f96-a097-78c34b9fb612.pcap");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  const auto bytes = FileBytes::open(path);
  ASSERT_TRUE(bytes.ok());
  Bodies bodies;
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

/// The first fault of our rows against the truth of one case, or "".
std::string judge(Dynamic truth, const Decoded& d, const std::string& bodies) {
  const auto& mails = d.rows("mail.message");
  const auto& files = d.rows("mail.attachment");
  const auto with = [&](const std::string& field, std::string_view value) {
    return std::any_of(mails.begin(), mails.end(),
                       [&](const TextRow& m) { return get(m, field) == value; });
  };
  for (uint32_t i = 0; i < truth.size(); ++i) {
    const std::string_view key = truth.key_at(i);
    const Dynamic v = truth.at(i);
    if (key == "mail_from" && !with("mailfrom", v.as_string())) return "mail_from";
    if (key == "subject" && !with("subject", v.as_string())) return "subject";
    if (key == "rcpt_count" && !with("num_recipients", v.text())) return "rcpt_count";
    if (key == "body_contains" && bodies.find(v.as_string()) == std::string::npos) return "body";
    if (key == "auth_user" && get(d.rows("mail.session").at(0), "auth_user") != v.as_string())
      return "auth_user";
    if (key == "attachment" && std::none_of(files.begin(), files.end(), [&](const TextRow& f) {
          const Dynamic size = truth.find("att_size");
          return get(f, "filename") == v.as_string() &&
                 (size.is_null() || get(f, "size") == size.text());
        }))
      return "attachment";
    if (key == "rcpt")
      for (uint32_t r = 0; r < v.size(); ++r)
        if (std::none_of(mails.begin(), mails.end(), [&](const TextRow& m) {
              return array_has(get(m, "rcptto"), v.at(r).as_string());
            }))
          return "rcpt";
    if (key == "subject_any" && !with("subject", v.at(0).as_string()) &&
        !with("subject", v.at(1).as_string()))
      return "subject";
    if (key == "mails" && mails.size() != v.size()) return "number of mails";
  }
  return "";
}

TEST(MailCaptures, IsNotFooledByTheEvasionsOfSmtp) {
  const std::string folder = shared("evasion/");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  const auto text = read_text_file(folder + "truth.json");
  ASSERT_TRUE(text.ok());
  const auto encoded = data::dynamic_from_json(*text);
  ASSERT_TRUE(encoded.has_value());
  const Dynamic truth(*encoded);
  const std::map<std::string, std::vector<const char*>, std::less<>> anomalies = {
      {"04_overlap_different_first_harmless", {"tcp-overlap-conflict"}},
      {"07_bad_checksum_insertion", {"bad-checksum"}},
      {"09_gap_in_data", {"tcp-gap", "smtp-gap"}},
      {"31_smuggle_LF_dot_CRLF", {"smtp-smuggling"}},
      {"32_smuggle_CRLF_dot_LF", {"smtp-smuggling"}},
      {"34_smuggle_CRLF_NUL_dot_CRLF", {"smtp-smuggling"}},
      {"35_smuggle_CRCRLF_dot", {"smtp-smuggling"}},
      {"37_huge_command_no_newline", {"smtp-line-too-long"}},
      {"50_unclosed_boundary", {"mime-unclosed-boundary"}},
      {"52_nested_300", {"mime-too-deep"}},
      {"53_dup_boundary_param", {"mime-duplicate-parameter"}},
      {"56_base64_junk_chars", {"mime-bad-base64"}},
      {"62_name_vs_filename_conflict", {"mime-name-conflict"}}};
  int right = 0;
  int total = 0;
  for (uint32_t i = 0; i < truth.size(); ++i) {
    const std::string name(truth.key_at(i));
    const std::string path = folder + name + ".pcap";
    // Mailbox protocols are recognised, not decoded.
    if (!std::filesystem::exists(path) || name[0] == '8' || name[0] == '9') continue;
    const auto bytes = FileBytes::open(path);
    ASSERT_TRUE(bytes.ok());
    Bodies bodies;
    const Decoded d = test::decode_rows((*bytes)->view(), kTables, &bodies);
    std::string fault = judge(truth.at(i), d, bodies.text);
    const auto wanted = anomalies.find(name);
    if (wanted != anomalies.end())
      for (const char* a : wanted->second)
        if (d.num_anomalies(a) == 0) fault += std::string(" no anomaly ") + a;
    if (name.find("_smuggle_") != std::string::npos) {
      EXPECT_EQ(d.rows("mail.message").size(), 1u) << name << ": one reply, one mail";
      for (const TextRow& m : d.rows("mail.message"))
        EXPECT_NE(get(m, "smuggled_mailfrom"), "") << name;
    }
    EXPECT_EQ(fault, "") << name;
    ++total;
    right += fault.empty() ? 1 : 0;
  }
  std::printf("%d of %d evasions read right\n", right, total);
  EXPECT_GE(total, 41);
}

}  // namespace
}  // namespace postern::input
