// Writes evidence for the benchmarks: `generate KIND BYTES FILE [SEED]`.
//
//   evtx        Sysmon channel, through the encoder of the tests (tests/support/evtx_builder.h)
//   wec         NDJSON, Sysmon as a flat Windows event collector export, Message included
//   winlogbeat  NDJSON, Sysmon as Winlogbeat 8 writes it
//   zeek        TSV, conn.log
//   mail, packets, idle   packet captures, see captures.cc
//   auditd      raw audit log: connect() and execve() events, records of two events interleaved
//   sysmon, raw, sysmon-evtx, execve, conn, smtp   what the rule benchmarks hunt (bench/rules.py),
//   with
//               the repetition of real logs; with `-unique` behind the name without any
//
// Says on stdout what is in the file, as JSON: {"events":…,"wanted":…}; `wanted` is what the rules
// of the benchmarks must find.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "bench/captures.h"
#include "bench/events.h"
#include "bench/fleet_events.h"
#include "bench/output.h"
#include "bench/text_lanes.h"
#include "tests/support/evtx_builder.h"

namespace postern::bench {
namespace {

using input::evtx::bytes_of;
using input::evtx::ChunkBuilder;
using input::evtx::kChunkBytes;
using input::evtx::ValueType;

// --- EVTX -----------------------------------------------------------------------------------

std::string guid_bytes(const std::string& text) {
  std::string hex;
  for (const char c : text)
    if (c != '{' && c != '}' && c != '-') hex.push_back(c);
  std::string out;
  for (const int i : {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15})
    out.push_back(static_cast<char>(
        std::strtoul(hex.substr(static_cast<size_t>(i) * 2, 2).c_str(), nullptr, 16)));
  return out;
}

ChunkBuilder::Value value_of(const Field& f) {
  switch (f.shape) {
    case Shape::kNumber:
      return ChunkBuilder::value(ValueType::kUInt32, bytes_of(static_cast<uint32_t>(f.number)));
    case Shape::kGuid:
      return ChunkBuilder::value(ValueType::kGuid, guid_bytes(f.text));
    case Shape::kHex:
      return f.name == "LogonId" ? ChunkBuilder::value(ValueType::kHexInt64, bytes_of(f.number))
                                 : ChunkBuilder::value(ValueType::kHexInt32,
                                                       bytes_of(static_cast<uint32_t>(f.number)));
    default: {
      // The pools hold one character above ASCII, U+00AE.
      std::string utf16;
      for (size_t i = 0; i < f.text.size(); ++i) {
        const bool two = static_cast<uint8_t>(f.text[i]) == 0xC2;
        utf16.push_back(two ? f.text[++i] : f.text[i]);
        utf16.push_back('\0');
      }
      utf16.append(2, '\0');
      return ChunkBuilder::value(ValueType::kString, utf16);
    }
  }
}

void system_template(ChunkBuilder& t) {
  t.open("Event", true)
      .attribute("xmlns")
      .literal("http://schemas.microsoft.com/win/2004/08/events/event")
      .close_start();
  t.open("System").close_start();
  t.open("Provider", true).attribute("Name").literal("Microsoft-Windows-Sysmon");
  t.attribute("Guid").literal("{5770385F-C22A-43E0-BF4C-06F5698FFBD9}").close_empty();
  t.open("EventID").close_start().substitution(0).end();
  t.open("Version").close_start().substitution(1).end();
  t.open("Level").close_start().substitution(2).end();
  t.open("Task").close_start().substitution(3).end();
  t.open("Opcode").close_start().substitution(4).end();
  t.open("Keywords").close_start().substitution(5).end();
  t.open("TimeCreated", true).attribute("SystemTime").substitution(6).close_empty();
  t.open("EventRecordID").close_start().substitution(7).end();
  t.open("Correlation", true).attribute("ActivityID").substitution(8).close_empty();
  t.open("Execution", true).attribute("ProcessID").substitution(9);
  t.attribute("ThreadID").substitution(10).close_empty();
  t.open("Channel").close_start().literal("Microsoft-Windows-Sysmon/Operational").end();
  t.open("Computer").close_start().substitution(11).end();
  t.open("Security", true).attribute("UserID").substitution(12).close_empty();
  t.end();
  t.substitution(13);
  t.end();
}

void write_record(ChunkBuilder& chunk, const SysmonEvent& e) {
  using B = ChunkBuilder;
  const auto data = [&](ChunkBuilder& b) {
    std::vector<B::Value> values;
    for (const Field& f : e.data)
      values.push_back(value_of(f));
    b.fragment_header();
    b.instance(
        2000 + static_cast<uint32_t>(e.id),
        [&](ChunkBuilder& t) {
          t.open("EventData").close_start();
          for (uint16_t i = 0; i < e.data.size(); ++i)
            t.open("Data", true)
                .attribute("Name")
                .literal(e.data[i].name)
                .close_start()
                .substitution(i, false)
                .end();
          t.end();
        },
        values);
    b.end_of_fragment();
  };
  chunk.written = e.filetime;
  chunk.record(e.record_id, [&](ChunkBuilder& b) {
    b.fragment_header();
    b.instance(1000, system_template,
               {B::value(ValueType::kUInt16, bytes_of(static_cast<uint16_t>(e.id))),
                B::value(ValueType::kUInt8, bytes_of(static_cast<uint8_t>(e.version))),
                B::value(ValueType::kUInt8, bytes_of(uint8_t{4})),
                B::value(ValueType::kUInt16, bytes_of(static_cast<uint16_t>(e.id))),
                B::value(ValueType::kUInt8, bytes_of(uint8_t{0})),
                B::value(ValueType::kHexInt64, bytes_of(uint64_t{0x8000000000000000})),
                B::value(ValueType::kFiletime, bytes_of(e.filetime)),
                B::value(ValueType::kUInt64, bytes_of(e.record_id)), B::value(ValueType::kNull, ""),
                B::value(ValueType::kUInt32, bytes_of(uint32_t{3196})),
                B::value(ValueType::kUInt32, bytes_of(uint32_t{4356})),
                value_of({"Computer", Shape::kText, e.computer, 0}),
                B::value(ValueType::kSid, std::string("\x01\x01\0\0\0\0\0\x05\x12\0\0\0", 12)),
                B::nested(data)});
    b.end_of_fragment();
  });
}

/// More than the record and the templates that it may be the first to use will take.
size_t most_bytes(const SysmonEvent& e) {
  size_t n = 3000;
  for (const Field& f : e.data)
    n += 2 * f.text.size() + 2 * f.name.size() + 64;
  return n;
}

void seal(ChunkBuilder& chunk, uint64_t first, uint64_t last, Output& out) {
  chunk.patch<uint64_t>(8, first);
  chunk.patch<uint64_t>(16, last);
  chunk.patch<uint64_t>(24, first);
  chunk.patch<uint64_t>(32, last);
  chunk.patch<uint32_t>(44, static_cast<uint32_t>(chunk.record_starts.back()));
  out.add(chunk.finish());
}

std::string file_header() {
  std::string h = input::evtx::evtx_file({});
  const uint16_t versions[4] = {1, 3, 4096, 0};  // minor, major, header block size
  std::memcpy(h.data() + 32, bytes_of(uint32_t{128}).data(), 4);
  std::memcpy(h.data() + 36, versions, 6);
  return h;
}

/// Writes chunk after chunk; the header is written last, when their number is known.
template <class Events>
Counts evtx(const char* path, uint64_t bytes, Events events) {
  Counts counts;
  uint64_t chunks = 0;
  uint64_t first = 1;
  {
    Output out(path, bytes);
    out.add(file_header());
    auto chunk = std::make_unique<ChunkBuilder>();
    while (!out.full()) {
      const SysmonEvent& e = events.next();
      if (chunk->at() + most_bytes(e) > kChunkBytes) {
        seal(*chunk, first, e.record_id - 1, out);
        ++chunks;
        first = e.record_id;
        chunk = std::make_unique<ChunkBuilder>();
      }
      write_record(*chunk, e);
    }
    seal(*chunk, first, events.num_events(), out);
    ++chunks;
    if (!out.flush()) return {};
  }
  std::string header = file_header();
  std::memcpy(header.data() + 16, bytes_of(chunks - 1).data(), 8);
  std::memcpy(header.data() + 24, bytes_of(events.num_events() + 1).data(), 8);
  std::memcpy(header.data() + 42, bytes_of(static_cast<uint16_t>(chunks)).data(), 2);
  const uint32_t crc = input::evtx::crc32(std::string_view(header).substr(0, 120));
  std::memcpy(header.data() + 124, bytes_of(crc).data(), 4);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  counts.events = events.num_events();
  counts.wanted = events.num_wanted();
  return counts;
}

// --- NDJSON ---------------------------------------------------------------------------------

std::string message_of(const SysmonEvent& e) {
  std::string m = "Process Create:";
  for (const Field& f : e.data)
    m.append("\r\n").append(f.name).append(": ").append(f.text);
  return m;
}

void wec_line(const SysmonEvent& e, std::string& out) {
  out.append(R"({"SourceName": "Microsoft-Windows-Sysmon")");
  append_member(out, "ProviderGuid", "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}");
  append_member(out, "Level", "4");
  append_member(out, "Keywords", "0x8000000000000000");
  append_member(out, "Channel", "Microsoft-Windows-Sysmon/Operational");
  append_member(out, "Hostname", e.computer);
  append_member(out, "TimeCreated", rfc3339(e.filetime));
  append_member(out, "@timestamp", rfc3339(e.filetime));
  out.append(", \"EventID\": ").append(std::to_string(e.id));
  append_member(out, "Message", message_of(e));
  out.append(", \"Task\": ").append(std::to_string(e.id));
  for (const Field& f : e.data)
    append_member(out, f.name, f.text);
  out.append("}\n");
}

void winlogbeat_line(const SysmonEvent& e, std::string& out) {
  out.append("{\"@timestamp\":\"").append(rfc3339(e.filetime));
  out.append(R"(","event":{"code":")").append(std::to_string(e.id));
  out.append(R"(","kind":"event","provider":"Microsoft-Windows-Sysmon"},"host":{"name":")");
  out.append(e.computer);
  out.append(R"("},"log":{"level":"information"},"message":)");
  append_json(out, message_of(e));
  out.append(R"(,"winlog":{"api":"wineventlog","channel":"Microsoft-Windows-Sysmon/Operational",)");
  out.append("\"computer_name\":\"").append(e.computer).append("\",\"event_data\":{");
  bool first = true;
  for (const Field& f : e.data) {
    if (!first) out.push_back(',');
    first = false;
    append_json(out, f.name);
    out.push_back(':');
    append_json(out, f.text);
  }
  out.append("},\"event_id\":\"").append(std::to_string(e.id));
  out.append(R"(","process":{"pid":3196,"thread":{"id":4356}},)");
  out.append(R"("provider_guid":"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",)");
  out.append(R"("provider_name":"Microsoft-Windows-Sysmon","record_id":)");
  out.append(std::to_string(e.record_id));
  out.append(R"(,"user":{"domain":"NT AUTHORITY","identifier":"S-1-5-18","name":"SYSTEM"},)");
  out.append("\"version\":").append(std::to_string(e.version)).append("}}\n");
}

Counts ndjson(const char* path,
              uint64_t bytes,
              uint64_t seed,
              void (*line)(const SysmonEvent&, std::string&)) {
  SysmonEvents events(seed);
  Output out(path, bytes);
  std::string text;
  while (!out.full()) {
    text.clear();
    line(events.next(), text);
    out.add(text);
  }
  if (!out.flush()) return {};
  return {events.num_events(), events.num_wanted()};
}

// --- Zeek and auditd ------------------------------------------------------------------------

Counts zeek(const char* path, uint64_t bytes, uint64_t seed) {
  static constexpr std::string_view kServices[] = {"-", "dns", "ssl", "http", "smtp", "ntp"};
  static constexpr std::string_view kStates[] = {"SF", "S0", "REJ", "RSTO", "OTH"};
  static constexpr std::string_view kHistories[] = {"ShADadFf", "S", "Dd", "ShADadfFr", "Sr"};
  Random r(seed);
  Output out(path, bytes);
  out.add(
      "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
      "#open\t2024-05-01-08-00-00\n"
      "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
      "orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\t"
      "orig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n"
      "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\t"
      "bool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n");
  Counts counts;
  char line[512];
  while (!out.full()) {
    const bool wanted = ++counts.events % 10'000 == 0;
    counts.wanted += wanted ? 1 : 0;
    const std::string uid = "C" + r.hex(16);
    const std::string_view service = wanted ? "smtp" : r.pick(kServices);
    const std::string_view state = r.pick(kStates);
    const std::string_view history = r.pick(kHistories);
    const int n = std::snprintf(
        line, sizeof line,
        "%" PRIu64 ".%06" PRIu64
        "\t%s\t10.20.%d.%d\t%d\t%s.%d\t%d\ttcp\t%.*s\t%d.%06d\t%d\t%d\t"
        "%.*s\tT\tF\t0\t%.*s\t%d\t%d\t%d\t%d\t%s\n",
        uint64_t{1'714'550'400} + counts.events / 50, r.below(1'000'000), uid.c_str(),
        static_cast<int>(r.below(8)), static_cast<int>(r.below(250)),
        static_cast<int>(49152 + r.below(16000)), wanted ? "198.51.100" : "203.0.113",
        static_cast<int>(r.below(250)), static_cast<int>(wanted ? 587 : r.below(1024)),
        static_cast<int>(service.size()), service.data(), static_cast<int>(r.below(90)),
        static_cast<int>(r.below(1'000'000)), static_cast<int>(r.below(40'000)),
        static_cast<int>(r.below(400'000)), static_cast<int>(state.size()), state.data(),
        static_cast<int>(history.size()), history.data(), static_cast<int>(r.below(60)),
        static_cast<int>(r.below(50'000)), static_cast<int>(r.below(90)),
        static_cast<int>(r.below(500'000)), r.below(50) == 0 ? "CkR5bE1Vq7pQ2mZ8x" : "-");
    out.add({line, static_cast<size_t>(n)});
  }
  out.add("#close\t2024-05-02-08-00-00\n");
  if (!out.flush()) return {};
  return counts;
}

Counts auditd(const char* path, uint64_t bytes, uint64_t seed) {
  static constexpr std::string_view kPrograms[] = {"/usr/bin/python3.11", "/usr/sbin/sshd",
                                                   "/usr/bin/bash", "/usr/bin/curl",
                                                   "/usr/lib/postfix/sbin/smtp"};
  Random r(seed);
  Output out(path, bytes);
  Counts counts;
  std::string other;  // records of the last event that come after the first of this one
  char text[2048];
  while (!out.full()) {
    const bool wanted = ++counts.events % 10'000 == 0;
    counts.wanted += wanted ? 1 : 0;
    const bool exec = wanted || r.below(2) == 0;
    char head[64];
    std::snprintf(head, sizeof head, "msg=audit(%" PRIu64 ".%03" PRIu64 ":%" PRIu64 "):",
                  uint64_t{1'714'550'400} + counts.events / 100, counts.events * 10 % 1000,
                  counts.events);
    const std::string exe(wanted ? "/usr/bin/nc" : r.pick(kPrograms));
    const std::string comm = exe.substr(exe.rfind('/') + 1);
    const auto pid = static_cast<int>(1000 + r.below(30'000));
    int n = std::snprintf(
        text, sizeof text,
        "type=SYSCALL %s arch=c000003e syscall=%d success=yes exit=0 a0=%llx a1=%llx a2=%llx a3=0 "
        "items=%d ppid=%d pid=%d auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 "
        "egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=%d comm=\"%s\" exe=\"%s\" "
        "subj=unconfined key=\"%s\"\n",
        head, exec ? 59 : 42, static_cast<unsigned long long>(r.next() >> 16),
        static_cast<unsigned long long>(r.next() >> 16),
        static_cast<unsigned long long>(r.next() >> 16), exec ? 2 : 0, pid - 1, pid,
        static_cast<int>(r.below(500)), comm.c_str(), exe.c_str(), exec ? "exec" : "net");
    out.add({text, static_cast<size_t>(n)});
    out.add(other);
    other.clear();
    if (exec) {
      const std::string target =
          wanted ? "198.51.100.7" : "host" + std::to_string(r.below(1000)) + ".example.com";
      n = std::snprintf(text, sizeof text,
                        "type=EXECVE %s argc=4 a0=\"%s\" a1=\"-e\" a2=\"/bin/sh\" a3=\"%s\"\n"
                        "type=CWD %s cwd=\"/home/alice\"\n"
                        "type=PATH %s item=0 name=\"%s\" inode=%d dev=08:01 mode=0100755 ouid=0 "
                        "ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0\n"
                        "type=PATH %s item=1 name=\"/lib64/ld-linux-x86-64.so.2\" inode=2049 "
                        "dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 "
                        "cap_fi=0 cap_fe=0 cap_fver=0\n",
                        head, comm.c_str(), target.c_str(), head, head, exe.c_str(),
                        static_cast<int>(r.below(90'000)), head);
      other.append(text, static_cast<size_t>(n));
      const std::string title = comm + std::string(1, '\0') + "-e" + std::string(1, '\0') +
                                "/bin/sh" + std::string(1, '\0') + target;
      other.append("type=PROCTITLE ").append(head).append(" proctitle=");
      other.append(upper_hex(title)).append("\n");
    } else {
      std::string address("\x02\0\x01\xbb\xcb\0\x71\0\0\0\0\0\0\0\0\0", 16);
      address[7] = static_cast<char>(r.below(250));
      other.append("type=SOCKADDR ").append(head).append(" saddr=");
      other.append(upper_hex(address)).append("\ntype=PROCTITLE ").append(head);
      other.append(" proctitle=").append(upper_hex(comm)).append("\n");
    }
  }
  out.add(other);
  if (!out.flush()) return {};
  return counts;
}

}  // namespace
}  // namespace postern::bench

int main(int argc, char** argv) {
  using namespace postern::bench;
  if (argc < 4) {
    std::cerr
        << "generate evtx|wec|winlogbeat|zeek|auditd|mail|packets|idle|LANE BYTES FILE [SEED]\n"
           "LANE: sysmon, raw, sysmon-evtx, execve, conn, smtp; with -unique behind it\n";
    return 2;
  }
  const std::string_view kind = argv[1];
  const uint64_t bytes = std::strtoull(argv[2], nullptr, 10);
  const uint64_t seed = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1;
  Counts counts;
  if (kind == "evtx") counts = evtx(argv[3], bytes, SysmonEvents(seed));
  if (kind == "sysmon-evtx") counts = evtx(argv[3], bytes, FleetEvents(seed, true));
  if (kind == "sysmon-evtx-unique") counts = evtx(argv[3], bytes, FleetEvents(seed, false));
  if (kind == "wec") counts = ndjson(argv[3], bytes, seed, wec_line);
  if (kind == "winlogbeat") counts = ndjson(argv[3], bytes, seed, winlogbeat_line);
  if (kind == "zeek") counts = zeek(argv[3], bytes, seed);
  if (kind == "auditd") counts = auditd(argv[3], bytes, seed);
  if (counts.events == 0) counts = text_lane(kind, argv[3], bytes, seed);
  if (counts.events == 0) counts = write_capture(kind, argv[3], bytes, seed);
  if (counts.events == 0) {
    std::cerr << "generate: nothing written\n";
    return 1;
  }
  std::cout << "{\"events\":" << counts.events << ",\"wanted\":" << counts.wanted << "}\n";
  return 0;
}
