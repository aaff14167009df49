#include "input/auditd/auditd.h"

#include <algorithm>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/auditd/decode.h"
#include "input/auditd/line.h"
#include "input/auditd/shape.h"
#include "input/auditd/syscalls.h"

namespace postern::input {
namespace {

using auditd::Field;
using auditd::FieldWalk;
using auditd::Line;

std::vector<std::string> fields_of(std::string_view body) {
  std::vector<std::string> out;
  FieldWalk walk(body);
  Field f;
  while (walk.next(f))
    out.push_back(std::string(f.name) + "=" + std::string(f.value));
  return out;
}

using Texts = std::vector<std::string>;

TEST(AuditLine, ReadsTheHead) {
  Line line;
  ASSERT_TRUE(auditd::read_head(
      "type=SYSCALL msg=audit(1773133330.418:93777): arch=c000003e syscall=59", line));
  EXPECT_EQ(line.type, "SYSCALL");
  EXPECT_EQ(line.id.serial, 93777u);
  EXPECT_EQ(line.id.node, "");
  EXPECT_EQ(line.body, " arch=c000003e syscall=59");
  ASSERT_TRUE(auditd::read_head(
      "node=web1.corp.example type=CWD msg=audit(1773133330.418:1): cwd=\"/\"", line));
  EXPECT_EQ(line.id.node, "web1.corp.example");
  ASSERT_TRUE(auditd::read_head(
      "Mar 10 09:02:10 web1 audispd: node=web1 type=CWD msg=audit(1773133330.418:1): cwd=\"/\"",
      line));
  EXPECT_EQ(line.id.node, "web1");
  ASSERT_TRUE(
      auditd::read_head("[   12.3] audit: type=1300 audit(1773133330.418:7): arch=c000003e", line));
  EXPECT_EQ(auditd::type_name(line.type), "SYSCALL");
  ASSERT_TRUE(auditd::read_head(
      "type=DAEMON_CONFIG msg=audit(1490239800.477:34) config changed, auid=0", line));
  EXPECT_EQ(line.body, " config changed, auid=0");
  EXPECT_EQ(auditd::type_name("UNKNOWN[1334]"), "BPF");
  for (const char* bad :
       {"", "type=SYSCALL", "type=SYSCALL msg=audit(x:1): a=b", "type=SYSCALL msg=audit(1.5:): a",
        "msg=audit(1.5:1): a=b", "type= msg=audit(1.5:1): a=b", "type=X msg=audit(1.5:1"})
    EXPECT_FALSE(auditd::read_head(bad, line)) << bad;
}

TEST(AuditLine, WalksFields) {
  EXPECT_EQ(fields_of(R"( argc=2 a0="ls" a1="-l a" key=(null))"),
            (Texts{"argc=2", "a0=ls", "a1=-l a", "key=(null)"}));
  EXPECT_EQ(
      fields_of(R"(pid=1 msg='op=PAM:auth acct="root" exe="/bin/su" hostname=? res=success' )"),
      (Texts{"pid=1", "op=PAM:auth", "acct=root", "exe=/bin/su", "hostname=?", "res=success"}));
  EXPECT_EQ(
      fields_of(
          R"(user pid=1 msg='PAM: session open acct=root : exe="/usr/sbin/crond" (hostname=?, addr=?, terminal=cron res=success)')"),
      (Texts{"pid=1", "acct=root", "exe=/usr/sbin/crond", "hostname=?", "addr=?", "terminal=cron",
             "res=success"}));
  EXPECT_EQ(fields_of("login pid=3 uid=0 old auid=4294967295 new auid=0"),
            (Texts{"pid=3", "uid=0", "old-auid=4294967295", "auid=0"}));
  EXPECT_EQ(fields_of("avc:  denied  { read } for  pid=13 comm=\"x\" dev=hda7"),
            (Texts{"seresult=denied", "seperms=read", "pid=13", "comm=x", "dev=hda7"}));
}

TEST(AuditLine, FindsTheEnrichedPartOfACopiedLogWithoutItsMark) {
  EXPECT_EQ(fields_of(R"( exe="/bin/x" key=(null)ARCH=x86_64 SYSCALL=connect)"),
            (Texts{"exe=/bin/x", "key=(null)", "ARCH=x86_64", "SYSCALL=connect"}));
  EXPECT_EQ(fields_of(R"( key=(null)ish)"), (Texts{"key=(null)ish"}));
}

TEST(AuditLine, WalksEnrichedFields) {
  EXPECT_EQ(
      fields_of("saddr=0200 key=\"k\"\x1D"
                "UID=\"root\" SYSCALL=connect SADDR={ saddr_fam=inet laddr=1.2.3.4 lport=25 }"),
      (Texts{"saddr=0200", "key=k", "UID=root", "SYSCALL=connect",
             "SADDR=saddr_fam=inet laddr=1.2.3.4 lport=25"}));
  EXPECT_EQ(fields_of("pid=1 msg='op=login acct=\"it's\" res=success'\x1D"
                      "UID=\"root\""),
            (Texts{"pid=1", "op=login", "acct=it's", "res=success", "UID=root"}));
}

TEST(AuditLine, ReadsTheStampOfTheLineBefore) {
  auditd::LastStamp last;
  Line line;
  for (const char* serial : {"7", "7", "77", "7"}) {
    const std::string text =
        "type=CWD msg=audit(1773133330.418:" + std::string(serial) + "): cwd=\"/\"";
    ASSERT_TRUE(auditd::read_head(text, line, &last));
    EXPECT_EQ(std::to_string(line.id.serial), serial);
    EXPECT_EQ(line.body, " cwd=\"/\"");
    last.text = last.serial == 7 ? "1773133330.418:7)" : "1773133330.418:77)";
  }
  EXPECT_FALSE(auditd::read_head("type=CWD msg=audit(1773133330.418:7", line, &last));
}

// What stands behind a line may be read, and changes nothing; and no field is passed over that is
// noted.
TEST(AuditLine, WalksTheSameFieldsInWhateverWay) {
  std::mt19937 random(21);
  constexpr const char* kPieces[] = {" arch=c000003e",
                                     " syscall=59",
                                     " a0=7ffd",
                                     " comm=\"x\"",
                                     " exe=\"/usr/bin/a/long/one\"",
                                     " key=(null)",
                                     " key=\"k",
                                     " per={ a }",
                                     " msg='op=x",
                                     " uid=0'",
                                     " name=6869",
                                     " name=\"a b\"",
                                     " old auid=1",
                                     "\x1D",
                                     "  ",
                                     " a=,",
                                     " b=",
                                     " (hostname=?,",
                                     " res=success)",
                                     " exe=/usr/bin/without/any/quotes/at/all",
                                     " a1=1\t",
                                     " subj=a:b:c:d:e:f:g:h:i:j:k\x1Dx"};
  auditd::RecordShape shape("SYSCALL", {}, true);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t n = random() % 12; n > 0; --n)
      text += kPieces[random() % std::size(kPieces)];
    const size_t size =
        text.size() - (text.empty() ? 0 : random() % std::min<size_t>(4, text.size()));
    text += std::string_view("\n uid=0 key=\"x\" type=SYSCALL msg=audit(1.5:1): a0=1 a1=2\n")
                .substr(random() % 8);
    const std::string_view body = std::string_view(text).substr(0, size);
    Texts all;
    Texts noted;
    Field f;
    auditd::PlannedWalk every(shape, body, text.data() + text.size());
    while (const auditd::FieldPlan* plan = every.next(f)) {
      all.push_back(std::string(f.name) + "=" + std::string(f.value));
      if (plan->is_noted || (plan->is_untrusted && f.quote == 0)) noted.push_back(all.back());
    }
    ASSERT_EQ(all, fields_of(body)) << body;
    Texts some;
    auditd::PlannedWalk walk(shape, body, text.data() + text.size());
    while (walk.next_noted(f))
      some.push_back(std::string(f.name) + "=" + std::string(f.value));
    ASSERT_EQ(some, noted) << body;
  }
}

// Whatever name is guessed, the fields are the same.
TEST(AuditLine, GuessesNamesWithoutBelievingThem) {
  const std::vector<std::string> bodies = {
      "arch=c000003e syscall=59 a0=1 a1=2 comm=\"x\" exe=\"/bin/x\" key=(null)",
      "arch=c000003e syscall=59 per=4 a0=1 comm=\"x y\" exe=\"/bin/x\" key=\"k\"",
      "syscall=59 syscallx=60 syscall a0 =1 a0=2 a0",
      "user pid=1 msg='op=PAM:auth acct=\"root\" (hostname=?, addr=?, res=success)'",
      "pid=1 msg=x op=PAM:auth old auid=1 new auid=2 old ses=3",
      "avc:  denied  { read } for  pid=13 comm=\"x\" seresult=no seperms=none",
      "a_name_longer_than_a_guess=1 a_name_longer_than_a_guess=2 fifteen_letters=3 fifteen_letters",
      "arch=",
      "",
  };
  auditd::RecordShape shape("SYSCALL", {}, true);
  for (int round = 0; round < 3; ++round)
    for (const std::string& body : bodies) {
      Texts planned;
      auditd::PlannedWalk walk(shape, body);
      Field f;
      while (const auditd::FieldPlan* plan = walk.next(f)) {
        EXPECT_EQ(plan->name, f.name);
        planned.push_back(std::string(f.name) + "=" + std::string(f.value));
      }
      EXPECT_EQ(planned, fields_of(body)) << body;
    }
}

TEST(AuditLine, KeepsSoManyNamesAndTypes) {
  auditd::RecordShapes shapes(auditd::Layouts{});
  for (int type = 0; type < 600; ++type) {
    std::string body;
    for (int i = 0; i < 600; ++i)
      body += " f" + std::to_string(i) + "=" + std::to_string(i);
    if (type > 2) body.resize(10);
    auditd::RecordShape& shape = shapes.of("T" + std::to_string(type));
    EXPECT_EQ(shape.type(), "T" + std::to_string(type));
    auditd::PlannedWalk walk(shape, body);
    Field f;
    size_t n = 0;
    for (; const auditd::FieldPlan* plan = walk.next(f); ++n)
      ASSERT_EQ(plan->name, "f" + std::to_string(n));
    EXPECT_EQ(n, type > 2 ? 2u : 600u);
  }
}

std::string text(std::string_view type, std::string_view name, std::string_view value) {
  std::string scratch;
  return std::string(auditd::text_of(type, {name, value, 0}, scratch));
}

TEST(AuditDecode, TakesHexOnlyInUntrustedFields) {
  EXPECT_EQ(text("EXECVE", "a1", "2D6C2061"), "-l a");
  EXPECT_EQ(text("EXECVE", "a12[3]", "2D6C"), "-l");
  EXPECT_EQ(text("SYSCALL", "a1", "2D6C"), "2D6C");
  EXPECT_EQ(text("SYSCALL", "comm", "6D7920636F6D6D"), "my comm");
  EXPECT_EQ(text("SYSCALL", "arch", "C000003E"), "C000003E");
  EXPECT_EQ(text("SYSCALL", "exe", "2F62696E2F78202864656C6574656429"), "/bin/x (deleted)");
  EXPECT_EQ(text("SYSCALL", "comm", "abcd"), "abcd");
  EXPECT_EQ(text("SYSCALL", "comm", "ABC"), "ABC");
  EXPECT_EQ(text("PROCTITLE", "proctitle", "6C73002D6C0000"), "ls -l");
  EXPECT_EQ(text("SYSCALL", "key", "65786563\""), "exec");
  EXPECT_EQ(text("PATH", "name", "2FFF"), "/\xEF\xBF\xBD");
}

TEST(AuditDecode, ReadsSocketAddresses) {
  auto a = auditd::socket_address("0200024BCB00711900000000");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->family, "inet");
  EXPECT_EQ(a->ip, "203.0.113.25");
  EXPECT_EQ(a->port, 587);
  a = auditd::socket_address(
      "0A000019000000002001DB80000000000000000000000001"
      "00000000");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->family, "inet6");
  EXPECT_EQ(a->ip, "2001:db80::1");
  EXPECT_EQ(a->port, 25);
  a = auditd::socket_address("01007075626C69632F7069636B757000000000");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->family, "local");
  EXPECT_EQ(a->path, "public/pickup");
  EXPECT_EQ(auditd::socket_address("010000616263")->path, "@abc");
  EXPECT_EQ(auditd::socket_address("10000000")->family, "netlink");
  EXPECT_EQ(auditd::socket_address("0200")->port, -1);
  EXPECT_FALSE(auditd::socket_address("zz"));
  EXPECT_FALSE(auditd::socket_address("02"));
}

TEST(AuditDecode, NamesCallsByArchitecture) {
  EXPECT_EQ(auditd::syscall_name("c000003e", "59"), "execve");
  EXPECT_EQ(auditd::syscall_name("c000003e", "42"), "connect");
  EXPECT_EQ(auditd::syscall_name("c00000b7", "203"), "connect");
  EXPECT_EQ(auditd::syscall_name("c00000b7", "221"), "execve");
  EXPECT_EQ(auditd::syscall_name("40000003", "11"), "execve");
  EXPECT_EQ(auditd::syscall_name("40000003", "362"), "connect");
  EXPECT_EQ(auditd::syscall_name("c000003e", "1073741883"), "execve");
  EXPECT_EQ(auditd::syscall_name("c000003e", "9999"), "9999");
  EXPECT_EQ(auditd::syscall_name("dead", "59"), "59");
  EXPECT_EQ(auditd::arch_name("c000003e"), "x86_64");
  EXPECT_EQ(auditd::arch_name("c00000b7"), "aarch64");
  EXPECT_EQ(auditd::arch_name("40000003"), "i386");
  EXPECT_EQ(auditd::arch_name("1234"), "1234");
}

// --- Tables ------------------------------------------------------------------------------------

const std::map<std::string, Columns> kEvents = {
    {"linux.auditd", {{"serial", kLong},        {"node", kString},         {"types", kDynamic},
                      {"syscall", kString},     {"arch", kString},         {"success", kString},
                      {"exit", kLong},          {"syscall_a0", kString},   {"pid", kLong},
                      {"ppid", kLong},          {"auid", kLong},           {"uid", kLong},
                      {"ses", kLong},           {"comm", kString},         {"exe", kString},
                      {"key", kDynamic},        {"cwd", kString},          {"argv", kDynamic},
                      {"cmdline", kString},     {"proctitle", kString},    {"paths", kDynamic},
                      {"path_types", kDynamic}, {"saddr_family", kString}, {"saddr_ip", kString},
                      {"saddr_port", kInt},     {"saddr_path", kString},   {"uid_name", kString},
                      {"tty", kString},         {"acct", kString},         {"addr", kString},
                      {"terminal", kString},    {"old_auid", kLong}}}};

Decoded decode(std::string log, const std::map<std::string, Columns>& wanted = kEvents) {
  Decoded d(wanted);
  d.run(auditd::decode, std::move(log));
  return d;
}

constexpr std::string_view kExec =
    "type=SYSCALL msg=audit(1773109804.480:501): arch=c000003e syscall=59 success=yes exit=0 "
    "a0=55d a1=55e a2=55f a3=8 items=2 "
    "ppid=4105 pid=4109 auid=4294967295 uid=48 gid=48 euid=48 tty=(none) ses=4294967295 "
    "comm=\"mailx\" exe=\"/usr/bin/s-nail\" "
    "key=6D61696C01657865\n"
    "type=EXECVE msg=audit(1773109804.480:501): argc=3 a0=\"/usr/bin/mailx\" a1=\"-s\" "
    "a2=7265706F7274206F6E65\n"
    "type=CWD msg=audit(1773109804.480:501): cwd=\"/\"\n"
    "type=PATH msg=audit(1773109804.480:501): item=0 name=\"/usr/bin/mailx\" inode=1 "
    "nametype=NORMAL\n"
    "type=PATH msg=audit(1773109804.480:501): item=1 name=(null) inode=2 nametype=NORMAL\n"
    "type=PROCTITLE msg=audit(1773109804.480:501): proctitle=2F7573722F62696E2F6D61696C78002D73\n";

TEST(Auditd, JoinsTheRecordsOfAnEvent) {
  Decoded d = decode(std::string(kExec));
  ASSERT_EQ(d.rows("linux.auditd").size(), 1u);
  EXPECT_EQ(d.row("linux.auditd"),
            (Fields{{"serial", "501"},
                    {"types", R"(["SYSCALL","EXECVE","CWD","PATH","PATH","PROCTITLE"])"},
                    {"syscall", "execve"},
                    {"arch", "x86_64"},
                    {"success", "yes"},
                    {"exit", "0"},
                    {"syscall_a0", "55d"},
                    {"tty", "(none)"},
                    {"pid", "4109"},
                    {"ppid", "4105"},
                    {"auid", "-1"},
                    {"uid", "48"},
                    {"ses", "-1"},
                    {"comm", "mailx"},
                    {"exe", "/usr/bin/s-nail"},
                    {"key", R"(["mail","exe"])"},
                    {"cwd", "/"},
                    {"argv", R"(["/usr/bin/mailx","-s","report one"])"},
                    {"cmdline", "/usr/bin/mailx -s report one"},
                    {"proctitle", "/usr/bin/mailx -s"},
                    {"paths", R"(["/usr/bin/mailx"])"},
                    {"path_types", R"(["NORMAL"])"},
                    {"_time", "2026-03-10T02:30:04.480Z"}}));
  const auto& row = d.rows("linux.auditd")[0];
  EXPECT_EQ(row.all.at("cmdline"), "/usr/bin/mailx -s report one");
  EXPECT_EQ(row.position.offset, 0u);
  EXPECT_EQ(row.position.record, 1u);
}

TEST(Auditd, JoinsEventsWhoseLinesInterleave) {
  const std::string a =
      "type=SYSCALL msg=audit(1773109804.480:1): arch=c000003e syscall=42 pid=10\n";
  const std::string b =
      "type=SYSCALL msg=audit(1773109804.480:2): arch=c000003e syscall=42 pid=20\n";
  const std::string a2 = "type=SOCKADDR msg=audit(1773109804.480:1): saddr=02000019CB007119\n";
  const std::string b2 = "type=SOCKADDR msg=audit(1773109804.480:2): saddr=0200024BCB007119\n";
  Decoded d = decode(a + b + b2 + a2 + "type=EOE msg=audit(1773109804.480:1): \n");
  ASSERT_EQ(d.rows("linux.auditd").size(), 2u);
  EXPECT_EQ(d.row("linux.auditd", 0).at("pid"), "10");
  EXPECT_EQ(d.row("linux.auditd", 0).at("saddr_port"), "25");
  EXPECT_EQ(d.row("linux.auditd", 1).at("pid"), "20");
  EXPECT_EQ(d.row("linux.auditd", 1).at("saddr_port"), "587");
  EXPECT_EQ(d.row("linux.auditd", 0).at("types"), R"(["SYSCALL","SOCKADDR"])");
  // The record is shown again without the lines between.
  EXPECT_EQ(d.rows("linux.auditd")[0].all.at("saddr_port"), "25");
  EXPECT_EQ(d.rows("linux.auditd")[1].all.at("pid"), "20");
}

TEST(Auditd, KeepsHostsAndReusedSerialsApart) {
  Decoded d = decode(
      "node=a type=CWD msg=audit(1773109804.480:1): cwd=\"/a\"\nnode=b type=CWD "
      "msg=audit(1773109804.480:1): cwd=\"/b\"\n"
      "node=a type=CWD msg=audit(1773109804.481:1): cwd=\"/c\"\n");
  ASSERT_EQ(d.rows("linux.auditd").size(), 3u);
  EXPECT_EQ(d.row("linux.auditd", 0).at("node"), "a");
  EXPECT_EQ(d.row("linux.auditd", 1).at("cwd"), "/b");
}

/// `n` events of one line, one per millisecond after `second`.
std::string other_events(int n, int second) {
  std::string log;
  for (int i = 0; i < n; ++i)
    log += "type=SYSCALL msg=audit(" + std::to_string(second) + "." + std::to_string(100 + i) +
           ":" + std::to_string(1000 + i) + "): pid=2\n";
  return log;
}

TEST(Auditd, EndsAnEventTwoSecondsAndSomeEventsLater) {
  const std::string head = "type=SYSCALL msg=audit(1773109804.000:1): pid=1\n";
  const std::string late = "type=CWD msg=audit(1773109804.000:1): cwd=\"/late\"\n";
  // A few events later, or within the two seconds, the event goes on.
  EXPECT_EQ(decode(head + other_events(20, 1773109810) + late).row("linux.auditd", 0).at("cwd"),
            "/late");
  EXPECT_EQ(decode(head + other_events(100, 1773109805) + late).row("linux.auditd", 0).at("cwd"),
            "/late");
  Decoded d = decode(head + other_events(100, 1773109810) + late);
  EXPECT_EQ(d.rows("linux.auditd").size(), 102u);
  EXPECT_EQ(d.row("linux.auditd", 0).count("cwd"), 0u);
}

TEST(Auditd, BoundsWhatIsOpen) {
  std::string log;
  for (int i = 0; i < 5000; ++i)
    log += "type=SYSCALL msg=audit(1773109804.000:" + std::to_string(i) + "): pid=1\n";
  Decoded d = decode(log);
  EXPECT_EQ(d.rows("linux.auditd").size(), 5000u);
  EXPECT_EQ(d.anomaly("auditd-event-cut"), 5000u - 1024u);
}

TEST(Auditd, RebuildsLongArguments) {
  Decoded d = decode(
      "type=EXECVE msg=audit(1773109804.0:1): argc=2 a0=\"sh\" a1_len=12 a1[0]=6563686F20\n"
      "type=EXECVE msg=audit(1773109804.0:1):  a1[1]=\"hello\" a99999999=\"x\"\n");
  EXPECT_EQ(d.row("linux.auditd").at("argv"), R"(["sh","echo hello"])");
  EXPECT_EQ(d.row("linux.auditd").at("cmdline"), "sh echo hello");
}

TEST(Auditd, TakesTheCommandLineFromTheTitleWhereThereIsNoExecve) {
  Decoded d = decode(
      "type=SYSCALL msg=audit(1773109804.0:1): arch=c000003e syscall=42 success=no exit=-115 "
      "pid=1\n"
      "type=SOCKADDR msg=audit(1773109804.0:1): saddr=01007075626C69632F7069636B7570\n"
      "type=PROCTITLE msg=audit(1773109804.0:1): proctitle=6E63002D6E\n");
  const Fields f = d.row("linux.auditd");
  EXPECT_EQ(f.at("cmdline"), "nc -n");
  EXPECT_EQ(f.at("success"), "no");
  EXPECT_EQ(f.at("exit"), "-115");
  EXPECT_EQ(f.at("saddr_path"), "public/pickup");
}

TEST(Auditd, ReadsMessagesOfUserSpaceAndEnrichedNames) {
  Decoded d = decode(
      "type=USER_LOGIN msg=audit(1773109804.0:1): pid=9 uid=0 auid=4294967295 ses=4294967295 "
      "msg='op=login "
      "acct=28696E76616C6964207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=203.0.113.9 "
      "terminal=sshd "
      "res=failed'\x1DUID=\"root\" AUID=\"unset\"\n"
      "type=LOGIN msg=audit(1773109804.1:2): pid=9 uid=0 old-auid=4294967295 auid=1000 "
      "old-ses=4294967295 ses=1 res=1\n");
  const Fields f = d.row("linux.auditd", 0);
  EXPECT_EQ(f.at("acct"), "(invalid user)");
  EXPECT_EQ(f.at("addr"), "203.0.113.9");
  EXPECT_EQ(f.at("success"), "no");
  EXPECT_EQ(f.at("uid_name"), "root");
  EXPECT_EQ(f.at("auid"), "-1");
  EXPECT_EQ(d.row("linux.auditd", 1).at("auid"), "1000");
  EXPECT_EQ(d.row("linux.auditd", 1).at("old_auid"), "-1");
  EXPECT_EQ(d.row("linux.auditd", 1).at("success"), "yes");
}

const std::map<std::string, Columns> kRecords = {{"linux.auditd.record",
                                                  {{"type", kString},
                                                   {"a0", kString},
                                                   {"a1", kString},
                                                   {"a2", kString},
                                                   {"name", kString},
                                                   {"exe", kString},
                                                   {"key", kDynamic},
                                                   {"SYSCALL", kString},
                                                   {"auid", kString},
                                                   {"acct", kString},
                                                   {"proctitle", kString},
                                                   {"_raw", kString},
                                                   {"_values", kDynamic}}}};

/// Lines of several events, each in its order, put together by chance.
std::string interleaved(const std::vector<Texts>& events, std::mt19937& random) {
  std::string log;
  std::vector<size_t> next(events.size(), 0);
  for (size_t left = events.size(); left > 0;) {
    const size_t e = random() % events.size();
    if (next[e] == events[e].size()) continue;
    log += events[e][next[e]++];
    left -= next[e] == events[e].size();
  }
  return log;
}

// Where records are read too, their fields are kept for the event; else it reads its lines itself.
TEST(Auditd, GivesTheSameEventsWhetherOrNotRecordsAreRead) {
  const auto line = [](const char* type, int event, const std::string& body) {
    return std::string("type=") + type + " msg=audit(1773109804.480:" + std::to_string(event) +
           "): " + body + "\n";
  };
  std::string many = "argc=700";
  for (int i = 0; i < 700; ++i)
    many += " a" + std::to_string(i) + (i % 2 == 0 ? "=\"x\"" : "=6120");
  std::vector<Texts> events = {
      {line("SYSCALL", 1, "arch=c000003e syscall=59 success=yes exit=0 a0=1 pid=7 comm=\"a b\""),
       line("EXECVE", 1, many), line("PROCTITLE", 1, "proctitle=7368002D63")},
      {line("PROCTITLE", 2, "proctitle=\"out of order\""),
       line("SOCKADDR", 2, "saddr=02000019CB007119"),
       line("SYSCALL", 2, "arch=40000003 syscall=362 success=no exit=-115 pid=8 key=(null)")},
      {line("USER_CMD", 3,
            "pid=9 uid=0 msg='cwd=\"/\" cmd=6C73202D6C exe=\"/bin/sudo\" "
            "res=success'\x1DUID=\"root\"")},
      {line("SYSCALL", 4, "arch=c000003e syscall=257 pid=1 exe=\"/a\""),
       line("PATH", 4, "item=0 name=\"/x\" nametype=PARENT"),
       line("PATH", 4, "item=1 name=2F78202F nametype=CREATE"), line("CWD", 4, "cwd=\"/y\""),
       line("1300", 4, "arch=c00000b7 syscall=221 pid=2"), line("EOE", 4, "")},
      {line("AVC", 5, "avc:  denied  { read } for  pid=13 comm=\"c\" syscall=59"),
       line("SECCOMP", 5, "auid=1000 uid=1 arch=c000003e syscall=42 exe=\"/z\"")}};
  std::map<std::string, Columns> both = kRecords;
  both.insert(kEvents.begin(), kEvents.end());
  std::mt19937 random(17);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(events.begin(), events.end(), random);
    const std::string log = interleaved(events, random);
    Decoded alone = decode(log);
    Decoded beside = decode(log, both);
    ASSERT_EQ(alone.rows("linux.auditd").size(), beside.rows("linux.auditd").size()) << log;
    for (size_t i = 0; i < alone.rows("linux.auditd").size(); ++i) {
      EXPECT_EQ(alone.rows("linux.auditd")[i].fields, beside.rows("linux.auditd")[i].fields) << log;
      EXPECT_EQ(alone.rows("linux.auditd")[i].all, beside.rows("linux.auditd")[i].all) << log;
    }
  }
}

TEST(Auditd, ReadsLinesAgainWhereTooManyOfTheirFieldsWouldBeKept) {
  std::string log;
  for (int line = 0; line < 1200; ++line) {
    log += "type=EXECVE msg=audit(1773109804.0:1): argc=250";
    for (int i = 0; i < 250; ++i)
      log += " a" + std::to_string(i) + "=\"" + std::to_string(line % 10) + "\"";
    log += "\n";
  }
  std::map<std::string, Columns> both = kRecords;
  both.insert(kEvents.begin(), kEvents.end());
  Decoded alone = decode(log);
  Decoded beside = decode(log, both);
  ASSERT_EQ(beside.rows("linux.auditd").size(), 1u);
  EXPECT_EQ(alone.row("linux.auditd"), beside.row("linux.auditd"));
}

TEST(Auditd, LeavesOutWhatNobodyReadsOfAKindOfEvent) {
  const std::string log =
      std::string(kExec) +
      "type=SYSCALL msg=audit(1773109804.0:1): arch=c000003e syscall=42 pid=1\n"
      "type=SOCKADDR msg=audit(1773109804.0:1): saddr=02000019CB007119\n"
      "type=PROCTITLE msg=audit(1773109804.0:1): proctitle=6E63002D6E\n"
      "type=SYSCALL msg=audit(1773109804.0:2): arch=c000003e syscall=257 pid=2\n"
      "type=PATH msg=audit(1773109804.0:2): item=0 name=\"/x\" nametype=CREATE\n"
      "type=PROCTITLE msg=audit(1773109804.0:2): proctitle=6E63002D6E\n"
      "type=USER_LOGIN msg=audit(1773109804.0:3): pid=3 msg='acct=\"a\"'\n"
      "type=PROCTITLE msg=audit(1773109804.0:3): proctitle=6E63002D6E\n";
  Decoded all = decode(log);
  Decoded d(kEvents);
  const Columns& columns = kEvents.at("linux.auditd");
  const auto kind = [&](const Texts& names) {
    data::Layout::Kind k;
    for (const auto& [name, type] : columns)
      k.reads.push_back(std::count(names.begin(), names.end(), name) > 0);
    return k;
  };
  d.layout("linux.auditd")
      .set_kinds({{"execve", kind({"cmdline"})}, {"connect", kind({"saddr_ip"})}}, kind({"pid"}));
  d.run(auditd::decode, log);
  ASSERT_EQ(d.rows("linux.auditd").size(), 4u);
  const std::vector<std::pair<Texts, Texts>> there_and_not = {
      {{"cmdline"}, {"argv", "paths", "proctitle"}},
      {{"saddr_ip"}, {"saddr_port", "cmdline", "proctitle"}},
      {{"pid"}, {"paths", "cmdline", "proctitle"}},
      {{"pid", "acct", "cmdline", "proctitle"}, {}}};  // no call: it may be of any kind
  for (size_t i = 0; i < 4; ++i) {
    const Fields f = d.row("linux.auditd", i);
    for (const std::string& name : there_and_not[i].first)
      EXPECT_EQ(f.at(name), all.row("linux.auditd", i).at(name)) << name << " in row " << i;
    for (const std::string& name : there_and_not[i].second) {
      EXPECT_EQ(f.count(name), 0u) << name << " in row " << i;
      EXPECT_EQ(all.row("linux.auditd", i).count(name), 1u) << name << " in row " << i;
    }
    EXPECT_EQ(d.rows("linux.auditd")[i].all, all.rows("linux.auditd")[i].all);
  }
}

TEST(AuditdRecord, GivesEveryRecordWithTheFieldsOfTheLog) {
  Decoded d = decode(std::string(kExec), kRecords);
  ASSERT_EQ(d.rows("linux.auditd.record").size(), 6u);
  EXPECT_EQ(d.row("linux.auditd.record", 0).at("SYSCALL"), "execve");
  EXPECT_EQ(d.row("linux.auditd.record", 0).at("a0"), "55d");
  EXPECT_EQ(d.row("linux.auditd.record", 0).at("auid"), "4294967295");
  EXPECT_EQ(d.row("linux.auditd.record", 0).at("key"), R"(["mail","exe"])");
  EXPECT_EQ(d.row("linux.auditd.record", 1).at("type"), "EXECVE");
  EXPECT_EQ(d.row("linux.auditd.record", 1).at("a2"), "report one");
  EXPECT_EQ(d.row("linux.auditd.record", 3).at("name"), "/usr/bin/mailx");
  EXPECT_EQ(d.row("linux.auditd.record", 5).at("proctitle"), "/usr/bin/mailx -s");
  EXPECT_EQ(d.row("linux.auditd.record", 2).at("_raw"),
            "type=CWD msg=audit(1773109804.480:501): cwd=\"/\"");
  EXPECT_EQ(d.rows("linux.auditd.record")[1].all.at("argc"), "3");
  EXPECT_EQ(d.rows("linux.auditd").size(), 0u);
}

TEST(AuditdRecord, KeepsEnrichedNamesAsTheyAre) {
  Decoded d = decode(
      "type=SYSCALL msg=audit(1773109804.0:1): arch=c000003e syscall=42\x1D"
      "ARCH=x86_64 SYSCALL=connect\n",
      kRecords);
  EXPECT_EQ(d.row("linux.auditd.record").at("SYSCALL"), "connect");
}

/// Looks for one word.
class Word : public data::TextGate {
 public:
  explicit Word(std::string word) : words_{std::move(word)} {}

  bool may_hold(std::string_view text) const { return text.find(words_[0]) != text.npos; }

  bool may_hold_plain(std::string_view text) const { return may_hold(text); }

  const std::vector<std::string>& literals() const { return words_; }

 private:
  std::vector<std::string> words_;
};

TEST(AuditdRecord, LeavesOutTheTextsOfRecordsWithoutAnyKeyword) {
  const std::map<std::string, Columns> texts = {
      {"linux.auditd.record",
       {{"type", kString}, {"key", kDynamic}, {"_text", kString}, {"_values", kDynamic}}}};
  const std::string log =
      std::string(kExec) + "type=1334 msg=audit(1773109804.480:502): prog-id=3 op=LOAD\n";
  const Decoded all = decode(log, texts);
  // In the clear, an argument and a title in hex, one of several keys, a call and a type by number;
  // and nowhere.
  const std::map<std::string, std::vector<size_t>> where = {{"mailx", {0, 1, 3, 5}},
                                                            {"report one", {1}},
                                                            {"/usr/bin/mailx -s", {5}},
                                                            {"exe", {0}},
                                                            {"execve", {0}},
                                                            {"BPF", {6}},
                                                            {"ssh", {}}};
  for (const auto& [word, rows] : where) {
    Decoded d(texts);
    d.set_text_gate(std::make_shared<Word>(word));
    d.run(auditd::decode, log);
    ASSERT_EQ(d.rows("linux.auditd.record").size(), 7u);
    for (size_t i = 0; i < 7; ++i) {
      Fields expected = Decoded(all).row("linux.auditd.record", i);
      if (std::count(rows.begin(), rows.end(), i) == 0) {
        expected.erase("_text");
        expected.erase("_values");
      }
      EXPECT_EQ(d.row("linux.auditd.record", i), expected) << word << " in row " << i;
    }
  }
}

TEST(AuditdRecord, LeavesOutWhatNobodyReadsOfAKind) {
  const std::map<std::string, Columns> columns = {{"linux.auditd.record",
                                                   {{"type", kString},
                                                    {"SYSCALL", kString},
                                                    {"a1", kString},
                                                    {"exe", kString},
                                                    {"key", kDynamic},
                                                    {"name", kString},
                                                    {"_text", kString},
                                                    {"_values", kDynamic}}}};
  const auto kind = [](std::vector<bool> reads, const char* word) {
    data::Layout::Kind k;
    k.reads = std::move(reads);
    if (word) k.text_gate = std::make_shared<Word>(word);
    return k;
  };
  const std::string log =
      std::string(kExec) + "type=1309 msg=audit(1773109804.480:502): argc=2 a0=\"ls\" a1=\"-a\"\n";
  const Decoded all = decode(log, columns);
  Decoded d(columns);
  d.layout("linux.auditd.record")
      .set_kinds({{"execve", kind({true, false, true, true, false, false, true, true}, "one")},
                  {"path", kind({true, false, false, false, false, true, true, true}, nullptr)}},
                 kind({true, true, false, false, true, false, false, false}, nullptr));
  d.run(auditd::decode, log);
  const std::vector<std::vector<std::string>> left_out = {
      {"a1", "exe", "_text", "_values"},  // SYSCALL: as kinds that nobody names
      {},                                 // EXECVE with the word, in hex
      {"_text", "_values"},               // CWD
      {},                                 // PATH: all texts are read
      {},
      {"_text", "_values"},  // PROCTITLE
      {"_text", "_values"},  // EXECVE by number, without the word
  };
  ASSERT_EQ(d.rows("linux.auditd.record").size(), left_out.size());
  for (size_t i = 0; i < left_out.size(); ++i) {
    Fields expected = Decoded(all).row("linux.auditd.record", i);
    for (const std::string& name : left_out[i])
      EXPECT_EQ(expected.erase(name), 1u) << name << " in row " << i;
    EXPECT_EQ(d.row("linux.auditd.record", i), expected) << "row " << i;
    EXPECT_EQ(d.rows("linux.auditd.record")[i].all, Decoded(all).rows("linux.auditd.record")[i].all)
        << "the record itself is whole";
  }
}

/// Passes records with a word in them, or with one value in one column.
class WordOrValue : public data::RowGate {
 public:
  WordOrValue(std::string word, int slot, std::string value)
      : word_(std::move(word)), slot_(slot), value_(std::move(value)) {}

  bool may_hold(std::string_view text) const { return text.find(word_) != text.npos; }

  Touched start() const { return {0, 1}; }

  bool asks(int slot) const { return slot == slot_; }

  Touched touched(int, std::string_view value) const { return {value == value_, 0}; }

 private:
  std::string word_;
  int slot_;
  std::string value_;
};

const std::map<std::string, Columns> kBoth = {
    {"linux.auditd", kEvents.at("linux.auditd")},
    {"linux.auditd.record", kRecords.at("linux.auditd.record")}};

TEST(AuditdRecord, MakesNoRowsOfRecordsThatNoFilterLetsThrough) {
  const std::string log =
      std::string(kExec) +
      "type=1309 msg=audit(1773109804.480:502): argc=2 a0=\"ls\" a1=\"-a\"\n"
      "node=n type=CWD msg=audit(1773109804.480:502): cwd=\"/report\"\n"
      "type=SYSCALL msg=audit(1773109804.0:503): arch=c000003e syscall=59 SYSCALL=execve a1=2\n"
      "type=LOGIN msg=audit(1773109804.0:504): key=6101620163 a=1\n"
      "type=LOGIN msg=audit(1773109804.0:505): a=\"\xC3\"\n"
      "type=LOGIN msg=audit(1773109804.0:506): key=\"a report.\"\n"
      "type=LOGIN msg=audit(1773109804.0:507): a=\"x\"\n"
      "type=SYSCALL msg=audit(1773109804.0:508): arch=c000003e syscall=59\n";
  const Decoded all = decode(log, kBoth);
  const auto passed = [&](const char* word, const char* column, const char* value) {
    Decoded d(kBoth);
    data::Layout& records = d.layout("linux.auditd.record");
    data::Layout::Kind kind;
    kind.reads.assign(records.fields().size(), true);
    kind.row_gate = std::make_shared<WordOrValue>(word, records.slot(column), value);
    records.set_kinds({{"nobody", kind}}, kind);
    d.run(auditd::decode, log);
    std::vector<uint64_t> lines;
    for (const Decoded::DecodedRow& row : d.rows("linux.auditd.record"))
      lines.push_back(row.position.record);
    EXPECT_EQ(d.num_skipped("linux.auditd.record") + lines.size(), 14u);
    for (size_t i = 0; i < d.rows("linux.auditd").size(); ++i)
      EXPECT_EQ(d.row("linux.auditd", i), Decoded(all).row("linux.auditd", i)) << "their events";
    return lines;
  };
  using Lines = std::vector<uint64_t>;
  // What is no UTF-8, and several keys, are not looked into: lines 1, 10 and 11.
  EXPECT_EQ(passed("nowhere", "a1", "nothing"), (Lines{1, 10, 11}));
  EXPECT_EQ(passed("report", "a1", "nothing"), (Lines{1, 2, 8, 10, 11, 12})) << "in hex, too";
  EXPECT_EQ(passed("nowhere", "a1", "-a"), (Lines{1, 7, 10, 11}));
  EXPECT_EQ(passed("nowhere", "a2", "report one"), (Lines{1, 2, 10, 11}));
  EXPECT_EQ(passed("nowhere", "SYSCALL", "execve"), (Lines{1, 9, 10, 11, 14})) << "named or not";
  EXPECT_EQ(passed("x86_", "a1", "nothing"), (Lines{1, 10, 11, 14})) << "where it is named for it";
  EXPECT_EQ(passed("EXECVE", "a1", "nothing"), (Lines{1, 2, 7, 10, 11})) << "a type by number";
}

TEST(Auditd, CountsEventsOfKindsThatNobodyReads) {
  const std::string log = std::string(kExec) +
                          "type=SYSCALL msg=audit(1773109804.0:1): arch=c000003e syscall=42 pid=1\n"
                          "type=PROCTITLE msg=audit(1773109804.0:1): proctitle=6E63\n"
                          "type=LOGIN msg=audit(1773109804.0:2): pid=2\n";
  Decoded d(kEvents);
  data::Layout::Kind read;
  read.reads.assign(d.layout("linux.auditd").fields().size(), true);
  data::Layout::Kind unread = read;
  unread.is_read = false;
  d.layout("linux.auditd").set_kinds({{"connect", read}}, unread);
  d.run(auditd::decode, log);
  ASSERT_EQ(d.rows("linux.auditd").size(), 1u);
  EXPECT_EQ(d.row("linux.auditd").at("syscall"), "connect");
  EXPECT_EQ(d.num_skipped("linux.auditd"), 2u);
}

TEST(Auditd, CountsRecordsThatNobodyReadsAndNamesBadLines) {
  Decoded d = decode(std::string(kExec) + "garbage\n----\ntime->Tue Mar 10 02:30:04 2026\n", {});
  EXPECT_EQ(d.num_skipped("linux.auditd.record"), 6u);
  EXPECT_EQ(d.anomaly("auditd-bad-line"), 1u);
}

TEST(Auditd, IsDetectedByContent) {
  EXPECT_TRUE(auditd::detect(kExec));
  EXPECT_TRUE(auditd::detect(
      "----\ntime->Tue Mar 10\nnode=a type=CWD msg=audit(1773109804.480:1): cwd=\"/a\"\n"));
  EXPECT_FALSE(auditd::detect("type=a,msg=b\n"));
  EXPECT_FALSE(auditd::detect(""));
}

}  // namespace
}  // namespace postern::input
