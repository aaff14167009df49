#include "input/auditd/assembler.h"

#include "base/time.h"

namespace postern::input::auditd {
namespace {

/// ausearch's end of event time-out.
constexpr int64_t kTimeout = 2 * kTicksPerSecond;

/// A quiet host writes its next event long after the two seconds, and relays reorder lines around
/// it; in a file nobody waits, so the youngest events stay open.
constexpr size_t kKeptOpen = 32;

}  // namespace

void Assembler::give(Events::iterator at, bool forced) {
  sink_(*at, forced);
  by_id_.erase(at->id);
  at->lines.clear();
  at->texts.clear();
  constexpr size_t kSpare = 16;
  if (spare_.size() < kSpare)
    spare_.splice(spare_.end(), open_, at);
  else
    open_.erase(at);
}

/// Hosts have their own clocks, so only events of the same host are out of time.
void Assembler::expire(const EventId& now) {
  while (open_.size() > kKeptOpen && open_.front().id.node == now.node &&
         open_.front().id.time + kTimeout < now.time)
    give(open_.begin(), false);
}

void Assembler::add(const Line& line,
                    std::string_view text,
                    uint64_t offset,
                    uint64_t line_number) {
  auto found = by_id_.find(line.id);
  if (found == by_id_.end()) {
    expire(line.id);
    if (open_.size() >= kMaxOpen) give(open_.begin(), true);
    if (spare_.empty()) spare_.emplace_back();
    open_.splice(open_.end(), spare_, spare_.begin());
    Event& event = open_.back();
    event.id = line.id;
    event.offset = offset;
    event.line_number = line_number;
    found = by_id_.emplace(line.id, std::prev(open_.end())).first;
  }
  const Events::iterator at = found->second;
  const std::string_view type = type_name(line.type);
  const bool is_end = type == "EOE";
  if (!is_end) {
    at->lines.push_back(line);
    at->texts.push_back(text);
  }
  const bool is_full = at->lines.size() >= kMaxLinesPerEvent;
  if (is_end || type == "PROCTITLE" || is_full) give(at, is_full);
}

void Assembler::flush() {
  while (!open_.empty())
    give(open_.begin(), false);
}

void Assembler::flush_before(uint64_t offset) {
  while (!open_.empty() && open_.front().offset < offset)
    give(open_.begin(), false);
  open_.clear();
  by_id_.clear();
}

}  // namespace postern::input::auditd
