// Names of Zeek logs. Tests: tests/unit/input/zeek_test.cc.
#pragma once
#include <string_view>

#include "base/text.h"

namespace postern::input::zeek {

/// True for a name that a log can have: "conn", "smb_files", "corelight_notice".
inline bool is_path(std::string_view path) {
  if (path.empty() || path.size() > 64) return false;
  for (const char c : path)
    if (!ascii_alpha(c) && !ascii_digit(c) && c != '_' && c != '-') return false;
  return true;
}

}  // namespace postern::input::zeek
