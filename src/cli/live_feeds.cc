#include "cli/live_feeds.h"

#include <algorithm>
#include <iostream>

#include "base/text.h"
#include "base/time.h"
#include "cli/terminal.h"
#include "input/pcap/pcap.h"

namespace postern::cli {

Result<bool> LiveFeeds::open(const Arguments& args, engine::HuntOptions& options) {
  int64_t end = INT64_MAX;
  if (args.has("--duration")) {
    constexpr int64_t kMaxSeconds = int64_t{10} * 365 * 86'400;
    const auto seconds = parse_int(args.get("--duration"));
    if (!seconds || *seconds < 1 || *seconds > kMaxSeconds)
      return Error{Code::kInvalid,
                   "--duration needs a number of seconds, not `" + args.get("--duration") + "`"};
    if (!args.has("--interface")) return Error{Code::kInvalid, "--duration goes with --interface"};
    end = wall_clock_ticks() + *seconds * kTicksPerSecond;
  }
  for (const std::string& name : args.all("--interface")) {
    auto source = net::packet::LiveCapture::open(name);
    if (!source) return source.error();
    sources_.push_back(std::move(*source));
    net::packet::LiveCapture* const from = sources_.back().get();
    const std::string path = "interface:" + name;
    options.feeds.push_back([from, path, end](input::DecodeContext& context) {
      input::pcap::capture(*from, path, context, [end] {
        return interrupted().load(std::memory_order_relaxed) || wall_clock_ticks() >= end;
      });
    });
    options.feed_names.push_back(path);
    if (!args.has("--quiet")) std::cerr << "postern: capturing on " << name << "; Ctrl-C ends it\n";
  }
  // Each capture keeps a thread to itself.
  options.threads = std::max(options.threads, static_cast<unsigned>(sources_.size()) + 1);
  return any();
}

}  // namespace postern::cli
