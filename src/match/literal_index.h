// Which of many literals does a text equal, begin with, end with or contain? All of them in one
// pass, whatever their number.
//
// What must be at an edge of the text is found there: whole texts by their hash, prefixes and
// suffixes by a hash of some bytes of that edge, for each of a few numbers of bytes. A literal that
// may lie anywhere is filed under windows of its bytes. Where all literals are long enough, each
// has two, four or eight neighbouring windows, so that only every second, fourth or eighth place of
// a text has to be looked at: wherever the literal lies, one of them is at such a place. Those
// windows are chosen that fewest other literals have; lists whose members begin alike (`MD5=…`,
// `SHA256=…`) cost no more than others, which a trie or the first bytes would not give. Literals of
// two and three bytes are looked for under their first two. A bit set answers "no" for most places.
// The other places are gathered first, so that what is filed under their windows is on its way from
// memory while others are looked at; it tells eight bytes of each literal, which most are told
// apart by, and the rest is compared in place. Bytes are compared exactly: to ignore case fold
// both.
//
// Tests: tests/unit/match/literal_index_test.cc (against a plain search).
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "match/caseless_filter.h"

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

  /// True when every literal may lie anywhere (Place::kPart).
  bool only_parts() const {
    return whole_.empty() && prefixes_.table.empty() && suffixes_.table.empty();
  }

  /// Whether any literal holds.
  bool any(std::string_view text) const;

  /// What one thread notes while it searches; belongs to one index.
  struct Marks {
    std::vector<uint32_t> seen;  // by literal: the search that found it last
    uint32_t search = 0;
  };

  /// Appends the numbers of all literals that hold, each once, in the same order for equal texts.
  void find(std::string_view text, std::vector<uint32_t>& literals, Marks& marks) const;

  /// The ids of a literal that find() gave, ascending.
  std::span<const uint32_t> ids(uint32_t literal) const {
    return {ids_.data() + literals_[literal].first_id, literals_[literal].num_ids};
  }

  /// False: no literal is in the folded text, and `text` itself need not be folded. Quick; says
  /// true of most texts unless literals are few and may lie anywhere (is_quick).
  bool may_hold(std::string_view text) const { return !is_quick_ || caseless_.may_hold(text); }

  bool is_quick() const { return is_quick_; }

 private:
  struct Literal {
    uint32_t begin;  // in texts_
    uint32_t size;
    uint32_t first_id = 0;  // in ids_
    uint32_t num_ids = 0;
    Place place;
  };

  /// A literal under a hash of an edge.
  struct EdgeEntry {
    uint64_t key;
    uint32_t literal;
  };

  /// A literal under one of its windows, with the `bytes` (four to eight) around that which tell it
  /// from others: from `back` bytes before the window on, the first four and the last four of them.
  struct WindowEntry {
    uint32_t first;
    uint32_t last;
    uint32_t literal;
    uint8_t offset;  // of the window in the literal
    uint8_t back;
    uint8_t bytes;
    uint8_t rest;  // bytes of the literal behind the window, 255 for more
  };

  /// Entries by the upper bits of a hash, behind a bit set that is finer than the buckets.
  template <class Entry>
  struct Table {
    uint32_t bits = 0;             // of a bucket number
    std::vector<uint64_t> filter;  // bit per hash
    std::vector<uint32_t> starts;  // of each bucket in entries, and one more
    std::vector<Entry> entries;

    bool empty() const { return entries.empty(); }

    void build(const std::vector<std::pair<uint64_t, Entry>>& from);
  };

  /// Literals at the beginning or the end of a text, by their first or last bytes.
  struct EdgeTable {
    uint32_t classes = 0;  // bit per number of bytes that any literal is filed under
    Table<EdgeEntry> table;
  };

  /// Literals of four bytes and more that may lie anywhere, filed under `stride` neighbouring
  /// windows of `width` bytes each.
  struct WindowTable {
    size_t width = 4;
    size_t stride = 1;
    Table<WindowEntry> table;
  };

  struct ShortEntry {
    uint32_t literal;
    bool has_third;
    char third;
  };

  /// Literals of one byte, and of two and three by their first two.
  struct ShortTable {
    std::vector<std::pair<unsigned char, uint32_t>> singles;  // byte, literal
    std::vector<uint8_t> is_used;  // by pair of bytes: 1 where any literal begins so
    std::vector<uint64_t> filter;  // the same, a bit per pair
    std::vector<uint32_t> before;  // pairs in the filter before each of its words
    std::vector<uint32_t> starts;  // by pair in the filter, and one more: into entries
    std::vector<ShortEntry> entries;
  };

  void build_edges();
  void build_windows();
  void build_short(const std::vector<uint32_t>& literals);
  template <class Found>
  bool scan(std::string_view text, Found&& found) const;
  template <class Found>
  bool scan_edges(std::string_view text, Found&& found) const;
  template <Place place, class Found>
  bool scan_edge(const Table<EdgeEntry>& table,
                 uint64_t key,
                 std::string_view text,
                 Found&& found) const;
  template <class Found>
  bool scan_windows(std::string_view text, Found&& found) const;
  template <size_t width, size_t stride, class Found>
  bool scan_windows(const Table<WindowEntry>& table, std::string_view text, Found&& found) const;
  template <class Found>
  bool scan_singles(std::string_view text, Found&& found) const;
  template <class Found>
  bool scan_pairs(std::string_view text, Found&& found) const;
  /// `sure`: bytes of the literal, from its begin, that are known to be there.
  template <class Found>
  bool try_one(
      std::string_view text, size_t begin, uint32_t literal, size_t sure, Found&& found) const;

  std::string_view text_of(const Literal& l) const {
    return std::string_view(texts_).substr(l.begin, l.size);
  }

  std::vector<Literal> literals_;
  std::string texts_;  // of all literals
  std::vector<uint32_t> ids_;
  std::vector<std::pair<uint32_t, uint32_t>> added_;  // literal and id, until sealed
  std::array<std::unordered_map<std::string, uint32_t>, 4> numbers_;  // by place, until sealed
  Table<EdgeEntry> whole_;
  EdgeTable prefixes_;
  EdgeTable suffixes_;
  WindowTable windows_;
  ShortTable short_;
  CaselessFilter caseless_;
  bool is_quick_ = false;
};

}  // namespace postern::match
