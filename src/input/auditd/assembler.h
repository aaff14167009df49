// Puts the lines of one audit event together: lines of different events interleave, in the kernel's
// queue and after relays, and the mark of the end (EOE) is often filtered out of the log.
//
// An event is given out at EOE, at PROCTITLE (which the kernel writes last), when the log of the
// same host is two seconds (as in ausearch) and some events further, at the end of the log, or,
// oldest first, when too many are open. Source: libauparse (event completion). Tests:
// tests/unit/input/auditd_test.cc.
#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "input/auditd/line.h"
#include "input/auditd/shape.h"

namespace postern::input::auditd {

/// Where the fields of a line are; none: they have to be read from the line.
using FieldRange = std::optional<std::pair<uint32_t, uint32_t>>;

/// The lines of one event, with their place.
struct Event {
  EventId id;
  std::vector<Line> lines;
  std::vector<std::string_view> texts;  ///< the lines as they are
  std::vector<EventField> fields;       ///< of lines that have been walked
  std::vector<FieldRange> ranges;       ///< of each line in them
  uint64_t offset = 0;                  ///< of the first line
  uint64_t line_number = 0;
};

/// Whether a record of this type is the last one of its event.
bool ends_event(std::string_view type);

class Assembler {
 public:
  /// Takes complete events; `forced` says that a limit, not the log, ended it.
  using Sink = std::function<void(const Event& event, bool forced)>;

  explicit Assembler(Sink sink) : sink_(std::move(sink)) {}

  /// `fields`: of the line, for the event; null: not known.
  void add(const Line& line,
           std::string_view text,
           uint64_t offset,
           uint64_t line_number,
           const std::vector<EventField>* fields = nullptr);
  /// A line of an event that was open in front of what is read: events in the order of `open()`.
  void carry(const Line& line, std::string_view text, uint64_t offset, uint64_t line_number);
  void flush();
  void forget();

  /// Whether lines of an event are open here.
  bool is_open(const EventId& id) const {
    return !open_.empty() &&
           (open_.back().id == id || (!by_id_.empty() && by_id_.find(id) != by_id_.end()));
  }

  /// What the first line of a new event brings about: others are out of time, or one too many.
  void make_room(const EventId& id);

  /// Lines of all events that are open.
  size_t num_lines() const { return num_lines_; }

  /// Events that have not ended, in order of their first lines.
  const std::list<Event>& open() const { return open_; }

  static constexpr size_t kMaxOpen = 1024;        ///< events
  static constexpr size_t kMaxOpenLines = 65536;  ///< of all of them
  static constexpr size_t kMaxLinesPerEvent = 16'384;

 private:
  struct Hash {
    size_t operator()(const EventId& id) const {
      return std::hash<std::string_view>{}(id.node) ^
             static_cast<size_t>(id.serial * 0x9E37'79B9'7F4A'7C15ULL) ^
             static_cast<size_t>(id.time);
    }
  };

  using Events = std::list<Event>;

  /// The end: there is none.
  Events::iterator find_open(const EventId& id);
  Events::iterator begin_event(const EventId& id, uint64_t offset, uint64_t line_number);
  void add_line(Event& event,
                const Line& line,
                std::string_view text,
                const std::vector<EventField>* fields);
  void give(Events::iterator at, bool forced);
  void expire(const EventId& now);

  Sink sink_;
  Events open_;  // in order of their first lines
  /// Of the open ones; the last one only where `has_last_` says so, as most end while they are it.
  std::unordered_map<EventId, Events::iterator, Hash> by_id_;
  bool has_last_ = true;
  Events spare_;          // an event's memory is used again
  size_t num_lines_ = 0;  // of open_
  size_t num_fields_ = 0;
};

}  // namespace postern::input::auditd
