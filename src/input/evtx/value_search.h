// Whether the values of a record may hold any keyword, before one of them is made into text.
//
// A record's values lie one behind the other. Runs of them are narrowed from UTF-16 to bytes into
// one buffer, which the gate of the rules searches once. Numbers, GUIDs and times are skipped
// where no keyword can be made of their characters, and written out where one could. "No" is always
// right; a keyword that seems to stand across two values, or in narrowed binary, is a "yes" too
// many, which costs time and no more.
// Tests: tests/unit/input/evtx_search_test.cc.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "input/evtx/binxml.h"

namespace postern::input::evtx {

class ValueSearch {
 public:
  /// Begins a record. `chunk`: what its values lie in.
  void start(const data::TextGate& gate, std::string_view chunk);
  /// Adds values in the order in which they lie; fragments among them are not looked into.
  void add(const RawValue* values, size_t num_values);
  /// Adds text as it is in a value.
  void add_text(std::string_view text);
  /// Whether anything that was added may hold what the gate looks for.
  bool may_hold();

 private:
  static constexpr size_t kNumTypes = 0x80;

  void choose_types();
  void add_run(const char* begin, const char* end);
  void add_rendered(const RawValue& v);
  char* room(size_t bytes);

  const data::TextGate* gate_ = nullptr;
  std::string_view chunk_;
  std::array<bool, kNumTypes> renders_{};  // by type: a keyword could be made of its characters
  std::string text_;                       // a buffer, of which size_ bytes are in use
  size_t size_ = 0;
  bool seeks_beyond_ascii_ = false;  // a keyword has characters that narrowing loses
  bool is_certain_ = false;          // there is something that narrowing does not show
  std::string scratch_;
  std::vector<RawValue> elements_;
};

}  // namespace postern::input::evtx
