// The words are those of Windows and its programs, so that rules' literals are met as in real logs:
// `.exe` and `\System32\` in every other value, `powershell` in some, `mimikatz` in none but those
// that are meant to be found.
#include "bench/fleet_events.h"

#include <cmath>

#include "bench/suspicious.h"

namespace postern::bench {
namespace {

constexpr uint64_t kStart = 133'590'240'000'000'000;  // 2024-05-01 08:00
/// A number below 100 of each kind of event: see next().
constexpr uint64_t kFirstOfKind[] = {0, 35, 55, 75, 88};
constexpr size_t kPrograms = 220;
constexpr size_t kLibraries = 600;

constexpr std::string_view kFolders[] = {"C:\\Program Files\\", "C:\\Program Files (x86)\\"};

/// What Windows itself starts, the most frequent first, and what starts it.
struct SystemProgram {
  std::string_view path;
  std::string_view original;
  std::string_view parent;
  std::string_view arguments[3];
};

constexpr std::string_view kServices = "C:\\Windows\\System32\\services.exe";
constexpr std::string_view kSvchost = "C:\\Windows\\System32\\svchost.exe";
constexpr std::string_view kExplorer = "C:\\Windows\\explorer.exe";
constexpr SystemProgram kSystemPrograms[] = {
    {kSvchost,
     "svchost.exe",
     kServices,
     {" -k netsvcs -p -s Schedule", " -k LocalService -p -s nsi", " -k DcomLaunch -p -s LSM"}},
    {"C:\\Windows\\System32\\conhost.exe",
     "CONHOST.EXE",
     "C:\\Windows\\System32\\cmd.exe",
     {" 0xffffffff -ForceV1", " 0xffffffff -ForceV1", " 0x4"}},
    {"C:\\Windows\\System32\\taskhostw.exe",
     "taskhostw.exe",
     kSvchost,
     {" {222A245B-E637-4AE9-A93F-A59CA119A75E}", " KEYROAMING", " -RegisterDevice"}},
    {"C:\\Windows\\System32\\wbem\\WmiPrvSE.exe",
     "Wmiprvse.exe",
     kSvchost,
     {" -secured -Embedding", " -Embedding", " -secured -Embedding"}},
    {"C:\\Windows\\System32\\RuntimeBroker.exe",
     "RuntimeBroker.exe",
     kSvchost,
     {" -Embedding", " -Embedding", " -Embedding"}},
    {"C:\\Windows\\System32\\backgroundTaskHost.exe",
     "backgroundTaskHost.exe",
     kSvchost,
     {" -ServerName:App.AppXmtcan0h2tfbfy7k9kn8hbxb6dmzz1zh0.mca",
      " -ServerName:CortanaUI.AppXy7vb4pc2dr3kc93kfc509b1d0arkfb2x.mca", " -ServerName:App.mca"}},
    {kExplorer, "EXPLORER.EXE", "C:\\Windows\\System32\\userinit.exe", {"", "", ""}},
    {"C:\\Windows\\System32\\cmd.exe",
     "Cmd.Exe",
     kExplorer,
     {" /c \"C:\\Program Files\\Example\\start.cmd\"", " /c dir", " /d /s /c \"node build.js\""}},
    {"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
     "PowerShell.EXE",
     kExplorer,
     {"", " -File \"C:\\Program Files\\Example\\inventory.ps1\"", " -Version 5.1 -s -NoLogo"}},
    {"C:\\Windows\\System32\\SearchProtocolHost.exe",
     "SearchProtocolHost.exe",
     "C:\\Windows\\System32\\SearchIndexer.exe",
     {" Global\\UsGthrFltPipeMssGthrPipe1_ Global\\UsGthrCtrlFltPipeMssGthrPipe1", "", ""}},
    {"C:\\Windows\\System32\\dllhost.exe",
     "dllhost.exe",
     kSvchost,
     {" /Processid:{3EB3C877-1F16-487C-9050-104DBCD66683}",
      " /Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}",
      " /Processid:{973D20D7-562D-44B9-B70B-5A0F49CCDF3F}"}},
    {"C:\\Windows\\System32\\smartscreen.exe",
     "smartscreen.exe",
     kSvchost,
     {" -Embedding", " -Embedding", " -Embedding"}},
    {"C:\\Windows\\System32\\sihost.exe", "sihost.exe", kSvchost, {"", "", ""}}};
constexpr std::string_view kWords[] = {
    "Update",  "Service", "Agent",   "Host",    "Client",   "Manager", "Helper",  "Example",
    "Office",  "Browser", "Sync",    "Cloud",   "Device",   "Driver",  "Network", "Policy",
    "Report",  "Backup",  "Monitor", "Console", "Launcher", "Runtime", "Install", "Setup",
    "Config",  "Session", "Media",   "Print",   "Search",   "Store",   "Task",    "Window",
    "Account", "Archive", "Bridge",  "Cache",   "Desktop",  "Engine",  "Factory", "Gateway"};
constexpr std::string_view kArguments[] = {
    " --type=renderer --lang=en-US --device-scale-factor=1 --field-trial-handle=",
    " --type=utility --utility-sub-type=network.mojom.NetworkService --mojo-platform-channel=",
    " --monitor-self-annotation=ptype=crashpad-handler --database=",
    " -config \"C:\\ProgramData\\Example\\settings.json\" -profile ",
    " /service /log C:\\ProgramData\\Example\\logs\\",
    " -Embedding ",
    " --scan --quiet --output=",
    " /prefetch:1 ",
    " -startup -minimized -channel "};
constexpr std::string_view kRoots[] = {
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\",
    "HKLM\\System\\CurrentControlSet\\Services\\",
    "HKU\\S-1-5-21-1004336348-1177238915-682003330-1013\\Software\\",
    "HKLM\\SOFTWARE\\Policies\\Microsoft\\", "HKLM\\SOFTWARE\\WOW6432Node\\Example\\"};

}  // namespace

FleetEvents::FleetEvents(uint64_t seed, bool repeats) : random_(seed), repeats_(repeats) {
  if (!repeats_) return;
  for (size_t i = 0; i < kPrograms; ++i)
    programs_.push_back(make_program());
  for (size_t i = 0; i < kLibraries; ++i) {
    libraries_.push_back(make_program());
    std::string& path = libraries_.back().path;
    path.replace(path.size() - 3, 3, "dll");
    if (i % 2 == 0) path.replace(0, path.rfind('\\') + 1, "C:\\Windows\\System32\\");
  }
}

size_t FleetEvents::skewed(size_t n) {
  // The inverse of the distribution function of 1/x on [1, n + 1).
  const double u = static_cast<double>(random_.next() >> 11) * 0x1p-53;
  const double x = std::pow(static_cast<double>(n) + 1, u);
  return std::min(static_cast<size_t>(x) - 1, n - 1);
}

template <class Make>
std::string FleetEvents::pooled(std::vector<std::string>& pool, size_t size, Make&& make) {
  if (!repeats_) return make();
  const size_t at = skewed(size);
  while (pool.size() <= at)
    pool.push_back(make());
  return pool[at];
}

/// A word and, without repetition, letters of its own.
std::string FleetEvents::word() {
  std::string w(random_.pick(kWords));
  if (!repeats_) {
    for (uint64_t bits = random_.next() | 1; bits > (uint64_t{1} << 49); bits >>= 5)
      w.push_back(static_cast<char>('a' + bits % 26));
  }
  return w;
}

std::string FleetEvents::hashes() {
  return "MD5=" + random_.hex(32) + ",IMPHASH=" + random_.hex(32);
}

FleetEvents::Program FleetEvents::make_program() {
  Program p;
  if (repeats_ && programs_.size() < std::size(kSystemPrograms)) {
    const SystemProgram& known = kSystemPrograms[programs_.size()];
    p.path = known.path;
    p.original = known.original;
    p.parent = known.parent;
    p.description = "Host Process for " + p.original;
    p.company = "Microsoft Corporation";
    for (const std::string_view a : known.arguments)
      p.arguments.emplace_back(a);
  } else {
    // Words without repetition are longer, so there are fewer: events of both kinds are of one
    // size.
    const std::string name = repeats_ ? word() + word() : word();
    p.original = name + ".exe";
    const std::string folder = repeats_ ? word() + " " + word() : word();
    p.path = std::string(random_.pick(kFolders)) + folder + "\\" + p.original;
    p.parent = repeats_ ? std::string(kExplorer) : "C:\\Windows\\" + word() + ".exe";
    p.description = repeats_ ? word() + " for " + name : word();
    p.company = word() + (repeats_ ? " Corporation" : " Ltd");
    const size_t n = 1 + random_.below(12);
    for (size_t i = 0; i < n; ++i)
      p.arguments.push_back(std::string(random_.pick(kArguments)) + word() + word());
  }
  p.parent_arguments = p.parent == kSvchost ? " -k DcomLaunch -p" : "";
  if (!repeats_) p.parent_arguments = " --session=" + random_.hex(6);
  p.hashes = hashes();
  return p;
}

const FleetEvents::Program& FleetEvents::program() {
  if (repeats_) return programs_[skewed(programs_.size())];
  fresh_ = make_program();
  return fresh_;
}

std::string FleetEvents::command_of(const Program& p) {
  std::string c = "\"" + p.path + "\"" + p.arguments[random_.below(p.arguments.size())];
  // What Windows starts has few command lines; others pass a number now and then.
  if (repeats_ && p.arguments.size() > 3 && random_.below(3) == 0) c += " --id=" + random_.hex(12);
  return c;
}

std::string FleetEvents::user() {
  return pooled(users_, 40, [&] { return "EXAMPLE\\" + word(); });
}

std::string FleetEvents::address() {
  return pooled(addresses_, 3000, [&] {
    return std::to_string(11 + random_.below(180)) + "." + std::to_string(random_.below(256)) +
           "." + std::to_string(random_.below(256)) + "." + std::to_string(1 + random_.below(254));
  });
}

std::string FleetEvents::host_name() {
  return pooled(domains_, 1500,
                [&] { return word() + "-" + random_.hex(4) + "." + word() + ".example.com"; });
}

std::string FleetEvents::file_name() {
  static constexpr std::string_view kKinds[] = {".tmp", ".log", ".json", ".etl", ".db", ".txt"};
  // Every other file of a real log is new.
  const bool fresh = !repeats_ || random_.below(2) == 0;
  const auto make = [&] {
    return "C:\\Users\\" + word() + "\\AppData\\Local\\" + word() + "\\" + word() + "-" +
           random_.hex(8) + std::string(random_.pick(kKinds));
  };
  return fresh ? make() : pooled(files_, 4000, make);
}

std::string FleetEvents::registry_key() {
  return pooled(keys_, 5000, [&] {
    return std::string(random_.pick(kRoots)) + word() + "\\" + word() + "\\" + word() +
           random_.hex(4);
  });
}

void FleetEvents::add(std::string_view name, std::string_view text) {
  event_.data.push_back({name, Shape::kText, std::string(text), 0});
}

void FleetEvents::add_number(std::string_view name, uint64_t number) {
  event_.data.push_back({name, Shape::kNumber, std::to_string(number), number});
}

void FleetEvents::add_head() {
  add("UtcTime", utc_text(event_.filetime));
  const std::string d = random_.hex(32);
  event_.data.push_back({"ProcessGuid", Shape::kGuid,
                         "{" + d.substr(0, 8) + "-" + d.substr(8, 4) + "-" + d.substr(12, 4) + "-" +
                             d.substr(16, 4) + "-" + d.substr(20) + "}",
                         0});
  add_number("ProcessId", 4 * random_.below(8000));
}

void FleetEvents::process_creation() {
  category_ = "process_creation";
  add_head();
  const Program p = program();
  std::string image = p.path;
  std::string command;
  if (suspicious_) {
    command = random_.pick(kSuspicious);
    image = "C:\\Windows\\System32\\" + command.substr(0, command.find(' '));
  } else {
    command = command_of(p);
  }
  add("Image", image);
  add("Description", p.description);
  add("Company", p.company);
  add("OriginalFileName", suspicious_ ? image.substr(20) : p.original);
  add("CommandLine", command);
  add("CurrentDirectory", image.substr(0, image.rfind('\\') + 1));
  add("User", user());
  add("IntegrityLevel", random_.below(3) == 0 ? "System" : "Medium");
  add("Hashes", p.hashes);
  add("ParentImage", p.parent);
  add("ParentCommandLine", "\"" + p.parent + "\"" + p.parent_arguments);
}

void FleetEvents::network_connection() {
  category_ = "network_connection";
  add_head();
  const Values odd = random_.pick(kSuspiciousConnections);
  add("Image", suspicious_ ? std::string(odd[0]) : program().path);
  add("User", user());
  add("Protocol", random_.below(4) == 0 ? "udp" : "tcp");
  add("Initiated", !suspicious_ && random_.below(4) == 0 ? "false" : "true");
  add("SourceIp", "10." + std::to_string(random_.below(repeats_ ? 2 : 256)) + "." +
                      std::to_string(random_.below(repeats_ ? 8 : 256)) + "." +
                      std::to_string(1 + random_.below(254)));
  add("SourceHostname", event_.computer);
  add_number("SourcePort", 49152 + random_.below(16000));
  add("DestinationIp", suspicious_ ? std::string(odd[1]) : address());
  add("DestinationHostname", suspicious_ ? "" : host_name());
  const uint64_t port = random_.below(3) > 0 ? 443 : 1024 + random_.below(40000);
  add_number("DestinationPort", suspicious_ ? std::stoul(std::string(odd[2])) : port);
}

void FleetEvents::image_load() {
  category_ = "image_load";
  add_head();
  Program library;
  if (repeats_) {
    library = libraries_[skewed(libraries_.size())];
  } else {
    library = make_program();
    library.path.replace(library.path.size() - 3, 3, "dll");
  }
  const Values odd = random_.pick(kSuspiciousLibraries);
  add("Image", suspicious_ ? std::string(odd[0]) : program().path);
  add("ImageLoaded", suspicious_ ? odd[1] : library.path);
  add("OriginalFileName", suspicious_ ? odd[2] : library.original);
  add("Hashes", library.hashes);
  add("Signed", suspicious_ ? "false" : "true");
  add("Signature", suspicious_ ? "-" : library.company);
  add("SignatureStatus", suspicious_ ? "Unavailable" : "Valid");
  add("User", user());
}

void FleetEvents::file_event() {
  category_ = "file_event";
  add_head();
  const Values odd = random_.pick(kSuspiciousFiles);
  add("Image", suspicious_ ? std::string(odd[0]) : program().path);
  add("TargetFilename", suspicious_ ? std::string(odd[1]) : file_name());
  add("CreationUtcTime", utc_text(event_.filetime));
  add("User", user());
}

void FleetEvents::registry_set() {
  category_ = "registry_set";
  add("EventType", "SetValue");
  add_head();
  const Values odd = random_.pick(kSuspiciousValues);
  add("Image", suspicious_ ? std::string(odd[0]) : program().path);
  add("TargetObject", suspicious_ ? std::string(odd[1]) : registry_key());
  const bool number = random_.below(2) == 0;
  const std::string details = number ? "DWORD (0x" + random_.hex(8) + ")" : command_of(program());
  add("Details", suspicious_ ? odd[2] : details);
  add("User", user());
}

const SysmonEvent& FleetEvents::next() {
  event_.data.clear();
  event_.filetime = kStart + event_.record_id * 230'011;
  ++event_.record_id;
  event_.computer = pooled(hosts_, 50, [&] { return word() + random_.hex(4) + ".example.com"; });
  event_.version = 5;
  uint64_t kind = random_.below(100);
  suspicious_ = event_.record_id % kSuspiciousEach == 0;
  if (suspicious_) kind = kFirstOfKind[num_wanted_++ % std::size(kFirstOfKind)];
  if (kind < 35) {
    event_.id = 1;
    process_creation();
  } else if (kind < 55) {
    event_.id = 3;
    network_connection();
  } else if (kind < 75) {
    event_.id = 7;
    event_.version = 3;
    image_load();
  } else if (kind < 88) {
    event_.id = 11;
    event_.version = 2;
    file_event();
  } else {
    event_.id = 13;
    event_.version = 2;
    registry_set();
  }
  return event_;
}

}  // namespace postern::bench
