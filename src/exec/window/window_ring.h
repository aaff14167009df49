// A ring of rows in a group's block: `header` words, then entries: a row's time, its evidence, and
// what else is kept of it.
//
// Of a time only the low bytes are kept that tell apart the times a group can hold at once: five
// for windows of up to 30 hours. The group's `last` gives the rest: entries are at most `span`
// before it (sliding), or after it (closing windows, where it is the window's begin).
//
// Entries of a ring that may be compact have one of three forms. A group begins with the smallest
// that its rows allow and takes a larger one when a row needs it:
//   micro    times are whole microseconds, as most formats write them: four bytes for windows of
//            up to 71 minutes; evidence and payload as in compact
//   compact  three bytes of evidence, which tell it apart from that of the next row (rows of one
//            group are rarely 8 million rows apart); numbers are floats
//   wide     four bytes of evidence; numbers are doubles
#pragma once
#include <algorithm>
#include <bit>
#include <cstring>

#include "exec/window/window_logic.h"

namespace postern::exec {

template <class T>
T load_words(const void* words) {
  T value;
  std::memcpy(&value, words, sizeof value);
  return value;
}

template <class T>
void store_words(void* words, T value) {
  std::memcpy(words, &value, sizeof value);
}

class WindowRing {
 public:
  struct Shape {
    uint32_t header = 0;   ///< words before the entries …
    uint32_t plain = 0;    ///< … of blocks with room for more entries than this
    uint32_t payload = 0;  ///< bytes of an entry beside time and evidence
    bool compact = false;  ///< small forms are allowed
    /// The payload is a number; floats hold it in the small forms.
    bool number = false;
  };

  /// `span`: ticks.
  WindowRing(SlabPool& pool, const Shape& shape, int64_t span, bool closing)
      : pool_(pool), shape_(shape), closing_(closing) {
    const auto low_bytes = [](uint64_t most) {
      return std::clamp((static_cast<uint32_t>(std::bit_width(most)) + 7) / 8, 4U, 8U);
    };
    const auto ticks = static_cast<uint64_t>(span);
    forms_[kWide].time_bytes = low_bytes(ticks);
    forms_[kWide].ref_bytes = 4;
    forms_[kWide].payload = shape.payload;
    forms_[kCompact] = forms_[kWide];
    forms_[kCompact].ref_bytes = 3;
    if (shape.number) forms_[kCompact].payload = sizeof(float);
    forms_[kMicro] = forms_[kCompact];
    forms_[kMicro].unit = kTicksPerMicro;
    forms_[kMicro].time_bytes = low_bytes(ticks / kTicksPerMicro + 1);
    least_ = !shape.compact                                            ? kWide
             : forms_[kMicro].time_bytes < forms_[kCompact].time_bytes ? kMicro
                                                                       : kCompact;
    for (Form& f : forms_) {
      f.mask = ~uint64_t{0} >> (64 - f.time_bytes * 8);
      f.stride = f.time_bytes + f.ref_bytes + f.payload;
      for (uint32_t c = 0; c < SlabPool::kNumClasses; ++c) {
        const uint64_t words = SlabPool::words_of(c) - before(c);
        const auto room = [&](uint64_t n) {
          return static_cast<uint32_t>(std::min<uint64_t>(n * 4 / f.stride, UINT32_MAX));
        };
        f.capacity[c] = room(words);
        f.has_header[c] = shape.header > 0 && (f.capacity[c] > shape.plain || shape.plain == 0);
        if (f.has_header[c]) f.capacity[c] = words <= shape.header ? 0 : room(words - shape.header);
      }
    }
  }

  uint32_t count(const WindowGroup& g) const {
    return is_large(g.block_class) ? pool_.at(g.block)[1] : g.count;
  }

  /// Whether the block has one; once it has, it keeps it.
  bool has_header(const WindowGroup& g) const {
    return g.block != SlabPool::kNone && forms_[g.form].has_header[g.block_class];
  }

  /// The words before the entries.
  uint32_t* header(const WindowGroup& g) { return pool_.at(g.block) + before(g.block_class); }

  uint8_t* payload(const WindowGroup& g, uint32_t i) {
    return entry(g, i) + forms_[g.form].time_bytes + forms_[g.form].ref_bytes;
  }

  /// A payload that is a number.
  double number(const WindowGroup& g, uint32_t i) {
    const uint8_t* p = payload(g, i);
    return g.form == kWide ? load_words<double>(p) : double{load_words<float>(p)};
  }

  /// Not of compact rings: there it is known only from that of the next entry.
  uint32_t ref(const WindowGroup& g, uint32_t i) {
    return load_words<uint32_t>(entry(g, i) + forms_[kWide].time_bytes);
  }

  int64_t time(const WindowGroup& g, uint32_t i) { return time_of(g, entry(g, i), g.last()); }

  /// A new last entry; gives its payload, which is filled where it is a number. The header of a
  /// first block is zeroed. The group's `last` is the row's time before any time is asked for; all
  /// entries lie in the span before the row's time.
  uint8_t* push(WindowGroup& g, const WindowRow& row) {
    const uint8_t form = form_for(g, row);
    if (g.block == SlabPool::kNone)
      open(g, form);
    else if (form > g.form)
      widen(g, form, row.time);
    else if (count(g) == forms_[g.form].capacity[g.block_class])
      grow(g);
    const uint32_t n = count(g);
    set_count(g, n + 1);
    uint8_t* e = entry(g, n);
    put(g, e, row.time, row.ref);
    uint8_t* payload = e + forms_[g.form].time_bytes + forms_[g.form].ref_bytes;
    if (shape_.number) put_number(g.form, payload, row.number());
    return payload;
  }

  void pop(WindowGroup& g) {
    set_count(g, count(g) - 1);
    const uint32_t head = head_of(g) + 1;
    set_head(g, head == forms_[g.form].capacity[g.block_class] ? 0 : head);
  }

  /// Takes entry `i` out; the ones after it move up. Not of compact rings.
  void remove(WindowGroup& g, uint32_t i) {
    const uint32_t n = count(g);
    for (; i + 1 < n; ++i)
      std::memcpy(entry(g, i), entry(g, i + 1), forms_[g.form].stride);
    set_count(g, n - 1);
  }

  void release(WindowGroup& g) {
    if (g.block != SlabPool::kNone) pool_.release(g.block, g.block_class);
    g.block = SlabPool::kNone;
    g.block_class = 0;
    g.head = 0;
    g.count = 0;
  }

  /// Times and evidence of the first entries.
  void evidence(const WindowGroup& g, std::vector<WindowEvidence>& out) {
    const uint32_t n = count(g);
    const auto shown = static_cast<uint32_t>(std::min<size_t>(n, kMaxWindowEvidence));
    out.resize(shown);
    each_ref(g, [&](uint32_t i, uint32_t ref) {
      if (i < shown) out[i] = {time(g, i), ref};
    });
  }

 private:
  static constexpr int64_t kTicksPerMicro = 10;
  static constexpr uint8_t kMicro = 0;
  static constexpr uint8_t kCompact = 1;
  static constexpr uint8_t kWide = 2;

  struct Form {
    uint32_t time_bytes = 0;
    uint32_t ref_bytes = 0;
    uint32_t payload = 0;
    uint32_t stride = 0;
    int64_t unit = 1;  ///< ticks
    uint64_t mask = 0;
    uint32_t capacity[SlabPool::kNumClasses] = {};
    bool has_header[SlabPool::kNumClasses] = {};
  };

  // Small blocks have fewer than 256 entries, and their number and where they begin lie in the
  // group; in large ones these are the first words.
  static bool is_large(uint32_t size_class) { return SlabPool::words_of(size_class) > 440; }

  static uint32_t before(uint32_t size_class) { return is_large(size_class) ? 2 : 0; }

  uint32_t head_of(const WindowGroup& g) const {
    return is_large(g.block_class) ? *pool_.at(g.block) : g.head;
  }

  void set_head(WindowGroup& g, uint32_t head) {
    if (is_large(g.block_class))
      *pool_.at(g.block) = head;
    else
      g.head = static_cast<uint8_t>(head);
  }

  void set_count(WindowGroup& g, uint32_t count) {
    if (is_large(g.block_class))
      pool_.at(g.block)[1] = count;
    else
      g.count = static_cast<uint8_t>(count);
  }

  uint8_t* first(const WindowGroup& g) {
    return reinterpret_cast<uint8_t*>(
        header(g) + (forms_[g.form].has_header[g.block_class] ? shape_.header : 0));
  }

  uint8_t* entry(const WindowGroup& g, uint32_t i) {
    const uint32_t capacity = forms_[g.form].capacity[g.block_class];
    uint64_t at = uint64_t{head_of(g)} + i;
    if (at >= capacity) at -= capacity;
    return first(g) + at * forms_[g.form].stride;
  }

  // ---- times and evidence

  int64_t time_of(const WindowGroup& g, const uint8_t* e, int64_t known) const {
    const Form& f = forms_[g.form];
    // Four bytes, or with the evidence eight: never beyond the block.
    const uint64_t low = f.time_bytes == 4 ? load_words<uint32_t>(e) : load_words<uint64_t>(e);
    if (f.unit == 1) {
      const auto base = static_cast<uint64_t>(known);
      return static_cast<int64_t>(closing_ ? base + ((low - base) & f.mask)
                                           : base - ((base - low) & f.mask));
    }
    const auto base = static_cast<uint64_t>(known / f.unit);
    const uint64_t at = closing_ ? base + ((low - base) & f.mask) : base - ((base - low) & f.mask);
    return static_cast<int64_t>(at) * f.unit;
  }

  uint32_t low_ref(const WindowGroup& g, const uint8_t* e) const {
    const Form& f = forms_[g.form];
    // The last four bytes of time and evidence.
    const auto word = load_words<uint32_t>(e + f.time_bytes + f.ref_bytes - 4);
    return f.ref_bytes == 4 ? word : word >> 8;
  }

  uint32_t last_ref(const WindowGroup& g) {
    const uint32_t low = low_ref(g, entry(g, count(g) - 1));
    return g.form == kWide ? low : uint32_t{g.ref_high} << 24 | low;
  }

  /// Evidence `low` of which only 24 bits are known, near that of a neighbour.
  static uint32_t near(uint32_t neighbour, uint32_t low) {
    const uint32_t back = (neighbour - low) & 0xFFFFFF;
    return back < 0x800000 ? neighbour - back : neighbour + (0x1000000 - back);
  }

  /// Calls f(number, evidence) for all entries from the last to the first.
  template <class F>
  void each_ref(const WindowGroup& g, F&& f) {
    uint32_t ref = 0;
    for (uint32_t i = count(g); i-- > 0;) {
      const bool is_last = i + 1 == count(g);
      const uint32_t low = low_ref(g, entry(g, i));
      ref = g.form == kWide ? low : is_last ? last_ref(g) : near(ref, low);
      f(i, ref);
    }
  }

  /// The smallest form that holds the row and all rows before.
  uint8_t form_for(const WindowGroup& g, const WindowRow& row) {
    uint8_t form = g.block == SlabPool::kNone ? least_ : g.form;
    if (form == kMicro && row.time % kTicksPerMicro != 0) form = kCompact;
    if (form == kWide) return form;
    if (shape_.number && !(double{static_cast<float>(row.number())} == row.number())) return kWide;
    if (g.block == SlabPool::kNone || count(g) == 0) return form;
    const uint32_t apart = row.ref - last_ref(g);
    return apart < 0x800000 || -apart < 0x800000 ? form : kWide;
  }

  void put(WindowGroup& g, uint8_t* e, int64_t time, uint32_t ref) {
    const Form& f = forms_[g.form];
    const int64_t at = f.unit == 1 ? time : time / f.unit;
    std::memcpy(e, &at, f.time_bytes);
    std::memcpy(e + f.time_bytes, &ref, f.ref_bytes);
    g.ref_high = static_cast<uint8_t>(ref >> 24);
  }

  static void put_number(uint8_t form, uint8_t* payload, double number) {
    if (form == kWide)
      store_words(payload, number);
    else
      store_words(payload, static_cast<float>(number));
  }

  // ---- blocks

  /// A block for so many entries; with a header if asked.
  void allocate(WindowGroup& g, uint64_t entries, bool with_header) {
    const Form& f = forms_[g.form];
    if (with_header) entries = std::max<uint64_t>(entries, uint64_t{shape_.plain} + 1);
    const bool has_header = shape_.header > 0 && (with_header || entries > shape_.plain);
    const uint64_t words = (entries * f.stride + 3) / 4 + (has_header ? shape_.header : 0);
    uint32_t size_class = SlabPool::class_for(words);
    if (is_large(size_class)) size_class = SlabPool::class_for(words + 2);
    // Room without a header may be just what is plain.
    while (f.capacity[size_class] < entries || (with_header && !f.has_header[size_class]))
      ++size_class;
    g.block = pool_.allocate(size_class);
    g.block_class = static_cast<uint8_t>(size_class);
    set_head(g, 0);
    set_count(g, 0);
    if (f.has_header[size_class]) std::memset(header(g), 0, shape_.header * sizeof(uint32_t));
  }

  // Most groups stay small: by twos, from there on by a quarter.
  static uint64_t more_than(uint32_t count) {
    return uint64_t{count} + (count < 2 ? 1 : 2) + (count < 16 ? 0 : count / 4);
  }

  void open(WindowGroup& g, uint8_t form) {
    g.form = form & 3;
    allocate(g, 1, shape_.plain == 0 && shape_.header > 0);
  }

  void grow(WindowGroup& g) {
    const uint32_t n = count(g);
    const uint32_t stride = forms_[g.form].stride;
    WindowGroup to = g;
    allocate(to, more_than(n), has_header(g));
    if (has_header(g)) std::memcpy(header(to), header(g), shape_.header * sizeof(uint32_t));
    // In two pieces: from the first entry to the block's end, then the rest.
    const uint32_t head = head_of(g);
    const uint32_t piece = std::min(n, forms_[g.form].capacity[g.block_class] - head);
    std::memcpy(first(to), first(g) + uint64_t{head} * stride, uint64_t{piece} * stride);
    std::memcpy(first(to) + uint64_t{piece} * stride, first(g), uint64_t{n - piece} * stride);
    take_over(g, to, n);
  }

  /// The same entries in a larger form. `now`: time of the row that comes, with which those of one
  /// time may have come already.
  void widen(WindowGroup& g, uint8_t form, int64_t now) {
    const uint32_t n = count(g);
    WindowGroup to = g;
    to.form = form & 3;
    allocate(to, more_than(n), has_header(g));
    if (has_header(g)) std::memcpy(header(to), header(g), shape_.header * sizeof(uint32_t));
    set_count(to, n);
    const uint8_t high = g.ref_high;
    each_ref(g, [&](uint32_t i, uint32_t ref) {
      uint8_t* e = entry(to, i);
      put(to, e, time_of(g, entry(g, i), closing_ ? g.last() : now), ref);
      const Form& f = forms_[to.form];
      if (shape_.number)
        put_number(to.form, e + f.time_bytes + f.ref_bytes, number(g, i));
      else
        std::memcpy(e + f.time_bytes + f.ref_bytes, payload(g, i), f.payload);
    });
    to.ref_high = high;
    take_over(g, to, n);
  }

  void take_over(WindowGroup& g, const WindowGroup& to, uint32_t count) {
    pool_.release(g.block, g.block_class);
    g.block = to.block;
    g.block_class = to.block_class;
    g.form = to.form;
    g.head = to.head;
    g.ref_high = to.ref_high;
    set_count(g, count);
  }

  SlabPool& pool_;
  Shape shape_;
  bool closing_;
  uint8_t least_ = kWide;
  Form forms_[3];
};

}  // namespace postern::exec
