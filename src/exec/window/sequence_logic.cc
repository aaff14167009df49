// Which steps occur: together in a window, or in order.
#include <algorithm>
#include <bit>

#include "exec/window/chain.h"
#include "exec/window/window_ring.h"

namespace postern::exec {

using plan::WindowSpec;
using plan::WindowTerm;

namespace {

uint64_t mask_of(const std::vector<uint32_t>& steps) {
  uint64_t mask = 0;
  for (const uint32_t s : steps)
    mask |= uint64_t{1} << s;
  return mask;
}

/// A block of fixed size, made with the first row.
class FixedBlock {
 public:
  FixedBlock(SlabPool& pool, uint32_t num_words)
      : pool_(pool), size_class_(SlabPool::class_for(num_words)) {}

  /// True when it is new: to be set up.
  bool open(WindowGroup& g) {
    if (g.block != SlabPool::kNone) return false;
    g.block = pool_.allocate(size_class_);
    g.block_class = static_cast<uint8_t>(size_class_);
    return true;
  }

  uint32_t* words(const WindowGroup& g) { return pool_.at(g.block); }

  void release(WindowGroup& g) {
    if (g.block != SlabPool::kNone) pool_.release(g.block, g.block_class);
    g.block = SlabPool::kNone;
  }

 private:
  SlabPool& pool_;
  uint32_t size_class_;
};

/// The last row of each step: terms as bit sets, or the number of steps.
class Presence final : public WindowLogic {
 public:
  Presence(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec),
        closing_(spec.closing()),
        num_steps_(static_cast<uint32_t>(spec.steps.size())),
        block_(pool, num_steps_ * 3) {
    for (const WindowTerm& t : spec.terms)
      terms_.push_back(mask_of(t.steps));
  }

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    if (block_.open(g))
      for (uint32_t s = 0; s < num_steps_; ++s)
        store_words(block_.words(g) + s * 3, kNever);
    for (const WindowRow& r : rows) {
      uint32_t* last = block_.words(g) + r.step * 3;
      store_words(last, r.time);
      last[2] = r.ref;
    }
  }

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) override {
    const uint32_t* last = block_.words(g);
    uint64_t present = 0;
    for (uint32_t s = 0; s < num_steps_; ++s) {
      const auto time = load_words<int64_t>(last + s * 3);
      if (time != kNever && (closing_ || time > at - spec_.length)) present |= uint64_t{1} << s;
    }
    out.value = std::popcount(present);
    uint64_t shown = present;
    if (terms_.empty()) {
      if (!within(spec_.bounds, out.value)) return false;
    } else {
      const auto term = std::find_if(terms_.begin(), terms_.end(),
                                     [&](uint64_t t) { return (t & present) == t; });
      if (term == terms_.end()) return false;
      shown = *term;
    }
    for (uint32_t s = 0; s < num_steps_; ++s)
      if (shown >> s & 1)
        out.evidence.push_back({load_words<int64_t>(last + s * 3), last[s * 3 + 2]});
    std::sort(out.evidence.begin(), out.evidence.end(),
              [](const WindowEvidence& a, const WindowEvidence& b) { return a.time < b.time; });
    out.from = closing_ ? at : out.evidence.front().time;
    out.to = closing_ ? at + spec_.length : at;
    return true;
  }

  void clear(WindowGroup& g) override { block_.release(g); }

 private:
  const WindowSpec& spec_;
  bool closing_;
  uint32_t num_steps_;
  FixedBlock block_;
  std::vector<uint64_t> terms_;
};

/// Steps in order, sliding: a chain per term.
class Ordered final : public WindowLogic {
 public:
  Ordered(const WindowSpec& spec, SlabPool& pool) : spec_(spec), block_(pool, chains_of(spec)) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    const bool fresh = block_.open(g);
    uint32_t* words = block_.words(g);
    for (Chain& c : chains_) {
      if (fresh) c.reset(words);
      c.add(words, rows);
      words += c.num_words();
    }
  }

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) override {
    const uint32_t* words = block_.words(g);
    for (size_t i = 0; i < chains_.size(); ++i) {
      const int64_t began = chains_[i].began(words);
      if (began != kNever && began > at - spec_.length) {
        chains_[i].evidence(words, out.evidence);
        out.from = began;
        out.to = at;
        out.value = std::popcount(mask_of(spec_.terms[i].steps));
        return true;
      }
      words += chains_[i].num_words();
    }
    return false;
  }

  void clear(WindowGroup& g) override { block_.release(g); }

 private:
  uint32_t chains_of(const WindowSpec& spec) {
    uint32_t words = 0;
    for (const WindowTerm& t : spec.terms) {
      chains_.emplace_back(t.steps);
      words += chains_.back().num_words();
    }
    return words;
  }

  const WindowSpec& spec_;
  std::vector<Chain> chains_;
  FixedBlock block_;
};

/// Steps in order, closing: the longest run of different steps in their order.
class OrderedCount final : public WindowLogic {
 public:
  OrderedCount(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec),
        num_steps_(static_cast<uint32_t>(spec.steps.size())),
        block_(pool, num_steps_ * 4) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    if (block_.open(g)) std::fill_n(block_.words(g), num_steps_ * 4, 0U);
    uint32_t* words = block_.words(g);
    // Rows come by step, so rows of one time follow each other in the order of the steps.
    for (const WindowRow& r : rows) {
      uint32_t longest = 0;
      for (uint32_t s = 0; s < r.step; ++s)
        longest = std::max(longest, words[s * 4]);
      uint32_t* own = words + r.step * 4;
      if (longest + 1 < own[0]) continue;
      own[0] = longest + 1;
      own[1] = r.ref;
      store_words(own + 2, r.time);
    }
  }

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) override {
    const uint32_t* words = block_.words(g);
    uint32_t longest = 0;
    for (uint32_t s = 0; s < num_steps_; ++s)
      longest = std::max(longest, words[s * 4]);
    out.value = longest;
    if (!within(spec_.bounds, out.value)) return false;
    for (uint32_t s = 0; s < num_steps_; ++s)
      if (words[s * 4] > 0)
        out.evidence.push_back({load_words<int64_t>(words + s * 4 + 2), words[s * 4 + 1]});
    out.from = at;
    out.to = at + spec_.length;
    return true;
  }

  void clear(WindowGroup& g) override { block_.release(g); }

 private:
  const WindowSpec& spec_;
  uint32_t num_steps_;
  FixedBlock block_;
};

/// Terms with absent steps: all rows of two lengths, and how many of each step lie in the window
/// that is looked at (`narrow`: from its begin, `wide`: from one length before).
class Absence final : public WindowLogic {
 public:
  Absence(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec),
        num_steps_(static_cast<uint32_t>(spec.steps.size())),
        chains_at_(1 + 2 * num_steps_),
        ring_(
            pool, {.header = chains_at_ + chains_of(spec), .payload = 1}, 2 * spec.length, false) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    if (g.block != SlabPool::kNone) forget(g, rows[0].time - 2 * spec_.length);
    const bool fresh = g.block == SlabPool::kNone;
    for (const WindowRow& r : rows) {
      *ring_.push(g, r) = static_cast<uint8_t>(r.step);
      ++narrow(g)[r.step];
      ++wide(g)[r.step];
    }
    uint32_t* words = ring_.header(g) + chains_at_;
    for (Chain& c : chains_) {
      if (fresh) c.reset(words);
      c.add(words, rows);
      words += c.num_words();
    }
  }

  bool decide(WindowGroup& g, int64_t begin, WindowResult& out) override {
    forget(g, begin - spec_.length);
    uint32_t& first = ring_.header(g)[0];
    while (first < ring_.count(g) && ring_.time(g, first) < begin) {
      --narrow(g)[*ring_.payload(g, first)];
      ++first;
    }
    if (first == ring_.count(g) || ring_.time(g, first) != begin) return false;
    uint64_t inside = 0;
    uint64_t around = 0;
    for (uint32_t s = 0; s < num_steps_; ++s) {
      if (narrow(g)[s] > 0) inside |= uint64_t{1} << s;
      if (wide(g)[s] > 0) around |= uint64_t{1} << s;
    }
    const uint32_t* words = ring_.header(g) + chains_at_;
    for (size_t i = 0; i < spec_.terms.size(); ++i) {
      const uint64_t steps = mask_of(spec_.terms[i].steps);
      bool holds = (steps & inside) == steps && (mask_of(spec_.terms[i].absent) & around) == 0;
      if (spec_.ordered) {
        const int64_t began = chains_[i].began(words);
        holds = holds && began != kNever && began >= begin;
        if (holds) chains_[i].evidence(words, out.evidence);
        words += chains_[i].num_words();
      }
      if (!holds) continue;
      for (uint32_t e = first; !spec_.ordered && e < ring_.count(g); ++e)
        if ((steps >> *ring_.payload(g, e) & 1) && out.evidence.size() < kMaxWindowEvidence)
          out.evidence.push_back({ring_.time(g, e), ring_.ref(g, e)});
      out.value = std::popcount(inside);
      out.from = begin;
      out.to = begin + spec_.length;
      return true;
    }
    return false;
  }

  void clear(WindowGroup& g) override { ring_.release(g); }

 private:
  uint32_t* narrow(const WindowGroup& g) { return ring_.header(g) + 1; }

  uint32_t* wide(const WindowGroup& g) { return ring_.header(g) + 1 + num_steps_; }

  void forget(WindowGroup& g, int64_t until) {
    uint32_t& first = ring_.header(g)[0];
    while (ring_.count(g) > 0 && ring_.time(g, 0) <= until) {
      const uint32_t step = *ring_.payload(g, 0);
      --wide(g)[step];
      if (first > 0)
        --first;
      else
        --narrow(g)[step];
      ring_.pop(g);
    }
  }

  uint32_t chains_of(const WindowSpec& spec) {
    uint32_t words = 0;
    for (const WindowTerm& t : spec.terms) {
      if (!spec.ordered) break;
      chains_.emplace_back(t.steps);
      words += chains_.back().num_words();
    }
    return words;
  }

  const WindowSpec& spec_;
  uint32_t num_steps_;
  uint32_t chains_at_;
  std::vector<Chain> chains_;
  WindowRing ring_;
};

}  // namespace

std::unique_ptr<WindowLogic> make_sequence_logic(const WindowSpec& spec, SlabPool& pool) {
  if (!spec.ordered) return std::make_unique<Presence>(spec, pool);
  if (spec.terms.empty()) return std::make_unique<OrderedCount>(spec, pool);
  return std::make_unique<Ordered>(spec, pool);
}

std::unique_ptr<WindowLogic> make_absence_logic(const WindowSpec& spec, SlabPool& pool) {
  return std::make_unique<Absence>(spec, pool);
}

}  // namespace postern::exec
