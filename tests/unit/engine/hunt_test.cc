// Hunts over files that are cut into slices, and under a limit of memory.
#include "engine/hunt.h"

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/time.h"
#include "tests/support/evtx_builder.h"

namespace postern::engine {
namespace {

std::string two(int n) {
  return (n < 10 ? "0" : "") + std::to_string(n);
}

/// Process creations of a flat Windows event export, one a minute, by `users` users in turn.
std::string process_lines(int n, int users) {
  std::string out;
  for (int i = 0; i < n; ++i) {
    const std::string time =
        "2026-03-" + two(1 + i / 1440) + "T" + two(i / 60 % 24) + ":" + two(i % 60) + ":00.000Z";
    out += R"({"SourceName": "Microsoft-Windows-Sysmon", "Channel": )"
           R"("Microsoft-Windows-Sysmon/Operational", "Hostname": "ws1", "TimeCreated": ")" +
           time + R"(", "EventID": 1, "Image": "C:\\p)" + std::to_string(i % 7) +
           R"(.exe", "CommandLine": "run )" + std::to_string(i) + R"(", "User": "D\\u)" +
           std::to_string(i % users) + "\"}\n";
  }
  return out;
}

/// A file that is there while the test runs.
class File {
 public:
  explicit File(const std::string& text)
      : path_(testing::TempDir() + "hunt_test_" + std::to_string(::getpid()) + ".json") {
    std::ofstream(path_, std::ios::binary) << text;
  }

  ~File() { std::remove(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Answer {
  std::vector<std::string> findings;
  uint64_t in_file = 0;
  HuntResult result;
};

Answer run(const std::vector<RuleText>& texts, HuntOptions options) {
  const auto setup = make_setup();
  EXPECT_TRUE(setup.ok());
  RuleOptions rules;
  rules.builtin = false;
  rules.texts = texts;
  const std::unique_ptr<RuleSet> set = RuleSet::load(*setup, rules);
  EXPECT_EQ(set->num_refused(), 0U);
  Progress progress;
  const std::atomic<bool> cancelled{false};
  Answer out;
  out.result = hunt(*set, options, progress, cancelled);
  for (const Finding& f : out.result.findings) {
    std::string text = f.rule->title + "|" + format_rfc3339(f.time);
    for (const auto& [name, value] : f.row)
      text += "|" + name + "=" + value.text();
    for (const EvidenceRef& e : f.evidence)
      text += "|" + e.table + "@" + std::to_string(e.offset) + "/" + std::to_string(e.record);
    out.findings.push_back(std::move(text));
  }
  out.in_file = out.result.memory.findings_in_file;
  out.result.findings.clear();  // they point into the rules
  return out;
}

Answer run_file(const std::vector<RuleText>& texts, const File& file, HuntOptions options = {}) {
  options.evidence = {file.path()};
  return run(texts, options);
}

const RuleText kSigma = {"sigma", R"(title: third program
id: 00000000-0000-4000-8000-000000000001
status: test
logsource: {category: process_creation, product: windows}
detection:
  selection: {Image|endswith: '\p3.exe'}
  condition: selection
level: low
)",
                         "sigma"};

TEST(Hunt, SlicesAndThreadsDoNotChangeTheAnswer) {
  const File file(process_lines(4000, 5));
  const std::vector<RuleText> rules = {
      kSigma,
      {"groups",
       "DeviceProcessEvents | summarize n = count(), a = take_any(ProcessCommandLine) by "
       "AccountName | sort by n desc",
       "kql"},
      {"some", "DeviceProcessEvents | where FileName == 'p2.exe' | take 5", "kql"}};
  const Answer whole = run_file(rules, file);
  EXPECT_GT(whole.findings.size(), 570U);
  for (const unsigned threads : {1U, 2U, 4U}) {
    HuntOptions options;
    options.threads = threads;
    options.slice_bytes = 50'000;
    const Answer cut = run_file(rules, file, options);
    EXPECT_EQ(whole.findings, cut.findings) << threads;
    EXPECT_EQ(whole.result.events, cut.result.events);
    ASSERT_EQ(cut.result.files.size(), 1U);
    EXPECT_EQ(cut.result.files[0].events, 4000U);
    EXPECT_EQ(cut.result.files[0].bytes, whole.result.files[0].bytes);
  }
}

// Rules that take few rows come before one that takes all: which evidence that one keeps must not
// depend on what else they take, nor on where batches end.
TEST(Hunt, BatchesDoNotChangeTheEvidence) {
  const File file(process_lines(400, 5));
  const std::vector<RuleText> rules = {
      {"few", "DeviceProcessEvents | where ProcessCommandLine endswith '99' | summarize count()",
       "kql"},
      {"last", "DeviceProcessEvents | where AccountName == 'u4' | summarize count()", "kql"},
      {"groups", "DeviceProcessEvents | summarize n = count() by AccountName", "kql"}};
  const Answer whole = run_file(rules, file);
  EXPECT_EQ(whole.findings.size(), 7U);
  for (const bool share : {true, false})
    for (const uint32_t rows : {1U, 7U, 1000U}) {
      HuntOptions options;
      options.batch_rows = rows;
      options.share_filters = share;
      EXPECT_EQ(whole.findings, run_file(rules, file, options).findings) << rows << share;
    }
}

TEST(Hunt, RuleThatKeepsTooMuchIsStoppedByNameAndTheOthersGoOn) {
  const File file(process_lines(4000, 5));
  HuntOptions options;
  options.memory_limit = 1'500'000;
  const Answer a =
      run_file({{"greedy", "DeviceProcessEvents | sort by ProcessCommandLine asc", "kql"},
                {"modest", "DeviceProcessEvents | summarize n = count() by AccountName", "kql"}},
               file, options);
  ASSERT_EQ(a.findings.size(), 5U);
  EXPECT_NE(a.findings[0].find("|n=800"), std::string::npos) << a.findings[0];
  ASSERT_EQ(a.result.errors.size(), 1U);
  EXPECT_EQ(a.result.errors[0].rfind("memory-limit: rule `greedy` is stopped", 0), 0U)
      << a.result.errors[0];
  EXPECT_LE(a.result.memory.peak, 2 * options.memory_limit);
}

TEST(Hunt, ResultsThatDoNotFitAreNoResults) {
  const File file(process_lines(400, 5));
  HuntOptions options;
  options.memory_limit = 100'000;
  // Each row meets every other one: what is kept is small, what comes out is not.
  const Answer a = run_file({{"product",
                              "DeviceProcessEvents | project DeviceName, ProcessCommandLine | join "
                              "kind=inner (DeviceProcessEvents | project DeviceName, FileName) on "
                              "DeviceName",
                              "kql"}},
                            file, options);
  EXPECT_TRUE(a.findings.empty());
  EXPECT_EQ(a.result.errors.size(), 1U);
}

TEST(Hunt, ListsAndSetsCountAsKept) {
  const File file(process_lines(4000, 5));
  HuntOptions options;
  options.memory_limit = 100'000;
  for (const char* aggregate : {"make_set(ProcessCommandLine)", "make_list(ProcessCommandLine)",
                                "dcount(ProcessCommandLine)"}) {
    const Answer a =
        run_file({{"all", std::string("DeviceProcessEvents | summarize x = ") + aggregate, "kql"}},
                 file, options);
    EXPECT_EQ(a.result.errors.size(), 1U) << aggregate;
  }
}

// A rule that keeps nothing may find more than memory holds: its rows are not kept until the end,
// and findings beyond their part of the limit are sorted in a file.
TEST(Hunt, FindingsBeyondTheLimitAreSortedInAFile) {
  const File file(process_lines(4000, 5));
  const std::vector<RuleText> rules = {
      {"all", "EventCode=1 | eval name=lower(CommandLine) | table _time, Image, name", "spl"},
      kSigma};
  const Answer plenty = run_file(rules, file);
  EXPECT_GT(plenty.findings.size(), 4570U);
  EXPECT_EQ(plenty.in_file, 0U);
  for (const unsigned threads : {1U, 3U}) {
    HuntOptions options;
    options.memory_limit = 400'000;
    options.slice_bytes = 50'000;
    options.threads = threads;
    const Answer little = run_file(rules, file, options);
    EXPECT_TRUE(little.result.errors.empty());
    EXPECT_GT(little.in_file, 100'000U);
    EXPECT_TRUE(little.findings == plenty.findings) << threads;
  }
}

// Nor are the rows of a union, or of a query over the elements of each row.
TEST(Hunt, RowsOfUnionsAreNotKept) {
  const File file(process_lines(4000, 5));
  const std::vector<RuleText> rules = {
      {"both",
       "let a = Event | extend parts = split(Source, '-') | mv-apply p = parts on (summarize n = "
       "count()) | project TimeGenerated, Source, n; let b = Event | where EventID == 1 | project "
       "TimeGenerated, EventID, Computer; "
       "union a, b",
       "kql"}};
  const Answer plenty = run_file(rules, file);
  EXPECT_EQ(plenty.findings.size(), 8000U);
  HuntOptions options;
  options.memory_limit = 200'000;
  const Answer little = run_file(rules, file, options);
  EXPECT_TRUE(little.result.errors.empty());
  EXPECT_TRUE(little.findings == plenty.findings);
}

/// Looks for one word in the values of process creations.
RuleText keyword_rule(const std::string& word) {
  return {"keywords", R"(title: keywords
id: 00000000-0000-4000-8000-000000000002
status: test
logsource: {category: process_creation, product: windows}
detection:
  words: [')" + word + R"(']
  condition: words
level: low
)",
          "sigma"};
}

// Records with a keyword among records without one: what a record leaves out concerns no other.
TEST(Hunt, KeywordsAreFoundInWhicheverRecordHoldsThem) {
  const std::string texts[] = {"nothing here", "a SEKURLSA::logons b", R"(s\u0065kurlsa::logons)",
                               R"(C:\\users\\u.exe)", R"(\"sekurlsa::\\x\")"};
  std::string lines;
  int num_hits = 0;
  for (int i = 0; i < 500; ++i) {
    const int which = i * 7 / 3 % 5;  // every order of two
    num_hits += which == 1 || which == 2 || which == 4;
    lines += R"({"SourceName": "Microsoft-Windows-Sysmon", "Channel": )"
             R"("Microsoft-Windows-Sysmon/Operational", "Hostname": "ws1", "EventID": 1, )"
             R"("CommandLine": ")" +
             texts[which] + "\"}\n";
  }
  const File file(lines);
  const RuleText keywords = keyword_rule("sekurlsa::");
  const Answer shared = run_file({keywords}, file);
  HuntOptions plain;
  plain.share_filters = false;
  EXPECT_EQ(shared.findings.size(), static_cast<size_t>(num_hits));
  EXPECT_EQ(shared.findings, run_file({keywords}, file, plain).findings);
}

// Records of two kinds have the same names of calls, and each kind its own keywords.
TEST(Hunt, KeywordsAreFoundInNamesThatOtherKindsOfAuditRecordsHaveToo) {
  const auto rule = [](const std::string& type, const std::string& keyword) {
    return RuleText{type,
                    "title: " + type +
                        "\nlogsource:\n  product: linux\n  service: auditd\ndetection:\n"
                        "  s:\n    type: " +
                        type + "\n  keywords:\n    - '" + keyword +
                        "'\n  condition: s and keywords\nlevel: low\n",
                    "sigma"};
  };
  std::string lines;
  for (const char* type : {"SECCOMP", "SYSCALL", "SECCOMP"})
    lines += std::string("type=") + type +
             " msg=audit(1714550400.010:1): arch=c000003e syscall=42 pid=1 comm=\"a\"\n";
  const File file(lines);
  const std::vector<RuleText> rules = {rule("SECCOMP", "sekurlsa"), rule("SYSCALL", "connect")};
  const Answer shared = run_file(rules, file);
  HuntOptions plain;
  plain.share_filters = false;
  plain.use_event_ids = false;
  EXPECT_EQ(shared.findings.size(), 1U);
  EXPECT_EQ(shared.findings, run_file(rules, file, plain).findings);
}

TEST(Hunt, KeywordsAreFoundInWhicheverBinaryRecordHoldsThem) {
  using namespace input::evtx;
  const std::string texts[] = {"nothing here", "a SEKURLSA::logons b", "C:\\users\\u.exe", "lsa",
                               "sekurlsa:"};
  std::vector<std::string> chunks;
  size_t num_hits = 0;
  for (int c = 0; c < 5; ++c) {
    ChunkBuilder b;
    for (int i = 0; i < 60; ++i) {
      const std::string& text = texts[(c + i * 7 / 3) % 5];  // every order of two
      num_hits += &text == &texts[1] ? 1 : 0;
      const auto data = [&](ChunkBuilder& d) {
        d.fragment_header();
        d.open("EventData").close_start();
        d.open("Data", true).attribute("Name").literal("CommandLine").close_start();
        d.literal(text).end().end();
        d.end_of_fragment();
      };
      b.record(static_cast<uint64_t>(i), [&](ChunkBuilder& r) { write_event(r, {}, data); });
    }
    chunks.push_back(b.finish());
  }
  const File file(evtx_file(chunks));
  const RuleText keywords = keyword_rule("sekurlsa::");
  const Answer shared = run_file({keywords}, file);
  HuntOptions plain;
  plain.share_filters = false;
  EXPECT_EQ(shared.findings.size(), num_hits);
  EXPECT_EQ(shared.findings, run_file({keywords}, file, plain).findings);
}

TEST(Hunt, RulesThatNobodyWantsToSeeGiveNoFindings) {
  const File file(process_lines(70, 5));
  HuntOptions options;
  options.wanted = [](const plan::RuleInfo& rule) { return rule.level == "low"; };
  const Answer a =
      run_file({{"all", "DeviceProcessEvents | project FileName", "kql"}, kSigma}, file, options);
  EXPECT_EQ(a.findings.size(), 10U);
}

// Three processes at 00:10, 00:50 and 01:20: the hour from 00:00 sees two of them, the one from
// 00:30 the last two; the other windows see parts of these.
TEST(Hunt, WindowsOfAnAggregateKeepNoRows) {
  std::string lines;
  for (const int minute : {10, 50, 80}) {
    const std::string all = process_lines(minute + 1, 1);
    lines += all.substr(all.rfind('\n', all.size() - 2) + 1);
  }
  const File file(lines);
  const Answer a = run_file({{"hourly",
                              "DeviceProcessEvents | where Timestamp > ago(1h) | summarize n = "
                              "count(), since = min(Timestamp)",
                              "kql"}},
                            file);
  ASSERT_EQ(a.findings.size(), 2U);
  EXPECT_NE(a.findings[0].find("|n=2|since=2026-03-01T00:10:00Z"), std::string::npos)
      << a.findings[0];
  EXPECT_NE(a.findings[1].find("|n=2|since=2026-03-01T00:50:00Z"), std::string::npos)
      << a.findings[1];
  // Of 4,000 rows nothing is kept but the counts.
  const File large(process_lines(4000, 5));
  HuntOptions options;
  options.memory_limit = 2'500'000;
  const Answer b = run_file({{"hourly",
                              "DeviceProcessEvents | where Timestamp > ago(1h) | summarize n = "
                              "count(), since = min(Timestamp), list = make_set(FolderPath)",
                              "kql"}},
                            large, options);
  EXPECT_TRUE(b.result.errors.empty());
  EXPECT_GT(b.findings.size(), 60U);
}

// Each window looks at its own rows alone: thousands of windows over thousands of rows are as many
// rows, not their product.
TEST(Hunt, ManyWindowsOfARuleThatKeepsRowsTakeTheirOwnRows) {
  const int rows = 8000;
  const File file(process_lines(rows, 3));
  const Answer a = run_file({{"short",
                              "DeviceProcessEvents | where Timestamp > ago(7m) | sort by Timestamp "
                              "asc | take 1 | project Timestamp, ProcessCommandLine",
                              "kql"}},
                            file);
  EXPECT_TRUE(a.result.errors.empty());
  // One window begins every three and a half minutes; its first row is a finding unless the window
  // before had the same.
  EXPECT_GT(a.findings.size(), rows / 7U);
  EXPECT_LT(a.findings.size(), rows / 3U);
}

TEST(Hunt, ProfileTellsWhatRulesAndPredicatesCost) {
  const File file(process_lines(700, 5));
  HuntOptions options;
  options.profile = true;
  const Answer a = run_file(
      {kSigma,
       {"query", "DeviceProcessEvents | where FolderPath endswith 'p1.exe' | summarize count()",
        "kql"}},
      file, options);
  ASSERT_TRUE(a.result.profile);
  const HuntProfile& p = *a.result.profile;
  ASSERT_EQ(p.rules.size(), 2U);
  for (const HuntProfile::Rule& r : p.rules)
    EXPECT_EQ(r.passed, 100U);
  const bool timed = p.rules[0].query_seconds > 0 || p.rules[1].query_seconds > 0;
  EXPECT_TRUE(timed);
  uint64_t image_texts = 0;
  for (const HuntProfile::Column& c : p.columns)
    if (c.name == "Image") image_texts += c.texts;
  EXPECT_EQ(image_texts, 700U);
  ASSERT_FALSE(p.predicates.empty());
  EXPECT_EQ(p.predicates.front().table, "windows.sysmon");
  options.profile = false;
  EXPECT_FALSE(run_file({kSigma}, file, options).result.profile);
}

}  // namespace
}  // namespace postern::engine
