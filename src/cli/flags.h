// The one table of verbs and flags: it parses, and makes --help, the man page and shell
// completions. Contract: docs/cli.md. Tests: tests/unit/cli/flags_test.cc.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::cli {

struct Flag {
  const char* name;        ///< "--rules"
  const char* short_name;  ///< "-j", or ""
  const char* value;       ///< "PATH" in help; "" for a switch
  bool repeats;
  const char* doc;
};

struct Verb {
  const char* name;       ///< "hunt", "rules check"
  const char* arguments;  ///< "EVIDENCE..."
  const char* doc;
  std::span<const Flag> flags;
};

std::span<const Verb> verbs();
/// Flags that every verb takes.
std::span<const Flag> common_flags();

struct Arguments {
  const Verb* verb = nullptr;
  std::vector<std::string> positional;
  std::map<std::string, std::vector<std::string>, std::less<>> values;

  bool has(std::string_view flag) const { return values.find(flag) != values.end(); }

  std::string get(std::string_view flag, std::string_view otherwise = "") const;
  std::vector<std::string> all(std::string_view flag) const;
};

/// Error: what is wrong, with a did-you-mean. `--help` comes back as a flag of its own.
Result<Arguments> parse(const std::vector<std::string>& args);

std::string help();  ///< all verbs
std::string help(const Verb& verb);
std::string man_page();                           ///< roff
std::string completions(std::string_view shell);  ///< "bash", "zsh", "fish"

}  // namespace postern::cli
