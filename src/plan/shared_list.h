// A list whose copies are one list until somebody changes his: columns of tables and views are the
// same for thousands of rules. Tests: tests/unit/plan/shared_list_test.cc.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace postern::plan {

/// Read as a vector; what changes it takes a copy where others have it too. Copies of one list may
/// be used by several threads.
template <class T>
class SharedList {
 public:
  using value_type = T;
  using const_iterator = typename std::vector<T>::const_iterator;

  SharedList() = default;

  SharedList(std::initializer_list<T> items) : SharedList(std::vector<T>(items)) {}

  SharedList(std::vector<T> items) {
    if (!items.empty()) items_ = std::make_shared<std::vector<T>>(std::move(items));
  }

  template <class It>
  SharedList(It first, It last) : SharedList(std::vector<T>(first, last)) {}

  operator const std::vector<T>&() const { return all(); }

  const_iterator begin() const { return all().begin(); }

  const_iterator end() const { return all().end(); }

  size_t size() const { return all().size(); }

  bool empty() const { return all().empty(); }

  const T& operator[](size_t i) const { return (*items_)[i]; }

  const T& front() const { return items_->front(); }

  const T& back() const { return items_->back(); }

  void push_back(T item) { edit().push_back(std::move(item)); }

  void reserve(size_t n) { edit().reserve(n); }

  /// The items to be changed: ours alone.
  std::vector<T>& edit() {
    if (!items_)
      items_ = std::make_shared<std::vector<T>>();
    else if (items_.use_count() > 1)
      items_ = std::make_shared<std::vector<T>>(*items_);
    return *items_;
  }

  /// The same for all who have this list, and for nobody else while one of them has it.
  const void* id() const { return items_.get(); }

  /// True when both are one list, not only equal.
  bool is(const SharedList& other) const { return items_ == other.items_; }

 private:
  const std::vector<T>& all() const {
    static const std::vector<T> kNone;
    return items_ ? *items_ : kNone;
  }

  std::shared_ptr<std::vector<T>> items_;  // null: none
};

/// Makes equal lists one. `Item` hashes an item, and tells whether two are equal.
template <class T, class Item>
class SharedLists {
 public:
  void share(SharedList<T>& list) {
    if (list.empty()) return;
    size_t h = 0;
    for (const T& item : list)
      h = h * 1'000'003 + Item()(item);
    std::vector<SharedList<T>>& alike = lists_[h];
    for (const SharedList<T>& known : alike) {
      if (known.is(list)) return;
      if (!std::equal(known.begin(), known.end(), list.begin(), list.end(), Item())) continue;
      list = known;
      return;
    }
    alike.push_back(list);
  }

 private:
  std::unordered_map<size_t, std::vector<SharedList<T>>> lists_;
};

}  // namespace postern::plan
