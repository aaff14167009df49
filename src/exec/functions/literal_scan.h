// Does a text contain one of many literals? One pass over the text, whatever the number of
// literals.
//
// Every literal is filed under a window of up to four of its bytes, the one that fewest other
// literals have. The scan looks each window of the text up: a bit set answers "no" for most, and
// what is left is compared in place. Lists whose members begin alike (`MD5=…`, `SHA256=…`) cost no
// more than others, which a trie or the first bytes would not give. Bytes are compared exactly: to
// ignore case fold both. Tests: tests/unit/lang/sigma/literal_scan_test.cc (against a plain
// search).
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::exec {

class LiteralScan {
 public:
  /// A literal of at least one byte.
  void add(std::string_view literal);
  /// Builds the tables; nothing may be added afterwards.
  void seal();

  bool empty() const { return literals_.empty(); }

  bool found_in(std::string_view text) const;

 private:
  struct Entry {
    uint32_t window;  // its bytes
    uint32_t literal;
    uint32_t offset;  // of the window in the literal
  };

  /// Literals filed under windows of one size.
  struct Table {
    uint32_t bits = 0;             // of a bucket number
    std::vector<uint64_t> filter;  // bit per window, kFilterBits finer than the buckets
    std::vector<uint32_t> starts;  // of each bucket in entries, and one more
    std::vector<Entry> entries;
  };

  static constexpr size_t kMaxWindow = 4;

  void build(Table& table, const std::vector<Entry>& entries);
  bool search(const Table& table, size_t window_size, std::string_view text) const;

  std::vector<std::string> literals_;
  std::array<Table, kMaxWindow> tables_;  // [n]: windows of n + 1 bytes
};

}  // namespace postern::exec
