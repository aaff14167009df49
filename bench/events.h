// Events for the benchmarks: seeded, with the fields, lengths and repetition of real Sysmon logs.
//
// Images, users and hosts come from small pools (as on real machines, where a few dozen programs
// make most events); ids, times, hashes and ports are all different. Every thousandth process
// creation is the one that the benchmarks' rules look for; the generator says how many it wrote,
// and a benchmark that finds another number has failed.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/random.h"

namespace postern::bench {

/// How a field lies in binary event logs.
enum class Shape : uint8_t { kText, kNumber, kGuid, kTime, kHex };

struct Field {
  std::string_view name;
  Shape shape = Shape::kText;
  std::string text;     ///< kText, and the text form of the others
  uint64_t number = 0;  ///< kNumber, kHex; ticks since 1601 of kTime
};

struct SysmonEvent {
  int id = 1;
  int version = 5;
  uint64_t filetime = 0;
  uint64_t record_id = 0;
  bool wanted = false;  ///< what the rules of the benchmarks find
  std::string computer;
  std::vector<Field> data;
};

/// The stream of Sysmon events that a seed gives: process creations, connections, image loads,
/// process accesses, files, registry values and DNS queries, in the shares of a busy workstation.
class SysmonEvents {
 public:
  explicit SysmonEvents(uint64_t seed) : random_(seed) {}

  const SysmonEvent& next();

  uint64_t num_wanted() const { return num_wanted_; }

  uint64_t num_events() const { return event_.record_id; }

 private:
  void process_create();
  void connection();
  void image_load();
  void process_access();
  void file_create();
  void registry_set();
  void dns_query();
  void add(std::string_view name, std::string_view text);
  void add_number(std::string_view name, uint64_t number);
  void add_guid(std::string_view name);
  void add_time(std::string_view name);
  void add_head();
  std::string hashes();

  Random random_;
  SysmonEvent event_;
  uint64_t num_wanted_ = 0;
  uint64_t num_created_ = 0;
};

/// "2024-05-01 08:00:00.123" of a FILETIME.
std::string utc_text(uint64_t filetime);

}  // namespace postern::bench
