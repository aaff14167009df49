// Random logs: the same events in each of the formats and layouts that the decoders know, and each
// of these written in several ways that mean the same.
//
// Events lack members, have them in another order, twice, nested, as lists or as numbers, from
// record to record. Every event has a second of its own, by which it is known in all writings.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "random_texts.h"

namespace postern::differential {

enum class LogFormat : uint8_t {
  kWec,
  kNxlog,
  kWinlogbeat7,
  kWinlogbeat6,
  kEvtxDump,
  kEvtx,
  kAuditd,
  kZeekJson,
  kZeekTsv,
};
inline constexpr size_t kNumLogFormats = 9;

const char* format_name(LogFormat format);

/// Whether rules see Windows events in it.
bool is_windows(LogFormat format);
/// Whether its records are JSON objects.
bool is_json(LogFormat format);

struct Member {
  enum class Kind : uint8_t { kText, kNumber, kTrue, kNull, kList, kObject };
  std::string name;
  Kind kind = Kind::kText;
  std::vector<std::string> texts;  ///< one, or of a list or an object all
};

struct Event {
  int64_t second = 0;     ///< since 2024-05-01
  const char* type = "";  ///< record type or log
  const char* provider = "";
  const char* channel = "";
  int id = 0;
  bool dotted = false;  ///< keys of Winlogbeat are paths
  bool more = false;    ///< an audit record of the event before
  std::vector<Member> members;
};

/// How a log is written; all ways mean the same.
struct Writing {
  bool shuffled = false;  ///< members in another order, but for those of one name
  bool lines = false;     ///< line breaks and blanks inside of documents
  bool escapes = false;   ///< characters by their numbers, bytes that are no UTF-8
  bool carriage = false;  ///< lines end with CR and LF
};

class LogMaker {
 public:
  /// `unique_in`: how often values are new (TextPool).
  LogMaker(Random& random, LogFormat format, uint64_t unique_in);

  LogFormat format() const { return format_; }

  std::vector<Event> events(Random& random, size_t num_events) const;
  std::string write(const std::vector<Event>& events, const Writing& writing, uint64_t seed) const;
  /// "conn.log", "events.evtx", …
  std::string file_name() const;

  /// Values of a field, by its name in the log.
  const TextPool& pool(const std::string& field) const;

 private:
  struct EventKind;
  static const std::vector<EventKind>& kinds(LogFormat format);
  Member member(Random& random, const std::string& name) const;

  LogFormat format_;
  std::map<std::string, std::unique_ptr<TextPool>> pools_;
  std::unique_ptr<TextPool> other_;
};

/// A gzip file of stored blocks.
std::string gzip_of(std::string_view bytes);

}  // namespace postern::differential
