#include "input/auditd/assembler.h"

#include "base/text.h"
#include "base/time.h"

namespace postern::input::auditd {
namespace {

/// ausearch's end of event time-out.
constexpr int64_t kTimeout = 2 * kTicksPerSecond;

/// A quiet host writes its next event long after the two seconds, and relays reorder lines around
/// it; in a file nobody waits, so the youngest events stay open.
constexpr size_t kKeptOpen = 32;

/// A mark, and no record of anything.
constexpr std::string_view kEndType = "EOE";

}  // namespace

bool ends_event(std::string_view type) {
  // Nearly all are told by their first letter; numbers have names.
  const char first = type.empty() ? '\0' : type[0];
  if (first != 'P' && first != 'E' && first != 'U' && !ascii_digit(first)) return false;
  const std::string_view name = type_name(type);
  return name == "PROCTITLE" || name == kEndType;
}

void Assembler::give(Events::iterator at, bool forced) {
  sink_(*at, forced);
  if (const bool is_last = std::next(at) == open_.end(); is_last && !has_last_)
    has_last_ = true;  // the one in front of it was put there
  else
    by_id_.erase(at->id);
  num_lines_ -= at->lines.size();
  num_fields_ -= at->fields.size();
  at->lines.clear();
  at->texts.clear();
  constexpr size_t kKeptFields = 1024;  // room that is used again
  if (at->fields.capacity() > kKeptFields) at->fields = {};
  at->fields.clear();
  at->ranges.clear();
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

Assembler::Events::iterator Assembler::begin_event(const EventId& id,
                                                   uint64_t offset,
                                                   uint64_t line_number) {
  if (spare_.empty()) spare_.emplace_back();
  if (!has_last_ && !open_.empty()) by_id_.emplace(open_.back().id, std::prev(open_.end()));
  has_last_ = false;
  open_.splice(open_.end(), spare_, spare_.begin());
  Event& event = open_.back();
  event.id = id;
  event.offset = offset;
  event.line_number = line_number;
  return std::prev(open_.end());
}

Assembler::Events::iterator Assembler::find_open(const EventId& id) {
  // Mostly: one more line of the event that began last.
  if (!open_.empty() && open_.back().id == id) return std::prev(open_.end());
  if (by_id_.empty()) return open_.end();
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? open_.end() : found->second;
}

void Assembler::add_line(Event& event,
                         const Line& line,
                         std::string_view text,
                         const std::vector<EventField>* fields) {
  constexpr size_t kMostOpenFields = 4 * kMaxOpenLines;
  event.lines.push_back(line);
  event.texts.push_back(text);
  ++num_lines_;
  FieldRange& range = event.ranges.emplace_back();
  if (!fields || fields->size() > kMostEventFields) return;
  if (num_fields_ + fields->size() > kMostOpenFields) return;
  num_fields_ += fields->size();
  const auto begin = static_cast<uint32_t>(event.fields.size());
  event.fields.insert(event.fields.end(), fields->begin(), fields->end());
  range.emplace(begin, static_cast<uint32_t>(event.fields.size()));
}

void Assembler::add(const Line& line,
                    std::string_view text,
                    uint64_t offset,
                    uint64_t line_number,
                    const std::vector<EventField>* fields) {
  if (num_lines_ >= kMaxOpenLines) give(open_.begin(), true);
  Events::iterator at = find_open(line.id);
  if (at == open_.end()) {
    make_room(line.id);
    at = begin_event(line.id, offset, line_number);
  }
  const bool is_last = ends_event(line.type);
  if (!is_last || type_name(line.type) != kEndType) add_line(*at, line, text, fields);
  const bool is_full = at->lines.size() >= kMaxLinesPerEvent;
  if (is_last || is_full) give(at, is_full);
}

void Assembler::make_room(const EventId& id) {
  expire(id);
  if (open_.size() >= kMaxOpen) give(open_.begin(), true);
}

// What is open now did not expire then, so nothing expires here.
void Assembler::carry(const Line& line,
                      std::string_view text,
                      uint64_t offset,
                      uint64_t line_number) {
  Events::iterator at = find_open(line.id);
  if (at == open_.end()) at = begin_event(line.id, offset, line_number);
  add_line(*at, line, text, nullptr);
}

void Assembler::flush() {
  while (!open_.empty())
    give(open_.begin(), false);
}

void Assembler::forget() {
  open_.clear();
  by_id_.clear();
  has_last_ = true;
  num_lines_ = 0;
  num_fields_ = 0;
}

}  // namespace postern::input::auditd
