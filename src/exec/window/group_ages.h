// Groups by the time of their last row, in slices of time: which groups have left every window.
//
// A row changes nothing here but for a group that was in no slice; groups whose slice is over and
// that have had rows since move to the slice of the last of them. So a row costs nothing, and a
// group is looked at once per length of what is kept.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

#include "exec/window/group_table.h"

namespace postern::exec {

class GroupAges {
 public:
  /// `kept`: ticks for which a group is kept after its last row, above 0.
  GroupAges(GroupTable& groups, int64_t kept)
      : groups_(groups), kept_(kept), width_(std::max<int64_t>(1, kept / 32)) {
    heads_.fill(SlabPool::kNone);
  }

  /// A group that is in no slice; its `last` is now. Times do not fall.
  void add(uint32_t group) {
    const int64_t slice = slice_of(groups_[group].last());
    if (first_ > slice || num_listed_ == 0) first_ = slice;
    put(group, slice);
    groups_[group].listed = 1;
    ++num_listed_;
  }

  /// Takes out a group that has had no row for `kept`; kNone when there is none.
  uint32_t take_until(int64_t now) {
    while (num_listed_ > 0 && (first_ + 1) * width_ - 1 <= now - kept_) {
      const uint32_t group = take_first();
      if (group != SlabPool::kNone) return group;
    }
    return SlabPool::kNone;
  }

  /// Takes out one of the oldest; kNone when there is none.
  uint32_t take_oldest() {
    uint32_t group = SlabPool::kNone;
    while (num_listed_ > 0 && group == SlabPool::kNone)
      group = take_first();
    return group;
  }

 private:
  // All slices from the first to the one of the last time: never more than this many apart.
  static constexpr size_t kSlices = 128;

  int64_t slice_of(int64_t time) const {
    return time >= 0 ? time / width_ : -((-time - 1) / width_) - 1;
  }

  uint32_t& head(int64_t slice) { return heads_[static_cast<uint64_t>(slice) % kSlices]; }

  void put(uint32_t group, int64_t slice) {
    groups_[group].next = head(slice);
    head(slice) = group;
  }

  // One group of the first slice, or none: then one was moved on, or the slice was empty.
  uint32_t take_first() {
    const uint32_t group = head(first_);
    if (group == SlabPool::kNone) {
      ++first_;
      return SlabPool::kNone;
    }
    WindowGroup& g = groups_[group];
    head(first_) = g.next;
    const int64_t slice = slice_of(g.last());
    if (slice > first_) {
      put(group, slice);
      return SlabPool::kNone;
    }
    g.listed = 0;
    --num_listed_;
    return group;
  }

  GroupTable& groups_;
  int64_t kept_;
  int64_t width_;
  std::array<uint32_t, kSlices> heads_;
  int64_t first_ = 0;  // the oldest slice that may hold groups
  uint64_t num_listed_ = 0;
};

}  // namespace postern::exec
