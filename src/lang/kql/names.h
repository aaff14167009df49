// Automatic names of result columns, as Kusto gives them.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "lang/kql/ast.h"

namespace postern::lang::kql {

/// `d.a` is d_a, `tostring(x)` is x, `sum(x)` is sum_x, `x + 1` has none ("").
std::string automatic_name(const Expr& e);

/// The names of one operator's output; automatic ones make way by a number.
class NameSet {
 public:
  /// Takes `name`; false when it is taken already.
  bool add(const std::string& name) { return taken_.insert(name).second; }

  /// Takes and gives `base`, or `base1`, `base2`, … when that is taken.
  std::string unique(const std::string& base);
  /// The same for what has no name: Column1, Column2, …
  std::string unnamed();

 private:
  std::set<std::string> taken_;
  std::map<std::string, int> last_number_;
  int unnamed_ = 0;
};

}  // namespace postern::lang::kql
