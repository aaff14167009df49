// Sorted multisets of numbers for many groups in one pool: what a moving median needs.
//
// A treap per group (root numbers are kept by the caller): insert, erase and the k-th smallest in
// expected logarithmic time; 24 bytes per number. Priorities come from a fixed sequence, so runs
// repeat. Source: Aragon, Seidel: Randomized Search Trees, 1989. Tests:
// tests/unit/exec/window_state_test.cc.
#pragma once
#include <cstdint>
#include <vector>

namespace postern::exec {

class OrderedValues {
 public:
  static constexpr uint32_t kEmpty = 0;  ///< root of a set without members

  void insert(uint32_t& root, double value);
  /// `value` is a member.
  void erase(uint32_t& root, double value);
  void clear(uint32_t& root);

  uint32_t size(uint32_t root) const { return nodes_[root].size; }

  double kth(uint32_t root, uint32_t k) const;  ///< k < size, from 0

  uint64_t used_bytes() const { return (nodes_.size() - num_free_) * sizeof(Node); }

 private:
  struct Node {
    double value = 0;
    uint32_t left = kEmpty;
    uint32_t right = kEmpty;
    uint32_t size = 0;
    uint32_t priority = 0;
  };

  /// Members below `value` (or equal, with `with_equal`) to `left`, the others to `right`.
  void split(uint32_t root, double value, bool with_equal, uint32_t& left, uint32_t& right);
  uint32_t merge(uint32_t left, uint32_t right);
  void recount(uint32_t node);
  void release(uint32_t node);

  std::vector<Node> nodes_ = std::vector<Node>(1);  // node 0: none
  uint32_t free_ = kEmpty;
  uint64_t num_free_ = 0;
  uint64_t random_ = 0x2545f4914f6cdd1d;
};

}  // namespace postern::exec
