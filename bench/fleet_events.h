// Sysmon events of a fleet for the rule benchmarks: the same kinds and lengths of values once with
// the repetition of real machines, once without any.
//
// With repetition: some two hundred programs, of which a few make most events; command lines,
// registry keys and addresses from pools with a long tail, one in five with an argument of its own;
// hashes belong to programs. Without: every path, command line, key, name, address and hash is met
// once, made of the same words, so that a memory of values is of no use and the literals of rules
// are met as often. Times, GUIDs and process ids are always their own. One event in 1,000 does what
// published rules look for, of each kind in turn. Nothing here is copied from a real machine.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bench/events.h"

namespace postern::bench {

class FleetEvents {
 public:
  FleetEvents(uint64_t seed, bool repeats);

  const SysmonEvent& next();

  /// Events that do what published rules look for.
  uint64_t num_wanted() const { return num_wanted_; }

  uint64_t num_events() const { return event_.record_id; }

  /// "process_creation", …: the log source category of the event that next() gave.
  std::string_view category() const { return category_; }

 private:
  struct Program {
    std::string path;
    std::string original;
    std::string description;
    std::string company;
    std::string hashes;
    std::string parent;
    std::string parent_arguments;
    std::vector<std::string> arguments;
  };

  Program make_program();
  const Program& program();
  std::string command_of(const Program& p);
  std::string hashes();
  std::string word();
  std::string user();
  std::string address();
  std::string host_name();
  std::string file_name();
  std::string registry_key();
  /// One of a pool that grows to `size`, the first ones far more often; without repetition a new
  /// one.
  template <class Make>
  std::string pooled(std::vector<std::string>& pool, size_t size, Make&& make);
  /// A number below `n`, small ones far more often (Zipf's law, about).
  size_t skewed(size_t n);

  void add(std::string_view name, std::string_view text);
  void add_number(std::string_view name, uint64_t number);
  void add_head();
  void process_creation();
  void network_connection();
  void image_load();
  void file_event();
  void registry_set();

  Random random_;
  bool repeats_;
  bool suspicious_ = false;
  uint64_t num_wanted_ = 0;
  SysmonEvent event_;
  std::string_view category_;
  std::vector<Program> programs_;
  std::vector<Program> libraries_;
  Program fresh_;
  std::vector<std::string> users_;
  std::vector<std::string> hosts_;
  std::vector<std::string> addresses_;
  std::vector<std::string> domains_;
  std::vector<std::string> files_;
  std::vector<std::string> keys_;
};

}  // namespace postern::bench
