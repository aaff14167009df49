// `.case` files: a rule, events, and what must come out, in plain text. Format: docs/cases.md.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace postern::tests {

struct RuleBlock {
  std::string language;  ///< "sigma", "kql", "spl", "macros", "pipeline", …
  std::string text;
};

/// A content that passes by while evidence is read (a TCP stream, a mail): for YARA rules.
struct ContentBlock {
  std::string view;  ///< "tcp.client"
  std::string text;  ///< lines joined by CR LF
};

struct EventsBlock {
  std::string format;  ///< "jsonl"
  std::string table;   ///< after `as`
  std::vector<std::string> lines;
};

struct Expectation {
  /// "alerts" | "rows" | "plan" | "error" | "warning" | "never" | "degraded" | "silence"
  std::string kind;
  bool any_order = false;
  std::vector<std::string> columns;
  std::vector<std::string> lines;  ///< without trailing blank lines
  size_t first_line = 0;           ///< of the block's content in the file, 1-based
};

struct CaseFile {
  std::string path;
  std::string name;
  std::vector<RuleBlock> rules;
  /// `rule-file PATH`: a rule of the tree (`./rules/…`), or a published one that lies outside of
  /// it, below $POSTERN_SHARED.
  std::vector<std::string> rule_files;
  std::vector<EventsBlock> events;
  std::vector<ContentBlock> contents;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<Expectation> expectations;
};

/// Error: the line and what is wrong with it.
Result<CaseFile> read_case(const std::string& path, const std::string& text);

}  // namespace postern::tests
