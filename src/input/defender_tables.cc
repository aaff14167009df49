#include "input/defender_tables.h"

#include <array>
#include <initializer_list>
#include <string>

#include "input/name_hash.h"

namespace postern::input {
namespace {

/// Native names; the table's own name follows the prefix.
constexpr std::string_view kPrefix = "defender.";
constexpr std::string_view kTables[] = {
    "defender.DeviceNetworkEvents",
    "defender.DeviceProcessEvents",
    "defender.DeviceFileEvents",
    "defender.DeviceRegistryEvents",
    "defender.DeviceEvents",
    "defender.DeviceImageLoadEvents",
    "defender.DeviceLogonEvents",
    "defender.DeviceInfo",
    "defender.DeviceNetworkInfo",
    "defender.DeviceFileCertificateInfo",
    "defender.EmailEvents",
    "defender.EmailAttachmentInfo",
    "defender.EmailUrlInfo",
    "defender.EmailPostDeliveryEvents",
    "defender.UrlClickEvents",
    "defender.AlertInfo",
    "defender.AlertEvidence",
    "defender.IdentityInfo",
    "defender.IdentityLogonEvents",
    "defender.IdentityQueryEvents",
    "defender.IdentityDirectoryEvents",
    "defender.CloudAppEvents",
};

enum Column : uint8_t {
  kTimestamp,
  kTimeGenerated,
  kDeviceId,
  kDeviceName,
  kActionType,
  kRemoteIP,
  kRemotePort,
  kRemoteUrl,
  kLocalIP,
  kLocalPort,
  kLocalIPType,
  kRemoteIPType,
  kFileName,
  kFolderPath,
  kSHA256,
  kPreviousFileName,
  kPreviousFolderPath,
  kFileOriginUrl,
  kFileOriginReferrerUrl,
  kRequestProtocol,
  kShareName,
  kSensitivityLabel,
  kProcessCommandLine,
  kProcessIntegrityLevel,
  kProcessVersionInfoCompanyName,
  kProcessCreationTime,
  kRegistryKey,
  kRegistryValueType,
  kPreviousRegistryKey,
  kLogonType,
  kIsLocalAdmin,
  kFailureReason,
  kRemoteDeviceName,
  kInitiatingProcessFileName,
  kInitiatingProcessId,
  kInitiatingProcessCommandLine,
  kNetworkMessageId,
  kSenderFromAddress,
  kRecipientEmailAddress,
  kEmailDirection,
  kSubject,
  kSenderIPv4,
  kDeliveryAction,
  kFileType,
  kUrl,
  kUrlDomain,
  kUrlLocation,
  kActionTrigger,
  kActionResult,
  kWorkload,
  kUrlChain,
  kApplication,
  kActivityType,
  kRawEventData,
  kIsAdminOperation,
  kQueryType,
  kQueryTarget,
  kTargetAccountUpn,
  kDestinationDeviceName,
  kAlertId,
  kEntityType,
  kTitle,
  kOnboardingStatus,
  kOSPlatform,
  kNetworkAdapterName,
  kSigner,
  kIsSigned,
  kNumColumns
};

constexpr std::array<std::string_view, kNumColumns> kColumns = {
    "Timestamp",
    "TimeGenerated",
    "DeviceId",
    "DeviceName",
    "ActionType",
    "RemoteIP",
    "RemotePort",
    "RemoteUrl",
    "LocalIP",
    "LocalPort",
    "LocalIPType",
    "RemoteIPType",
    "FileName",
    "FolderPath",
    "SHA256",
    "PreviousFileName",
    "PreviousFolderPath",
    "FileOriginUrl",
    "FileOriginReferrerUrl",
    "RequestProtocol",
    "ShareName",
    "SensitivityLabel",
    "ProcessCommandLine",
    "ProcessIntegrityLevel",
    "ProcessVersionInfoCompanyName",
    "ProcessCreationTime",
    "RegistryKey",
    "RegistryValueType",
    "PreviousRegistryKey",
    "LogonType",
    "IsLocalAdmin",
    "FailureReason",
    "RemoteDeviceName",
    "InitiatingProcessFileName",
    "InitiatingProcessId",
    "InitiatingProcessCommandLine",
    "NetworkMessageId",
    "SenderFromAddress",
    "RecipientEmailAddress",
    "EmailDirection",
    "Subject",
    "SenderIPv4",
    "DeliveryAction",
    "FileType",
    "Url",
    "UrlDomain",
    "UrlLocation",
    "ActionTrigger",
    "ActionResult",
    "Workload",
    "UrlChain",
    "Application",
    "ActivityType",
    "RawEventData",
    "IsAdminOperation",
    "QueryType",
    "QueryTarget",
    "TargetAccountUpn",
    "DestinationDeviceName",
    "AlertId",
    "EntityType",
    "Title",
    "OnboardingStatus",
    "OSPlatform",
    "NetworkAdapterName",
    "Signer",
    "IsSigned",
};

static_assert(kNumColumns <= 128);

const NameTable& column_table() {
  static const NameTable table = [] {
    NameTable t;
    for (size_t i = 0; i < kColumns.size(); ++i)
      t.add(std::string(kColumns[i]), static_cast<int>(i));
    return t;
  }();
  return table;
}

std::bitset<128> bits(std::initializer_list<Column> columns) {
  std::bitset<128> set;
  for (const Column c : columns)
    set.set(c);
  return set;
}

/// ActionTypes that only one table has: the surest sign, whatever columns a query left.
struct Action {
  std::string_view action_type;
  std::string_view table;
};

constexpr Action kActions[] = {
    {"ConnectionSuccess", "defender.DeviceNetworkEvents"},
    {"ConnectionFailed", "defender.DeviceNetworkEvents"},
    {"ConnectionAttempt", "defender.DeviceNetworkEvents"},
    {"ConnectionRequest", "defender.DeviceNetworkEvents"},
    {"ConnectionFound", "defender.DeviceNetworkEvents"},
    {"ConnectionAcknowledged", "defender.DeviceNetworkEvents"},
    {"InboundConnectionAccepted", "defender.DeviceNetworkEvents"},
    {"InboundConnectionAttempt", "defender.DeviceNetworkEvents"},
    {"ListeningConnectionCreated", "defender.DeviceNetworkEvents"},
    {"NetworkSignatureInspected", "defender.DeviceNetworkEvents"},
    {"DnsConnectionInspected", "defender.DeviceNetworkEvents"},
    {"HttpConnectionInspected", "defender.DeviceNetworkEvents"},
    {"SslConnectionInspected", "defender.DeviceNetworkEvents"},
    {"SmtpConnectionInspected", "defender.DeviceNetworkEvents"},
    {"ProcessCreated", "defender.DeviceProcessEvents"},
    {"OpenProcess", "defender.DeviceProcessEvents"},
    {"ProcessCreatedUsingWmiQuery", "defender.DeviceEvents"},
    {"FileCreated", "defender.DeviceFileEvents"},
    {"FileModified", "defender.DeviceFileEvents"},
    {"FileRenamed", "defender.DeviceFileEvents"},
    {"FileDeleted", "defender.DeviceFileEvents"},
    {"RegistryValueSet", "defender.DeviceRegistryEvents"},
    {"RegistryValueDeleted", "defender.DeviceRegistryEvents"},
    {"RegistryKeyCreated", "defender.DeviceRegistryEvents"},
    {"RegistryKeyDeleted", "defender.DeviceRegistryEvents"},
    {"RegistryKeyRenamed", "defender.DeviceRegistryEvents"},
    {"ImageLoaded", "defender.DeviceImageLoadEvents"},
    {"LogonSuccess", "defender.DeviceLogonEvents"},
    {"LogonFailed", "defender.DeviceLogonEvents"},
    {"LogonAttempted", "defender.DeviceLogonEvents"},
};

}  // namespace

std::string_view defender_native_table(std::string_view name) {
  for (const std::string_view table : kTables)
    if (table.substr(kPrefix.size()) == name) return table;
  return {};
}

bool is_defender_table(std::string_view name) {
  return !defender_native_table(name).empty();
}

void DefenderColumns::add(std::string_view column, uint32_t hash) {
  const int i = column_table().find(column, hash);
  if (i >= 0) seen_.set(static_cast<size_t>(i));
}

std::string_view DefenderColumns::table(std::string_view action_type) const {
  const auto all = [this](std::initializer_list<Column> c) { return (seen_ & bits(c)) == bits(c); };
  const auto any = [this](std::initializer_list<Column> c) { return (seen_ & bits(c)).any(); };
  if (!any({kTimestamp, kTimeGenerated})) return {};

  if (all({kAlertId}))
    return any({kEntityType}) ? std::string_view("defender.AlertEvidence")
                              : std::string_view(any({kTitle}) ? "defender.AlertInfo" : "");
  if (all({kNetworkMessageId})) {
    if (any({kUrlChain}) || all({kUrl, kActionType, kWorkload})) return "defender.UrlClickEvents";
    if (any({kUrlDomain, kUrlLocation}) || all({kUrl})) return "defender.EmailUrlInfo";
    if (any({kActionTrigger, kActionResult})) return "defender.EmailPostDeliveryEvents";
    if (any({kFileType, kFileName, kSHA256})) return "defender.EmailAttachmentInfo";
    if (any({kSenderFromAddress, kRecipientEmailAddress, kEmailDirection, kSubject, kSenderIPv4,
             kDeliveryAction}))
      return "defender.EmailEvents";
    return {};
  }

  // Activities in cloud applications and of identities name an application, and no process.
  if (all({kApplication}) && !any({kInitiatingProcessFileName, kInitiatingProcessId})) {
    if (any({kRawEventData, kIsAdminOperation, kActivityType})) return "defender.CloudAppEvents";
    if (any({kQueryType, kQueryTarget})) return "defender.IdentityQueryEvents";
    if (any({kLogonType})) return "defender.IdentityLogonEvents";
    return any({kTargetAccountUpn, kDestinationDeviceName})
               ? std::string_view("defender.IdentityDirectoryEvents")
               : std::string_view();
  }

  if (!any({kDeviceId, kDeviceName})) return {};
  if (!all({kActionType})) {
    // Tables about the devices themselves.
    if (any({kOnboardingStatus}) || all({kOSPlatform, kDeviceId})) return "defender.DeviceInfo";
    if (any({kNetworkAdapterName})) return "defender.DeviceNetworkInfo";
    if (any({kSigner, kIsSigned})) return "defender.DeviceFileCertificateInfo";
    // A hunt that projected ActionType away leaves at least the process that it is about.
    if (!any({kInitiatingProcessFileName, kInitiatingProcessCommandLine, kInitiatingProcessId,
              kProcessCommandLine}))
      return {};
  }
  for (const Action& a : kActions)
    if (a.action_type == action_type) return a.table;
  // DeviceEvents alone has columns of nearly all other tables; the others do not mix.
  const int groups = int{any({kRegistryKey})} + int{any({kRemoteUrl, kLocalIP, kLocalPort})} +
                     int{any({kProcessCommandLine})};
  if (groups > 1) return "defender.DeviceEvents";
  if (any({kLogonType, kIsLocalAdmin, kFailureReason})) return "defender.DeviceLogonEvents";
  if (any({kRegistryKey, kRegistryValueType, kPreviousRegistryKey}))
    return "defender.DeviceRegistryEvents";
  if (any({kProcessIntegrityLevel, kProcessVersionInfoCompanyName, kProcessCreationTime,
           kProcessCommandLine}))
    return "defender.DeviceProcessEvents";
  if (any({kPreviousFileName, kPreviousFolderPath, kFileOriginUrl, kFileOriginReferrerUrl,
           kRequestProtocol, kShareName, kSensitivityLabel}))
    return "defender.DeviceFileEvents";
  if (any({kLocalIP, kLocalPort, kLocalIPType, kRemoteIPType, kRemoteUrl}) ||
      (all({kRemoteIP, kRemotePort}) && !any({kFileName, kRemoteDeviceName})))
    return "defender.DeviceNetworkEvents";
  if (all({kFileName, kFolderPath, kInitiatingProcessFileName}))
    return "defender.DeviceImageLoadEvents";
  return any({kInitiatingProcessFileName, kInitiatingProcessId, kInitiatingProcessCommandLine})
             ? std::string_view("defender.DeviceEvents")
             : std::string_view();
}

}  // namespace postern::input
