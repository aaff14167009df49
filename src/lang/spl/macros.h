// Search macros: named pieces of search text with arguments, and where their definitions come from.
//
// Two written forms are read: one YAML file per macro as in Splunk's security_content repository
// (`name`, `definition`, `arguments`), and the stanzas of a Splunk app's macros.conf
// (`[name(2)]`, `args`, `definition`, `iseval`). Expansion itself is in expand.h.
// Tests: tests/unit/lang/spl/macros_test.cc.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "lang/spl/pack_files.h"

namespace postern::lang::spl {

struct Macro {
  std::string name;
  std::vector<std::string> arguments;
  std::string definition;
  bool is_eval =
      false;  ///< the definition is an eval expression whose text is the macro: not supported
  std::string path;  ///< file it was read from
};

/// Macros by name and number of arguments: `m(1)` and `m(2)` are two macros.
class MacroTable {
 public:
  /// A later definition of the same name and arity replaces the earlier one.
  void add(Macro macro);
  /// Reads a macro file of either form. False when the file holds no macro (it is then some other
  /// file and nothing is reported); errors in a macro go to `diag`.
  bool add(const Source& file, Diagnostics& diag);

  const Macro* find(std::string_view name, size_t num_arguments) const;
  /// Numbers of arguments for which `name` is defined.
  std::vector<size_t> arities(std::string_view name) const;
  std::vector<std::string_view> names() const;

  size_t size() const { return macros_.size(); }

 private:
  std::map<std::pair<std::string, size_t>, Macro, std::less<>> macros_;
};

/// All macros a rule may use: those the user gave, those found beside the rule, and built-in ones,
/// in this order. Thread-safe once `user` and `builtin` are filled.
class MacroLibrary {
 public:
  MacroTable user;
  MacroTable builtin;

  /// Adds every macro file of a folder (or one file) to `table`; returns how many macros were read.
  /// Unreadable files and broken definitions are told to `diag` with their path in the message.
  static size_t add_path(const std::string& path, MacroTable& table, Diagnostics& diag);

  /// Macros of the rule pack that `rule_path` lies in: of each folder on the way up (at most five),
  /// the files of `macros/` and `macros.conf`, `default/macros.conf`, `local/macros.conf`. Nearer
  /// ones win.
  const MacroTable& beside(std::string_view rule_path) const;

 private:
  PackFiles<MacroTable> beside_;
};

}  // namespace postern::lang::spl
