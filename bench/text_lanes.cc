#include "bench/text_lanes.h"

#include <cinttypes>
#include <cstdio>

#include "bench/events.h"
#include "bench/fleet_events.h"
#include "bench/suspicious.h"

namespace postern::bench {

void append_json(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\r')
      out.append("\\r");
    else if (c == '\n')
      out.append("\\n");
    else
      out.push_back(c);
  }
  out.push_back('"');
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(", ");
  append_json(out, name);
  out.append(": ");
  append_json(out, text);
}

std::string rfc3339(uint64_t filetime) {
  std::string t = utc_text(filetime) + "Z";
  t[10] = 'T';
  return t;
}

std::string upper_hex(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

namespace {

constexpr uint64_t kEpoch = 1'714'550'400;  // 2024-05-01 08:00

void compact_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  append_json(out, text);
}

/// `product` and `category` tell a peer that does not know channels what the event is.
void head_of(const FleetEvents& events, const SysmonEvent& e, std::string& out) {
  out.append(R"({"SourceName":"Microsoft-Windows-Sysmon")");
  compact_member(out, "Channel", "Microsoft-Windows-Sysmon/Operational");
  out.append(",\"EventID\":").append(std::to_string(e.id));
  compact_member(out, "Hostname", e.computer);
  compact_member(out, "@timestamp", rfc3339(e.filetime));
  compact_member(out, "product", "windows");
  compact_member(out, "category", events.category());
}

void structured_line(const FleetEvents& events, const SysmonEvent& e, std::string& out) {
  head_of(events, e, out);
  for (const Field& f : e.data)
    if (f.shape == Shape::kNumber)
      out.append(",\"").append(f.name).append("\":").append(f.text);
    else
      compact_member(out, f.name, f.text);
  out.append("}\n");
}

/// How Sysmon's own text begins.
std::string_view title_of(int id) {
  switch (id) {
    case 1:
      return "Process Create:";
    case 3:
      return "Network connection detected:";
    case 7:
      return "Image loaded:";
    case 11:
      return "File created:";
    default:
      return "Registry value set:";
  }
}

void raw_line(const FleetEvents& events, const SysmonEvent& e, std::string& out) {
  head_of(events, e, out);
  std::string message = std::string(title_of(e.id)) + "\r\nRuleName: -";
  for (const Field& f : e.data)
    message.append("\r\n").append(f.name).append(": ").append(f.text);
  compact_member(out, "Message", message);
  out.append("}\n");
}

Counts fleet(const char* path,
             uint64_t bytes,
             uint64_t seed,
             bool repeats,
             void (*line)(const FleetEvents&, const SysmonEvent&, std::string&)) {
  FleetEvents events(seed, repeats);
  Output out(path, bytes);
  std::string text;
  while (!out.full()) {
    text.clear();
    const SysmonEvent& e = events.next();
    line(events, e, text);
    out.add(text);
  }
  if (!out.flush()) return {};
  return {events.num_events(), events.num_wanted()};
}

/// Names for the other formats: from a pool of `size`, or each its own.
class Names {
 public:
  Names(uint64_t seed, bool repeats) : random_(seed), repeats_(repeats) {}

  Random& random() { return random_; }

  std::string tail(size_t pool) {
    char text[24];
    const uint64_t n = repeats_ ? random_.below(pool) : random_.next() >> 16;
    std::snprintf(text, sizeof text, "%" PRIx64, n);
    return text;
  }

  std::string address(std::string_view net) {
    const uint64_t n = random_.below(repeats_ ? 2000 : 65536);
    return std::string(net) + std::to_string(n >> 8) + "." + std::to_string(n & 255);
  }

 private:
  Random random_;
  bool repeats_;
};

/// Calls event(number, out) until the file is full.
template <class Event>
Counts write_events(const char* path, uint64_t bytes, const std::string& head, Event&& event) {
  Output out(path, bytes);
  out.add(head);
  Counts counts;
  while (!out.full())
    event(++counts.events, out);
  if (!out.flush()) return {};
  return counts;
}

/// Programs start, connect and open files; one event in 1,000 is one of kSuspiciousPrograms.
Counts execve(const char* path, uint64_t bytes, uint64_t seed, bool repeats) {
  static constexpr std::string_view kFolders[] = {"/usr/bin/", "/usr/sbin/", "/opt/example/bin/",
                                                  "/usr/local/bin/", "/usr/lib/systemd/"};
  static constexpr std::string_view kPrograms[] = {"python3", "sshd", "bash", "perl",    "ls",
                                                   "cat",     "cron", "sed",  "node",    "java",
                                                   "grep",    "awk",  "ssh",  "systemd", "date"};
  static constexpr std::string_view kTalkers[] = {"sshd", "node", "java", "ssh", "systemd"};
  static constexpr std::string_view kArguments[] = {
      "-c", "--config", "-l", "install", "-rf", "/var/log/", "--verbose", "http://", "status"};
  Names names(seed, repeats);
  Random& r = names.random();
  char text[2048];
  return write_events(path, bytes, "", [&](uint64_t event, Output& out) {
    char head[64];
    std::snprintf(head, sizeof head,
                  "msg=audit(%" PRIu64 ".%03" PRIu64 ":%" PRIu64 "):", kEpoch + event / 100,
                  event * 10 % 1000, event);
    const bool suspicious = event % kSuspiciousEach == 0;
    const uint64_t kind = suspicious ? 0 : r.below(10);
    const auto& odd = r.pick(kSuspiciousPrograms);
    const bool connects = kind >= 5 && kind < 8;
    std::string comm(suspicious ? odd[0] : connects ? r.pick(kTalkers) : r.pick(kPrograms));
    std::string exe = std::string(suspicious ? "/usr/bin/" : r.pick(kFolders)) + comm;
    if (!repeats && !suspicious) exe += names.tail(0);
    const auto pid = static_cast<int>(1000 + r.below(30'000));
    const int syscall = kind < 5 ? 59 : connects ? 42 : 257;
    int n = std::snprintf(
        text, sizeof text,
        "type=SYSCALL %s arch=c000003e syscall=%d success=yes exit=0 a0=%" PRIx64 " a1=%" PRIx64
        " a2=%" PRIx64
        " a3=0 items=%d ppid=%d pid=%d auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 "
        "egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=%d comm=\"%s\" exe=\"%s\" subj=unconfined "
        "key=\"%s\"\n",
        head, syscall, r.next() >> 16, r.next() >> 16, r.next() >> 16, kind < 5 ? 2 : 0, pid - 1,
        pid, static_cast<int>(r.below(500)), comm.c_str(), exe.c_str(), kind < 5 ? "exec" : "net");
    out.add({text, static_cast<size_t>(n)});
    const std::string cwd = "/home/user" + names.tail(40);
    if (kind < 5) {
      const std::string target = std::string(r.pick(kArguments)) + names.tail(500);
      const std::string arguments[] = {std::string(r.pick(kArguments)),
                                       std::string(r.pick(kArguments)) + names.tail(300), target};
      const auto argument = [&](size_t i) {
        return suspicious ? odd[i + 1].data() : arguments[i].c_str();
      };
      n = std::snprintf(
          text, sizeof text,
          "type=EXECVE %s argc=4 a0=\"%s\" a1=\"%s\" a2=\"%s\" a3=\"%s\"\n"
          "type=CWD %s cwd=\"%s\"\n"
          "type=PATH %s item=0 name=\"%s\" inode=%d dev=08:01 mode=0100755 ouid=0 ogid=0 "
          "rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0\n",
          head, comm.c_str(), argument(0), argument(1), argument(2), head, cwd.c_str(), head,
          exe.c_str(), static_cast<int>(r.below(90'000)));
      out.add({text, static_cast<size_t>(n)});
    } else if (connects) {
      std::string address("\x02\0\x01\xbb\xcb\0\x71\0\0\0\0\0\0\0\0\0", 16);
      const uint64_t a = repeats ? r.below(900) : r.next();
      address[5] = static_cast<char>(a >> 8);
      address[7] = static_cast<char>(a);
      out.add(std::string("type=SOCKADDR ") + head + " saddr=" + upper_hex(address) + "\n");
    } else {
      n = std::snprintf(
          text, sizeof text,
          "type=CWD %s cwd=\"%s\"\n"
          "type=PATH %s item=0 name=\"/var/lib/example/%s.dat\" inode=%d dev=08:01 mode=0100644 "
          "ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0\n",
          head, cwd.c_str(), head, names.tail(3000).c_str(), static_cast<int>(r.below(90'000)));
      out.add({text, static_cast<size_t>(n)});
    }
    out.add(std::string("type=PROCTITLE ") + head +
            " proctitle=" + upper_hex(comm + std::string(1, '\0') + names.tail(800)) + "\n");
  });
}

/// The lines before the first record of a Zeek log.
std::string zeek_head(const std::string& path,
                      const std::string& fields,
                      const std::string& types) {
  return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" +
         path + "\n#open\t2024-05-01-08-00-00\n#fields\t" + fields + "\n#types\t" + types + "\n";
}

Counts conn(const char* path, uint64_t bytes, uint64_t seed, bool repeats) {
  static constexpr std::string_view kServices[] = {"-", "dns", "ssl", "http", "smtp", "ntp"};
  static constexpr std::string_view kStates[] = {"SF", "S0", "REJ", "RSTO", "OTH"};
  static constexpr std::string_view kHistories[] = {"ShADadFf", "S", "Dd", "ShADadfFr", "Sr"};
  Names names(seed, repeats);
  Random& r = names.random();
  const std::string head = zeek_head(
      "conn",
      "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
      "orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\t"
      "orig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes",
      "time\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\t"
      "bool\tbool\tcount\tstring\tcount\tcount\tcount\tcount");
  char line[512];
  return write_events(path, bytes, head, [&](uint64_t event, Output& out) {
    const int n = std::snprintf(
        line, sizeof line,
        "%" PRIu64 ".%06" PRIu64
        "\tC%s\t%s\t%d\t%s\t%d\ttcp\t%s\t%d.%06d\t%d\t%d\t%s\tT\tF\t0\t%s\t%d\t%d\t%d\t%d\n",
        kEpoch + event / 50, r.below(1'000'000), r.hex(16).c_str(), names.address("10.20.").c_str(),
        static_cast<int>(49152 + r.below(16000)), names.address("198.18.").c_str(),
        static_cast<int>(r.below(1024)), std::string(r.pick(kServices)).c_str(),
        static_cast<int>(r.below(90)), static_cast<int>(r.below(1'000'000)),
        static_cast<int>(r.below(40'000)), static_cast<int>(r.below(400'000)),
        std::string(r.pick(kStates)).c_str(), std::string(r.pick(kHistories)).c_str(),
        static_cast<int>(r.below(60)), static_cast<int>(r.below(50'000)),
        static_cast<int>(r.below(90)), static_cast<int>(r.below(500'000)));
    out.add({line, static_cast<size_t>(n)});
  });
}

Counts smtp(const char* path, uint64_t bytes, uint64_t seed, bool repeats) {
  static constexpr std::string_view kWords[] = {"Invoice",      "Meeting",    "Report",
                                                "Re: Question", "Newsletter", "Your order",
                                                "Payment",      "Agenda"};
  Names names(seed, repeats);
  Random& r = names.random();
  const std::string head = zeek_head(
      "smtp",
      "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\ttrans_depth\thelo\tmailfrom\t"
      "rcptto\tdate\tfrom\tto\tcc\treply_to\tmsg_id\tin_reply_to\tsubject\tx_originating_ip\t"
      "first_received\tsecond_received\tlast_reply\tpath\tuser_agent\ttls\tfuids",
      "time\tstring\taddr\tport\taddr\tport\tcount\tstring\tstring\tset[string]\tstring\t"
      "string\tset[string]\tset[string]\tstring\tstring\tstring\tstring\taddr\tstring\tstring\t"
      "string\tvector[addr]\tstring\tbool\tvector[string]");
  char line[2048];
  return write_events(path, bytes, head, [&](uint64_t event, Output& out) {
    const std::string from = "user" + names.tail(300) + "@example.com";
    const std::string to = "user" + names.tail(900) + "@example.org";
    const std::string client = names.address("10.20.");
    const std::string server = names.address("198.18.");
    const int n = std::snprintf(
        line, sizeof line,
        "%" PRIu64 ".%06" PRIu64
        "\tC%s\t%s\t%d\t%s\t25\t1\thost%s.example.com\t%s\t%s\tWed, 1 May 2024 08:00:00 +0000\t"
        "Example User <%s>\t%s\t-\t-\t<%s@example.com>\t-\t%s %s\t-\t"
        "from host%s.example.com (%s) by mx.example.org with ESMTP\t-\t250 2.0.0 Ok: queued as "
        "%s\t%s,%s\tExample Mail %s\tF\tF%s\n",
        kEpoch + event / 50, r.below(1'000'000), r.hex(16).c_str(), client.c_str(),
        static_cast<int>(49152 + r.below(16000)), server.c_str(), names.tail(60).c_str(),
        from.c_str(), to.c_str(), from.c_str(), to.c_str(), r.hex(20).c_str(),
        std::string(r.pick(kWords)).c_str(), names.tail(2000).c_str(), names.tail(60).c_str(),
        client.c_str(), r.hex(10).c_str(), server.c_str(), client.c_str(), names.tail(12).c_str(),
        r.hex(16).c_str());
    out.add({line, static_cast<size_t>(n)});
  });
}

}  // namespace

Counts text_lane(std::string_view lane, const char* path, uint64_t bytes, uint64_t seed) {
  constexpr std::string_view kUnique = "-unique";
  const bool repeats = !lane.ends_with(kUnique);
  if (!repeats) lane.remove_suffix(kUnique.size());
  if (lane == "sysmon") return fleet(path, bytes, seed, repeats, structured_line);
  if (lane == "raw") return fleet(path, bytes, seed, repeats, raw_line);
  if (lane == "execve") return execve(path, bytes, seed, repeats);
  if (lane == "conn") return conn(path, bytes, seed, repeats);
  if (lane == "smtp") return smtp(path, bytes, seed, repeats);
  return {};
}

}  // namespace postern::bench
