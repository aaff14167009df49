// Which of many literals does a text equal, begin with, end with or contain? All of them in one
// pass, whatever their number.
//
// Whole texts are found by hash. Every other literal is filed under a window of four of its bytes,
// the one that fewest other literals have, and shorter ones under their first two; the scan looks
// each window of the text up: a bit set answers "no" for most, and what is left is compared in
// place, where a prefix or a suffix also has to lie at its edge. Lists whose members begin alike
// (`MD5=…`, `SHA256=…`) cost no more than others, which a trie or the first bytes would not give,
// and neither does a text in which many literals occur. Bytes are compared exactly: to ignore case
// fold both. Tests: tests/unit/match/literal_index_test.cc (against a plain search).
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace postern::match {

class LiteralIndex {
 public:
  enum class Place : uint8_t { kWhole, kPrefix, kSuffix, kPart };

  LiteralIndex() = default;
  LiteralIndex(const LiteralIndex&) = delete;
  LiteralIndex& operator=(const LiteralIndex&) = delete;

  /// `id` is reported where the literal holds; one literal may have many ids. A literal that is no
  /// whole text has at least one byte.
  void add(Place place, std::string_view literal, uint32_t id = 0);
  /// Builds the tables; nothing may be added afterwards.
  void seal();

  bool empty() const { return literals_.empty(); }

  /// Whether any literal holds.
  bool any(std::string_view text) const;
  /// Appends the ids of all literals that hold, in no order; an id may come more than once.
  void find(std::string_view text, std::vector<uint32_t>& ids) const;

 private:
  struct Literal {
    std::string text;
    Place place;
    uint32_t first_id = 0;  // in ids_
    uint32_t num_ids = 0;
  };

  struct Entry {
    uint32_t window;  // its bytes
    uint32_t literal;
    uint32_t offset;  // of the window in the literal
  };

  /// Literals of four bytes and more.
  struct Table {
    uint32_t bits = 0;             // of a bucket number
    std::vector<uint64_t> filter;  // bit per window, kFilterBits finer than the buckets
    std::vector<uint32_t> starts;  // of each bucket in entries, and one more
    std::vector<Entry> entries;
  };

  /// Literals of one to three bytes, by their first two; one byte stands with every second one.
  struct ShortTable {
    std::vector<uint64_t> filter;  // bit per pair of bytes
    std::unordered_map<uint32_t, std::vector<uint32_t>>
        literals;                               // of two and three bytes, by pair
    std::vector<std::vector<uint32_t>> single;  // of one byte, by that byte
  };

  void build(const std::vector<Entry>& entries);
  void build_short(const std::vector<uint32_t>& literals);
  template <class Found>
  bool scan(std::string_view text, Found&& found) const;
  template <bool has_short, class Found>
  bool scan_parts(std::string_view text, Found&& found) const;
  template <class Found>
  bool try_long(
      std::string_view text, size_t at, uint32_t window, uint32_t hash, Found&& found) const;
  template <class Found>
  bool try_short(std::string_view text, size_t at, Found&& found) const;
  template <class Found>
  bool try_one(std::string_view text, size_t begin, const Literal& literal, Found&& found) const;

  std::vector<Literal> literals_;
  std::vector<uint32_t> ids_;
  std::vector<std::pair<uint32_t, uint32_t>> added_;  // literal and id, until sealed
  std::array<std::unordered_map<std::string, uint32_t>, 4> numbers_;  // by place, until sealed
  std::unordered_map<std::string_view, uint32_t> whole_;
  Table long_;
  ShortTable short_;
};

}  // namespace postern::match
