// Lines and columns of many positions in one text, and diagnostics shown with them.
//
// `line_column` reads the text from its start each time; a table reads it once. Tests:
// tests/unit/base/diagnostic_test.cc.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"

namespace postern {

class LineTable {
 public:
  explicit LineTable(std::string_view text);
  /// As line_column(text, position).
  LineColumn at(size_t position) const;

 private:
  size_t size_;
  std::vector<size_t> begins_;  // of each line
};

/// As render(source, d), where the place of `d.primary.begin` is known.
std::string render(const Source& source, const LineColumn& place, const Diagnostic& d);

}  // namespace postern
