#include "random_rules.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "base/text.h"

namespace postern::differential {
namespace {

/// A field as a language calls it, and as the log does.
struct RuleField {
  std::string name;
  std::string in_log;
};

using Fields = std::vector<RuleField>;

/// A text between double quotes with the escapes that YAML and KQL share.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\u%04x", static_cast<uint8_t>(c));
      out += hex;
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string escaped_regex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$/").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

/// A regular expression that some value may match.
std::string regex(Random& random, const TextPool& pool) {
  const std::string a = escaped_regex(pool.literal(random, 2));
  const std::string b = escaped_regex(pool.literal(random, 1));
  switch (random.below(7)) {
    case 0:
      return a;
    case 1:
      return "^" + a;
    case 2:
      return a + "$";
    case 3:
      return "(" + a + "|" + b + ")";
    case 4:
      return a + ".*" + b;
    case 5:
      return a + "[a-z0-9]?\\w*";
    default:
      return "(?i)" + a + ".?";
  }
}

std::string with_stars(Random& random, std::string text, const char* one_character) {
  if (random.one_in(4)) text.insert(0, "*");
  if (random.one_in(4)) text += "*";
  const std::vector<std::string> all = characters(text);
  if (*one_character && !all.empty() && random.one_in(10)) {
    std::string out;
    const size_t at = random.below(all.size());
    for (size_t i = 0; i < all.size(); ++i)
      out += i == at ? (random.one_in(2) ? "*" : one_character) : all[i];
    return out;
  }
  return text;
}

// ---- Sigma

class SigmaRule {
 public:
  SigmaRule(Random& random,
            const LogMaker& log,
            const Fields& fields,
            const std::string& source,
            uint64_t keywords_in)
      : random_(random), log_(log), fields_(fields), source_(source), keywords_in_(keywords_in) {}

  std::string text(size_t number) {
    const size_t num_selections = 1 + random_.below(4);
    std::string detection;
    std::vector<std::string> names;
    for (size_t i = 0; i < num_selections; ++i) {
      names.push_back((i > 0 && random_.one_in(3) ? "filter_" : "sel_") + std::to_string(i));
      has_filter_ = has_filter_ || names.back()[0] == 'f';
      detection += "  " + names.back() + ":" + selection();
    }
    if (random_.one_in(keywords_in_)) {
      names.emplace_back("keywords");
      detection += "  keywords:\n";
      for (uint64_t n = 1 + random_.below(3); n > 0; --n)
        detection += "  - " + quoted(keyword()) + "\n";
    }
    return "title: Random " + std::to_string(number) + "\nlogsource:\n" + source_ + "detection:\n" +
           detection + "  condition: " + condition(names, 2) + "\nlevel: low\n";
  }

 private:
  /// Mostly long enough that decoders look for it themselves.
  std::string keyword() {
    static const std::vector<std::string> kCalls = {"connect", "execve", "openat", "x86_64"};
    if (log_.format() == LogFormat::kAuditd && random_.one_in(3)) return random_.pick(kCalls);
    std::string text;
    for (int tries = 0; tries < 8 && text.size() < 4; ++tries)
      text = any_pool().literal(random_, 5);
    return text.size() < 4 && !random_.one_in(30) ? text + "long enough" : text;
  }

  const TextPool& any_pool() { return log_.pool(random_.pick(fields_).in_log); }

  std::string selection() {
    std::string out = "\n";
    if (random_.one_in(8)) {  // any of several maps
      for (uint64_t n = 1 + random_.below(2); n > 0; --n)
        out += "  - " + field("");
      return out;
    }
    // A key stands once in a map.
    std::vector<std::string> keys;
    for (uint64_t n = 1 + random_.below(3); n > 0; --n) {
      const std::string one = field("    ");
      const std::string key = one.substr(0, one.find(':'));
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      keys.push_back(key);
      out += one;
    }
    return out;
  }

  std::string list(const std::string& indent,
                   uint64_t most,
                   const std::function<std::string()>& one) {
    const uint64_t n = 1 + random_.below(most);
    if (n == 1) return " " + one() + "\n";
    std::string out = "\n";
    for (uint64_t i = 0; i < n; ++i)
      out += indent + "  - " + one() + "\n";
    return out;
  }

  std::string field(const std::string& indent) {
    const RuleField& f = random_.pick(fields_);
    const TextPool& pool = log_.pool(f.in_log);
    const std::string inner = indent.empty() ? "    " : indent;
    const auto line = [&](const std::string& modifiers, const std::string& values) {
      return indent + f.name + modifiers + ":" + values;
    };
    const auto texts = [&](size_t least) {
      return list(inner, random_.one_in(6) ? 12 : 3,
                  [&] { return quoted(with_stars(random_, pool.literal(random_, least), "?")); });
    };
    switch (random_.below(pool.kind() == TextKind::kNumber ? 26 : 20)) {
      case 0:
      case 1:
      case 2:
        return line("|contains", texts(1));
      case 3:
        return line("|contains|all", texts(1));
      case 4:
        return line("|startswith", texts(1));
      case 5:
      case 6:
        return line("|endswith", texts(1));
      case 7:
      case 8:
        return line("", list(inner, 3, [&] {
                      return quoted(with_stars(random_, pool.whole(random_), "?"));
                    }));
      case 9:
        return line(random_.one_in(2) ? "|re" : "|re|i|m",
                    list(inner, 2, [&] { return quoted(regex(random_, pool)); }));
      case 10:
        return line("|re|i|s", " " + quoted(regex(random_, pool)) + "\n");
      case 11:
        return line("|windash|contains", texts(2));
      case 12:
        return line(random_.one_in(2) ? "|base64offset|contains" : "|wide|base64offset|contains",
                    " " + quoted(pool.literal(random_, 3)) + "\n");
      case 13:
        return line("|exists", random_.one_in(2) ? " true\n" : " false\n");
      case 14:
        return line(random_.one_in(2) ? "|fieldref" : "|fieldref|endswith",
                    " " + random_.pick(fields_).name + "\n");
      case 15:
        return line("", " null\n");
      case 16:
        return line("|cased|contains", texts(1));
      case 17:
        return line("|cased", list(inner, 3, [&] { return quoted(pool.whole(random_)); }));
      case 18:
        return line("|cidr", list(inner, 2, [&] {
                      const std::string ten = "10." + std::to_string(random_.below(3));
                      return quoted(random_.one_in(3) ? ten + ".0.0/16" : ten + ".1.0/24");
                    }));
      case 19:
        if (random_.one_in(3)) return line("", " \"\"\n");
        return line("", list(inner, 3, [&] {
                      static const std::vector<std::string> kSome = {
                          "7", "10", "7.0", "-0", "9007199254740993", "true", "0.5"};
                      return random_.pick(kSome);
                    }));
      case 20:
      case 21:
        return line("", list(inner, 4, [&] { return std::to_string(random_.below(100)); }));
      case 22:
        return line("", " " + pool.literal(random_) + "\n");
      default: {
        static const std::vector<std::string> kOrders = {"|lt", "|lte", "|gt", "|gte"};
        return line(random_.pick(kOrders), " " + std::to_string(random_.below(9000)) + "\n");
      }
    }
  }

  std::string condition(const std::vector<std::string>& names, int depth) {
    if (depth > 0 && random_.one_in(3))
      return "(" + condition(names, depth - 1) + (random_.one_in(2) ? " and " : " or ") +
             condition(names, depth - 1) + ")";
    if (random_.one_in(5)) return "not " + condition(names, 0);
    if (random_.one_in(10)) return "1 of sel*";
    if (random_.one_in(12)) return "all of them";
    if (random_.one_in(6) && has_filter_) return names[0] + " and not 1 of filter_*";
    return random_.pick(names);
  }

  Random& random_;
  const LogMaker& log_;
  const Fields& fields_;
  const std::string& source_;
  uint64_t keywords_in_;  // one of so many rules has keywords
  bool has_filter_ = false;
};

// ---- KQL

std::string kql_test(Random& random, const LogMaker& log, const Fields& fields, int depth) {
  if (depth > 0 && random.one_in(2)) {
    std::string out = "(" + kql_test(random, log, fields, depth - 1);
    out += random.one_in(2) ? " and " : " or ";
    return out + kql_test(random, log, fields, depth - 1) + ")";
  }
  if (random.one_in(7)) return "not(" + kql_test(random, log, fields, 0) + ")";
  const RuleField& f = random.pick(fields);
  const TextPool& pool = log.pool(f.in_log);
  const auto one = [&](size_t least = 1) { return quoted(pool.literal(random, least)); };
  const auto some = [&](bool whole) {
    std::string out = "(";
    for (uint64_t n = 1 + random.below(4); n > 0; --n)
      out += (out.size() > 1 ? ", " : "") + (whole ? quoted(pool.whole(random)) : one());
    return out + ")";
  };
  static const std::vector<std::string> kParts = {
      "has",         "has_cs",       "contains",   "contains_cs", "startswith", "startswith_cs",
      "endswith",    "endswith_cs",  "hasprefix",  "hassuffix",   "!has",       "!contains",
      "!startswith", "!endswith_cs", "!hasprefix", "hasprefix_cs"};
  if (pool.kind() == TextKind::kNumber && random.one_in(2)) {
    static const std::vector<std::string> kOrders = {"<", ">", "<=", "==", "!=", ">="};
    return "tolong(" + f.name + ") " + random.pick(kOrders) + " " +
           std::to_string(random.below(500));
  }
  const std::string subject =
      random.one_in(12) ? "tolower(" + f.name + ")" : "tostring(" + f.name + ")";
  const std::string name = random.one_in(4) ? subject : f.name;
  switch (random.below(16)) {
    case 0:
      return name + " in~ " + some(true);
    case 1:
      return name + (random.one_in(2) ? " in " : " !in ") + some(true);
    case 2:
      return name + " == " + quoted(pool.whole(random));
    case 3:
      return name + " =~ " + quoted(pool.whole(random));
    case 4:
      return name + (random.one_in(2) ? " != " : " !~ ") + quoted(pool.whole(random));
    case 5:
      return name + " has_any " + some(false);
    case 6:
      return name + " has_all " + some(false);
    case 7:
      return name + " matches regex " + quoted(regex(random, pool));
    case 8:
      return (random.one_in(2) ? "isempty(" : "isnotempty(") + name + ")";
    case 9:
      return (random.one_in(2) ? "isnull(" : "isnotnull(") + name + ")";
    case 10:
      return name + " == " + random.pick(fields).name;
    default:
      return name + " " + random.pick(kParts) + " " + one(random.below(4));
  }
}

// ---- SPL

std::string spl_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(static_cast<uint8_t>(c) < 0x20 || c == '`' ? ' ' : c);
  }
  return out + "\"";
}

std::string spl_term(Random& random, const LogMaker& log, const Fields& fields, int depth) {
  if (depth > 0 && random.one_in(3))
    return "(" + spl_term(random, log, fields, depth - 1) + (random.one_in(2) ? " OR " : " ") +
           spl_term(random, log, fields, depth - 1) + ")";
  if (random.one_in(6)) return "NOT " + spl_term(random, log, fields, 0);
  const RuleField& f = random.pick(fields);
  const TextPool& pool = log.pool(f.in_log);
  const auto value = [&] {
    return spl_quoted(
        with_stars(random, random.one_in(2) ? pool.whole(random) : pool.literal(random, 1), ""));
  };
  switch (random.below(9)) {
    case 8:
      return spl_quoted(pool.literal(random, 5));
    case 0: {
      std::string out = f.name + " IN (" + value();
      for (uint64_t n = random.below(4); n > 0; --n)
        out += ", " + value();
      return out + ")";
    }
    case 1:
      return f.name + "!=" + value();
    case 2:
      return f.name + "=*";
    case 3:
      if (pool.kind() == TextKind::kNumber) return f.name + ">" + std::to_string(random.below(500));
      [[fallthrough]];
    case 4:
      return f.name + "=\"*" + spl_quoted(pool.literal(random, 2)).substr(1, std::string::npos);
    default:
      return f.name + "=" + value();
  }
}

std::string spl_where(Random& random, const LogMaker& log, const Fields& fields) {
  const RuleField& f = random.pick(fields);
  const TextPool& pool = log.pool(f.in_log);
  const std::string not_ = random.one_in(4) ? "NOT " : "";
  // A name with dots is read as one only between single quotes.
  const std::string name = "'" + f.name + "'";
  switch (random.below(6)) {
    case 0:
      return not_ + "like(" + name + ", " + spl_quoted("%" + pool.literal(random, 2) + "%") + ")";
    case 1:
      return not_ + "match(" + name + ", " + spl_quoted(regex(random, pool)) + ")";
    case 2:
      return not_ + "cidrmatch(\"10." + std::to_string(random.below(3)) + ".0.0/16\", " + name +
             ")";
    case 3:
      return name + (random.one_in(2) ? "=" : "!=") + spl_quoted(pool.whole(random));
    case 4:
      return not_ + "isnull(" + name + ")";
    default:
      return not_ + name + " IN (" + spl_quoted(pool.whole(random)) + ", " +
             spl_quoted(pool.whole(random)) + ")";
  }
}

/// What rules of the languages can be about.
struct Targets {
  std::vector<std::pair<std::string, Fields>> sigma;  ///< log source, fields
  std::vector<std::pair<std::string, Fields>> kql;    ///< table, fields
  std::pair<std::string, Fields> spl;                 ///< base search, fields
};

Fields same(const std::vector<std::string>& names) {
  Fields fields;
  for (const std::string& n : names)
    fields.push_back({n, n});
  return fields;
}

Targets windows_targets() {
  const std::string windows = "  product: windows\n";
  const Fields process = same({"ProcessGuid", "Image", "CommandLine", "ParentImage",
                               "ParentCommandLine", "User", "Hashes", "ProcessId"});
  Targets t;
  for (int i = 0; i < 3; ++i)
    t.sigma.emplace_back(windows + "  category: process_creation\n", process);
  t.sigma.emplace_back(windows + "  category: network_connection\n",
                       same({"Image", "User", "DestinationIp", "DestinationPort"}));
  t.sigma.emplace_back(windows + "  category: registry_set\n",
                       same({"Image", "TargetObject", "Details"}));
  t.sigma.emplace_back(windows + "  category: file_event\n", same({"Image", "TargetFilename"}));
  t.sigma.emplace_back(
      windows + "  service: sysmon\n",
      same({"Image", "CommandLine", "EventID", "Extra", "ImageInner", "Description"}));
  t.sigma.emplace_back(windows + "  service: security\n",
                       same({"NewProcessName", "CommandLine", "SubjectUserName", "EventID",
                             "ProcessId", "Application", "Level"}));
  t.sigma.emplace_back(windows + "  category: ps_script\n", same({"ScriptBlockText", "Path"}));
  t.sigma.emplace_back(windows + "  service: system\n",
                       same({"ServiceName", "ImagePath", "Provider_Name", "ThreatName", "Task"}));
  const Fields device = {{"ProcessCommandLine", "CommandLine"},
                         {"FolderPath", "Image"},
                         {"FileName", "Image"},
                         {"InitiatingProcessFolderPath", "ParentImage"},
                         {"InitiatingProcessCommandLine", "ParentCommandLine"},
                         {"AccountName", "User"},
                         {"ProcessId", "ProcessId"}};
  t.kql.emplace_back("DeviceProcessEvents", device);
  t.kql.emplace_back("DeviceNetworkEvents", Fields{{"RemoteIP", "DestinationIp"},
                                                   {"RemotePort", "DestinationPort"},
                                                   {"InitiatingProcessFolderPath", "Image"}});
  t.kql.emplace_back("SecurityEvent", Fields{{"NewProcessName", "NewProcessName"},
                                             {"Process", "NewProcessName"},
                                             {"CommandLine", "CommandLine"},
                                             {"SubjectUserName", "SubjectUserName"},
                                             {"EventID", "ProcessId"}});
  t.kql.emplace_back("DeviceRegistryEvents",
                     Fields{{"RegistryKey", "TargetObject"}, {"RegistryValueData", "Details"}});
  t.spl = {"index=*", same({"Image", "CommandLine", "ParentImage", "User", "TargetObject",
                            "DestinationIp", "ProcessId", "EventCode"})};
  return t;
}

Targets targets_of(LogFormat format) {
  if (is_windows(format)) return windows_targets();
  Targets t;
  if (format == LogFormat::kAuditd) {
    t.sigma.emplace_back("  product: linux\n  service: auditd\n",
                         same({"type", "exe", "comm", "key", "uid", "a0", "a1", "a2", "name",
                               "proctitle", "cmd", "unit", "success"}));
    // Rules for one kind of record, as nearly all are, come from values of the field `type`.
    t.sigma.emplace_back("  product: linux\n  category: process_creation\n",
                         same({"Image", "CommandLine", "User"}));
    t.spl = {"index=*", same({"exe", "comm", "key", "a0", "a1", "name", "cmd", "type"})};
    t.kql.emplace_back("DeviceProcessEvents",
                       Fields{{"ProcessCommandLine", "a0"}, {"FolderPath", "exe"}});
  } else if (format == LogFormat::kZeekJson) {
    const Fields http =
        same({"id.orig_h", "id.resp_h", "method", "host", "uri", "user_agent", "status_code"});
    t.sigma.emplace_back("  product: zeek\n  service: http\n", http);
    t.spl = {"index=* sourcetype=*http*", http};
    t.kql.emplace_back("DeviceNetworkEvents",
                       Fields{{"RemoteIP", "id.resp_h"}, {"RemoteUrl", "host"}});
  } else {
    const Fields conn = same({"id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto",
                              "service", "conn_state", "history", "orig_bytes"});
    t.sigma.emplace_back("  product: zeek\n  service: conn\n", conn);
    t.spl = {"index=* sourcetype=*conn*", conn};
    t.kql.emplace_back("DeviceNetworkEvents",
                       Fields{{"RemoteIP", "id.resp_h"}, {"RemotePort", "id.resp_p"}});
  }
  return t;
}

/// A selection that requires a kind of audit record.
std::string audit_kind(Random& random) {
  static const std::vector<std::string> kTypes = {"SYSCALL", "SECCOMP",   "EXECVE",   "PATH",
                                                  "CWD",     "PROCTITLE", "USER_CMD", "execve"};
  std::string out = "  kind:\n    type:\n";
  for (uint64_t n = 1 + random.below(2); n > 0; --n)
    out += "      - " + random.pick(kTypes) + "\n";
  return out;
}

}  // namespace

std::vector<RuleText> random_rules(Random& random, const LogMaker& log, size_t num_rules) {
  Targets targets = targets_of(log.format());
  // Rules about the same few fields share more.
  if (random.one_in(3)) {
    targets.sigma.resize(1);
    targets.sigma[0].second.resize(3);
  }
  std::vector<RuleText> rules;
  const uint64_t others = random.one_in(2) ? 3 : 1000;  // without, all rules are about events
  const uint64_t keywords_in = random.one_in(4) ? 1000 : 2 + random.below(20);
  for (size_t i = 0; i < num_rules; ++i) {
    const std::string number = std::to_string(i);
    if (random.one_in(others)) {
      const auto& [table, fields] = random.pick(targets.kql);
      rules.push_back({number + ".kql", table + "\n| where " + kql_test(random, log, fields, 2) +
                                            "\n| project TimeGenerated=Timestamp\n"});
      if (table == "SecurityEvent" || random.one_in(2))
        rules.back().text.erase(rules.back().text.find("\n| project") + 1);
    } else if (random.one_in(others)) {
      const auto& [base, fields] = targets.spl;
      std::string text = base + " " + spl_term(random, log, fields, 2);
      if (random.one_in(3)) text += " | where " + spl_where(random, log, fields);
      rules.push_back({number + ".spl", text + "\n"});
    } else {
      const auto& [source, fields] = random.pick(targets.sigma);
      std::string text = SigmaRule(random, log, fields, source, keywords_in).text(i);
      if (log.format() == LogFormat::kAuditd && !random.one_in(3)) {
        const size_t at = text.find("  condition: ") + 13;
        const size_t end = text.find("\nlevel:");
        text =
            text.substr(0, at) + "kind and (" + text.substr(at, end - at) + ")" + text.substr(end);
        text.insert(text.find("detection:\n") + 11, audit_kind(random));
      }
      rules.push_back({number + ".yml", text});
    }
  }
  return rules;
}

}  // namespace postern::differential
