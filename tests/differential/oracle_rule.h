// The second evaluator of Sigma: an interpreter over the rule's YAML, from the
// specification.
//
// Nothing is compiled but regular expressions (PCRE2, directly); conditions and
// values are read once, and every value is tried on every event. It shares the
// YAML reader with the engine and none of: the modifier and condition parsers,
// the plan, the functions, match/.
// Patterns are matched by trying, addresses are parsed by the C library, base64
// and UTF-16 are written out here.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapt/yaml.h"
#include "oracle_event.h"

namespace postern::differential {

class OracleRule {
 public:
  /// `document` must live as long as this.
  OracleRule(const adapt::YamlNode& document,
             std::map<std::string, std::vector<std::string>> placeholders);
  ~OracleRule();
  OracleRule(OracleRule&&) noexcept;

  const std::string& id() const { return id_; }

  const std::map<std::string, std::string>& logsource() const { return logsource_; }

  /// Reads a field by the rule's name for it.
  using Fields = std::function<const Cell&(const std::string&)>;

  /// Whether the detection holds. Sets `unknown` when something is not
  /// understood.
  bool matches(const Fields& fields, const OracleEvent& event, bool& unknown) const;

 private:
  struct Regexes;
  struct Condition;
  class ConditionReader;
  class Run;
  const adapt::YamlNode* detection_ = nullptr;
  std::string id_;
  std::map<std::string, std::string> logsource_;
  std::map<std::string, std::vector<std::string>> placeholders_;
  std::unique_ptr<Regexes> regexes_;
  std::unique_ptr<Condition> condition_;  ///< null: not understood
};

}  // namespace postern::differential
