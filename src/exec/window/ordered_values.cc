#include "exec/window/ordered_values.h"

namespace postern::exec {

void OrderedValues::recount(uint32_t node) {
  Node& n = nodes_[node];
  n.size = 1 + nodes_[n.left].size + nodes_[n.right].size;
}

void OrderedValues::release(uint32_t node) {
  nodes_[node] = Node{};
  nodes_[node].left = free_;
  free_ = node;
  ++num_free_;
}

void OrderedValues::split(
    uint32_t root, double value, bool with_equal, uint32_t& left, uint32_t& right) {
  if (root == kEmpty) {
    left = right = kEmpty;
    return;
  }
  Node& n = nodes_[root];  // no node is made below: the reference stays good
  const bool to_left = n.value < value || (with_equal && n.value == value);
  if (to_left) {
    split(n.right, value, with_equal, n.right, right);
    left = root;
  } else {
    split(n.left, value, with_equal, left, n.left);
    right = root;
  }
  recount(root);
}

uint32_t OrderedValues::merge(uint32_t left, uint32_t right) {
  if (left == kEmpty) return right;
  if (right == kEmpty) return left;
  if (nodes_[left].priority > nodes_[right].priority) {
    nodes_[left].right = merge(nodes_[left].right, right);
    recount(left);
    return left;
  }
  nodes_[right].left = merge(left, nodes_[right].left);
  recount(right);
  return right;
}

void OrderedValues::insert(uint32_t& root, double value) {
  uint32_t node = free_;
  if (node == kEmpty) {
    node = static_cast<uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    free_ = nodes_[node].left;
    --num_free_;
  }
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  nodes_[node] = {value, kEmpty, kEmpty, 1, static_cast<uint32_t>(random_ >> 32)};
  uint32_t left = kEmpty;
  uint32_t right = kEmpty;
  split(root, value, true, left, right);
  root = merge(merge(left, node), right);
}

void OrderedValues::erase(uint32_t& root, double value) {
  uint32_t left = kEmpty;
  uint32_t middle = kEmpty;
  uint32_t right = kEmpty;
  split(root, value, false, left, middle);
  split(middle, value, true, middle, right);
  // One of the equal ones leaves: the root of their tree.
  const uint32_t gone = middle;
  middle = merge(nodes_[gone].left, nodes_[gone].right);
  release(gone);
  root = merge(merge(left, middle), right);
}

void OrderedValues::clear(uint32_t& root) {
  while (root != kEmpty) {
    // Rotations keep the depth logarithmic, and taking the root is enough to reach all.
    const uint32_t gone = root;
    root = merge(nodes_[gone].left, nodes_[gone].right);
    release(gone);
  }
}

double OrderedValues::kth(uint32_t root, uint32_t k) const {
  for (;;) {
    const Node& n = nodes_[root];
    const uint32_t below = nodes_[n.left].size;
    if (k < below) {
      root = n.left;
    } else if (k == below) {
      return n.value;
    } else {
      k -= below + 1;
      root = n.right;
    }
  }
}

}  // namespace postern::exec
