#include "cli/flags.h"

#include <algorithm>

#include "base/text.h"

namespace postern::cli {
namespace {

constexpr Flag kCommon[] = {
    {"--help", "-h", "", false, "Show this help."},
    {"--threads", "-j", "N", false, "Threads that decode and match (default: all cores)."},
    {"--memory-limit", "", "SIZE", false,
     "Upper bound for what rules and findings keep, as 500MB or 2GB (default 2GB)."},
    {"--quiet", "-q", "", false, "No summary, no load report: only results and errors."},
    {"--verbose", "-v", "", false, "Also tell each warning of each rule, and every file."},
    {"--no-progress", "", "", false, "No progress line on a terminal."},
};

constexpr Flag kHunt[] = {
    {"--rules", "-r", "PATH", true,
     "Rules as published: Sigma, Splunk, Sentinel, KQL, SPL, YARA, STIX; file or folder."},
    {"--no-builtin", "", "", false,
     "Leave the built-in detections out; strategy bindings and macros stay."},
    {"--set", "", "NAME=VALUE", true,
     "Tune a parameter of a strategy: AN0380.TransferSizeThreshold=5MB."},
    {"--placeholders", "", "FILE", true, "Values of Sigma placeholders: YAML, name to list."},
    {"--pipeline", "", "FILE", true,
     "Fit Sigma rules to other names: a pipeline in pySigma's YAML."},
    {"--interface", "", "NAME", true,
     "Capture on a network interface, until Ctrl-C or --duration, beside the files or without "
     "any."},
    {"--duration", "", "SECONDS", false, "How long to capture on the interface."},
    {"--from", "", "TIME", false, "Only events at or after this time (RFC 3339)."},
    {"--to", "", "TIME", false, "Only events before this time."},
    {"--now", "", "TIME", false, "Run scheduled queries once, with this now()."},
    {"--carve", "", "", false,
     "Also look for event records in damaged and unallocated space, and in files of no known "
     "format."},
    {"--strict", "", "", false, "Refuse rules that would run degraded."},
    {"--profile", "", "", false,
     "Tell the dearest rules, columns and predicates, in time and in rows."},
    {"--min-level", "", "LEVEL", false,
     "Show findings of this level and above: informational, low, medium, high, critical."},
    {"--fail-on", "", "LEVEL", false,
     "Exit with 1 when there is a finding of this level or above."},
    {"--format", "", "FORMAT", false,
     "table, jsonl or csv (default: table on a terminal, else jsonl)."},
    {"--output", "-o", "FILE", false, "Write results there instead of to standard output."},
};

constexpr Flag kQuery[] = {
    {"--language", "-l", "kql|spl", false, "Language of the query."},
    {"--file", "-f", "FILE", false, "Read the query from a file."},
    {"--carve", "", "", false,
     "Also look for event records in damaged and unallocated space, and in files of no known "
     "format."},
    {"--format", "", "FORMAT", false,
     "table, jsonl or csv (default: table on a terminal, else jsonl)."},
    {"--now", "", "TIME", false, "The query's now() (default: the last event's time)."},
};

constexpr Flag kCheck[] = {
    {"--format", "", "FORMAT", false, "text, json or sarif (default: text)."},
    {"--strict", "", "", false, "Count degraded rules as refused."},
    {"--placeholders", "", "FILE", true, "Values of Sigma placeholders: YAML, name to list."},
    {"--pipeline", "", "FILE", true,
     "Fit Sigma rules to other names: a pipeline in pySigma's YAML."},
    {"--set", "", "NAME=VALUE", true, "Tune a parameter of a strategy."},
};

constexpr Flag kList[] = {
    {"--evidence", "", "PATH", true, "Tell for each rule whether this evidence can make it fire."},
    {"--no-builtin", "", "", false, "Leave the built-in detections out."},
    {"--format", "", "FORMAT", false, "table or jsonl (default: table on a terminal, else jsonl)."},
};

constexpr Flag kExplain[] = {
    {"--event", "", "FILE", false,
     "Tell for each event of this file which parts of the rule held, and on which values."},
    {"--placeholders", "", "FILE", true, "Values of Sigma placeholders: YAML, name to list."},
    {"--pipeline", "", "FILE", true,
     "Fit Sigma rules to other names: a pipeline in pySigma's YAML."},
    {"--set", "", "NAME=VALUE", true, "Tune a parameter of a strategy."},
    {"--strict", "", "", false, "Refuse what would run degraded."},
};

constexpr Flag kTest[] = {
    {"--rules", "-r", "PATH", true, "Rules to test (default: those that the tests name)."},
    {"--twin", "", "json", false, "Read x.json beside each x.evtx instead of it."},
    {"--format", "", "FORMAT", false, "text or junit (default: text)."},
    {"--placeholders", "", "FILE", true, "Values of Sigma placeholders: YAML, name to list."},
    {"--pipeline", "", "FILE", true,
     "Fit Sigma rules to other names: a pipeline in pySigma's YAML."},
};

constexpr Flag kProve[] = {
    {"--out", "", "DIR", false, "Write the events there, as logs, with an index."},
    {"--format", "", "FORMAT", false, "text or jsonl (default: text)."},
    {"--placeholders", "", "FILE", true, "Values of Sigma placeholders: YAML, name to list."},
    {"--pipeline", "", "FILE", true,
     "Fit Sigma rules to other names: a pipeline in pySigma's YAML."},
};

constexpr Flag kInspect[] = {
    {"--carve", "", "", false,
     "Also look for event records in damaged and unallocated space, and in files of no known "
     "format."},
    {"--format", "", "FORMAT", false, "table or jsonl (default: table on a terminal, else jsonl)."},
};

constexpr Flag kMail[] = {
    {"--records", "", "KIND", false,
     "sessions, messages, attachments, commands or flows (default: messages)."},
    {"--extract", "", "DIR", false,
     "Write mails and attachments into this folder, under harmless names."},
    {"--format", "", "FORMAT", false,
     "table, jsonl or csv (default: table on a terminal, else jsonl)."},
};

constexpr Verb kVerbs[] = {
    {"hunt", "EVIDENCE...", "Run rules over evidence and print what they find.", kHunt},
    {"query", "[TEXT] EVIDENCE...", "Run one KQL or SPL query over evidence and print its rows.",
     kQuery},
    {"rules check", "PATH...",
     "Tell what is wrong with rules: errors, published defects, what can never fire.", kCheck},
    {"rules list", "PATH...", "List rules and what they need.", kList},
    {"rules explain", "RULE", "Print a rule after each stage: parsed, bound, optimized.", kExplain},
    {"rules test", "DIR", "Run the tests beside rules: SigmaHQ's info.yml, and *.test.yml.", kTest},
    {"rules prove", "PATH...",
     "Make an event that fires each rule, and near misses that do not; show both on the engine.",
     kProve},
    {"mail", "CAPTURE...",
     "Print the mail that captures and mail files hold, or write it into a folder.", kMail},
    {"inspect", "EVIDENCE...", "Tell what evidence holds: format, tables, events, anomalies.",
     kInspect},
    {"man", "", "Print the manual page (roff).", {}},
    {"completions", "bash|zsh|fish", "Print completions for a shell.", {}},
    {"version", "", "Print the version.", {}},
};

const Flag* find_flag(const Verb& verb, std::string_view name) {
  auto matches = [&](const Flag& f) {
    return name == f.name || (f.short_name[0] != '\0' && name == f.short_name);
  };
  for (const Flag& f : verb.flags)
    if (matches(f)) return &f;
  for (const Flag& f : kCommon)
    if (matches(f)) return &f;
  return nullptr;
}

Error unknown(const std::string& what,
              const std::string& word,
              const std::vector<std::string_view>& names) {
  const std::string near = nearest_name(word, names);
  return Error{Code::kInvalid, "unknown " + what + ": " + word +
                                   (near.empty() ? "" : "; did you mean `" + near + "`?")};
}

std::string flag_line(const Flag& f) {
  std::string left = "  ";
  left += f.short_name[0] != '\0' ? std::string(f.short_name) + ", " : "    ";
  left += f.name;
  if (f.value[0] != '\0') left += std::string(" ") + f.value;
  if (left.size() < 30)
    left.resize(30, ' ');
  else
    left += "  ";
  return left + f.doc + (f.repeats ? " May be repeated." : "") + "\n";
}

}  // namespace

std::span<const Verb> verbs() {
  return kVerbs;
}

std::span<const Flag> common_flags() {
  return kCommon;
}

std::string Arguments::get(std::string_view flag, std::string_view otherwise) const {
  const auto it = values.find(flag);
  return it == values.end() || it->second.empty() ? std::string(otherwise) : it->second.back();
}

std::vector<std::string> Arguments::all(std::string_view flag) const {
  const auto it = values.find(flag);
  return it == values.end() ? std::vector<std::string>() : it->second;
}

Result<Arguments> parse(const std::vector<std::string>& args) {
  Arguments out;
  size_t at = 0;
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    out.values["--help"] = {};
    return out;
  }
  if (args[0] == "--version") {
    for (const Verb& v : kVerbs)
      if (v.name == std::string_view("version")) out.verb = &v;
    return out;
  }
  const bool rules_help =
      args[0] == "rules" && (args.size() < 2 || args[1] == "--help" || args[1] == "-h");
  if (rules_help) {
    out.values["--help"] = {};
    return out;
  }
  std::string name = args[at++];
  if (name == "rules" && at < args.size()) name += " " + args[at++];
  for (const Verb& v : kVerbs)
    if (name == v.name) out.verb = &v;
  if (!out.verb) {
    std::vector<std::string_view> names;
    for (const Verb& v : kVerbs)
      names.emplace_back(v.name);
    return unknown("command", name, names);
  }
  bool only_positional = false;
  for (; at < args.size(); ++at) {
    std::string word = args[at];
    if (only_positional || word == "-" || word.empty() || word[0] != '-') {
      out.positional.push_back(word);
      continue;
    }
    if (word == "--") {
      only_positional = true;
      continue;
    }
    std::optional<std::string> value;
    if (word.rfind("--", 0) == 0) {
      if (const size_t eq = word.find('='); eq != std::string::npos) {
        value = word.substr(eq + 1);
        word.resize(eq);
      }
    } else if (word.size() > 2) {
      value = word.substr(2);  // -j4
      word.resize(2);
    }
    const Flag* flag = find_flag(*out.verb, word);
    if (!flag) {
      std::vector<std::string_view> names;
      for (const Flag& f : out.verb->flags)
        names.emplace_back(f.name);
      for (const Flag& f : kCommon)
        names.emplace_back(f.name);
      return unknown("option of `" + std::string(out.verb->name) + "`", word, names);
    }
    std::vector<std::string>& values = out.values[flag->name];
    if (flag->value[0] == '\0') {
      if (value) return Error{Code::kInvalid, "option " + word + " takes no value"};
      continue;
    }
    if (!value) {
      if (at + 1 >= args.size())
        return Error{Code::kInvalid, "option " + word + " needs a value: " + flag->value};
      value = args[++at];
    }
    if (!flag->repeats && !values.empty())
      return Error{Code::kInvalid, "option " + word + " is given twice"};
    values.push_back(*value);
  }
  return out;
}

std::string help(const Verb& verb) {
  std::string out = std::string(verb.doc) + "\n\nUsage: postern " + verb.name;
  if (!verb.flags.empty()) out += " [OPTIONS]";
  if (verb.arguments[0] != '\0') out += std::string(" ") + verb.arguments;
  out += "\n";
  if (!verb.flags.empty()) {
    out += "\nOptions:\n";
    for (const Flag& f : verb.flags)
      out += flag_line(f);
  }
  out += "\nEverywhere:\n";
  for (const Flag& f : kCommon)
    out += flag_line(f);
  return out;
}

std::string help() {
  std::string out =
      "postern runs detection rules as they are published (Sigma, Splunk SPL, Kusto KQL, YARA, "
      "ATT&CK\n"
      "detection strategies) directly on evidence: event logs, Zeek logs, packet captures.\n\n"
      "Usage: postern COMMAND [OPTIONS] ...\n\nCommands:\n";
  for (const Verb& v : kVerbs) {
    std::string left =
        std::string("  ") + v.name + (v.arguments[0] != '\0' ? std::string(" ") + v.arguments : "");
    if (left.size() < 30)
      left.resize(30, ' ');
    else
      left += "  ";
    out += left + v.doc + "\n";
  }
  out += "\nStart with:   postern hunt EVIDENCE_FOLDER --rules RULES_FOLDER\n";
  out += "More:         postern COMMAND --help\n";
  return out;
}

std::string man_page() {
  std::string out =
      ".TH POSTERN 1\n.SH NAME\npostern \\- run published detection rules on evidence\n.SH "
      "SYNOPSIS\n";
  auto escaped = [](std::string_view s) {
    std::string e;
    for (const char c : s)
      e += c == '-' ? "\\-" : std::string(1, c);
    return e;
  };
  for (const Verb& v : kVerbs)
    out += ".B postern " + escaped(v.name) + "\n" + escaped(v.arguments) + "\n.br\n";
  out += ".SH COMMANDS\n";
  auto flags = [&](std::span<const Flag> list) {
    for (const Flag& f : list) {
      out += ".TP\n.B " + escaped(f.name) + (f.value[0] != '\0' ? " " + std::string(f.value) : "") +
             "\n" + escaped(f.doc) + "\n";
    }
  };
  for (const Verb& v : kVerbs) {
    out += ".SS " + escaped(v.name) + "\n" + escaped(v.doc) + "\n";
    flags(v.flags);
  }
  out += ".SH OPTIONS OF EVERY COMMAND\n";
  flags(kCommon);
  return out;
}

std::string completions(std::string_view shell) {
  std::string words;
  for (const Verb& v : kVerbs) {
    const std::string_view name = v.name;
    const std::string first(name.substr(0, name.find(' ')));
    if (words.find(first) == std::string::npos) words += first + " ";
  }
  std::string flags;
  for (const Verb& v : kVerbs)
    for (const Flag& f : v.flags)
      if ((" " + flags).find(std::string(" ") + f.name + " ") == std::string::npos)
        flags += std::string(f.name) + " ";
  for (const Flag& f : kCommon)
    flags += std::string(f.name) + " ";
  if (shell == "fish") {
    std::string out;
    for (const std::string_view w : split(words, ' '))
      if (!w.empty())
        out += "complete -c postern -n __fish_use_subcommand -a " + std::string(w) + "\n";
    for (const std::string_view f : split(flags, ' '))
      if (f.size() > 2) out += "complete -c postern -l " + std::string(f.substr(2)) + "\n";
    return out;
  }
  const std::string body =
      "_postern() {\n  local word=${COMP_WORDS[COMP_CWORD]}\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"" +
      words +
      "\" -- \"$word\"))\n"
      "  elif [ \"${COMP_WORDS[1]}\" = rules ] && [ \"$COMP_CWORD\" -eq 2 ]; then "
      "COMPREPLY=($(compgen -W \"check list explain test prove\" -- \"$word\"))\n"
      "  elif [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"" +
      flags +
      "\" -- \"$word\"))\n"
      "  else COMPREPLY=($(compgen -f -- \"$word\")); fi\n}\n"
      "complete -o filenames -F _postern postern\n";
  return shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" + body : body;
}

}  // namespace postern::cli
