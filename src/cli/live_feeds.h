// Network interfaces as evidence of a hunt (`hunt --interface NAME`). Tests:
// tests/cli/test_live.py.
#pragma once
#include <memory>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"
#include "engine/hunt.h"
#include "net/packet/live.h"

namespace postern::cli {

/// The captures of one hunt; must outlive it.
class LiveFeeds {
 public:
  /// Opens each --interface and adds it to the feeds; true when there is one. They end at Ctrl-C or
  /// after --duration. Error: a wrong flag, or an interface that cannot be opened.
  Result<bool> open(const Arguments& args, engine::HuntOptions& options);

  bool any() const { return !sources_.empty(); }

 private:
  std::vector<std::unique_ptr<net::packet::LiveCapture>> sources_;
};

}  // namespace postern::cli
