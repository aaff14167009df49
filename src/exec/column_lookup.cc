#include "exec/column_lookup.h"

#include <algorithm>
#include <optional>

#include "base/scoped_seconds.h"
#include "base/text.h"
#include "base/text_hash.h"
#include "data/dynamic.h"
#include "exec/number_text.h"

namespace postern::exec {

using data::Column;
using data::Rows;
using data::Type;

namespace {

constexpr size_t kMaxLists = size_t{1} << 16;
constexpr size_t kMaxBytes = size_t{48} << 20;  // of all columns together
constexpr size_t kCacheLine = 64;

void sort_unique(std::vector<uint32_t>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

ColumnLookup::ColumnLookup(const FilterPrograms& programs)
    : programs_(programs), known_(programs.columns().size()), values_(programs.columns().size()) {
  for (const FilterProgram& f : programs.filters())
    for (const size_t c : f.asked_columns)
      known_[c].identified = true;
  clear();
}

void ColumnLookup::clear() {
  lists_.clear();
  for (size_t c = 0; c < known_.size(); ++c) {
    known_[c].memo.clear();
    known_[c].literals.clear();
    known_[c].touched.assign(1, 0);
    known_[c].numbers.clear();
    if (data::is_integer(programs_.columns()[c]->type))
      for (const auto& [number, ids] : programs_.columns()[c]->numbers) {
        ids_ = ids;
        sort_unique(ids_);
        known_[c].numbers.emplace(number, lists_.number_of(ids_));
      }
  }
}

bool ColumnLookup::too_many_lists() const {
  return lists_.size() > kMaxLists ||
         std::any_of(known_.begin(), known_.end(),
                     [](const Known& k) { return k.literals.size() > kMaxLists; }) ||
         memory_bytes() > kMaxBytes;
}

bool ColumnLookup::full() const {
  return too_many_lists() ||
         std::any_of(known_.begin(), known_.end(), [](const Known& k) { return k.memo.full(); });
}

void ColumnLookup::forget(bool all) {
  if (all || too_many_lists()) return clear();
  for (Known& k : known_)
    if (k.memo.full()) k.memo.clear();
}

size_t ColumnLookup::memory_bytes() const {
  size_t bytes = lists_.memory_bytes();
  for (const Known& k : known_)
    bytes += k.memo.memory_bytes() + k.literals.memory_bytes();
  return bytes;
}

void ColumnLookup::run(std::span<const size_t> which,
                       std::span<const Column> columns,
                       Rows rows,
                       uint32_t mark,
                       size_t num_more) {
  width_ = which.size() + num_more + 1;
  num_rows_ = rows.size();
  row_numbers_.resize(std::max(row_numbers_.size(), rows.size() * width_));
  row_sizes_.assign(rows.size(), 1);
  for (size_t k = 0; k < rows.size(); ++k)
    row_numbers_[k * width_] = mark;
  look_up(which, columns, rows);
}

void ColumnLookup::run_more(std::span<const size_t> which,
                            std::span<const Column> columns,
                            Rows rows,
                            std::span<const uint32_t> places,
                            uint32_t mark) {
  for (const uint32_t k : places)
    row_numbers_[k * width_] = mark;
  places_ = places;
  look_up(which, columns, rows);
  places_ = {};
}

void ColumnLookup::look_up(std::span<const size_t> which,
                           std::span<const Column> columns,
                           Rows rows) {
  for (const size_t c : which) {
    const ColumnIndex& index = *programs_.columns()[c];
    const Column& column = columns[index.slot];
    if (known_[c].identified) values_[c].assign(num_rows_, kNull);
    if (column.type() == Type::kNull) continue;
    FilterProfile::Column* cost = profile_ ? &profile_->columns[c] : nullptr;
    if (cost) cost->texts += rows.size();
    const ScopedSeconds clock(cost ? &cost->seconds : nullptr);
    if (index.type == Type::kString)
      look_up_texts(c, column, rows);
    else if (index.type == Type::kDynamic)
      look_up_members(c, column, rows);
    else
      look_up_numbers(c, column, rows);
  }
}

inline void ColumnLookup::add(size_t k, uint32_t list) {
  const size_t at = place_of(k);
  row_numbers_[at * width_ + row_sizes_[at]] = list;
  row_sizes_[at] += list != 0;  // an empty list is written over
}

void ColumnLookup::look_up_texts(size_t c, const Column& column, Rows rows) {
  const ColumnIndex& index = *programs_.columns()[c];
  Known& known = known_[c];
  ValueMemo& memo = known.memo;
  const auto view = column.view<std::string_view>();
  const auto text_of = [&](size_t k) { return view[rows[k]]; };
  const auto put = [&](size_t k, const ValueMemo::Answer& answer) {
    add(k, answer.list);
    if (known.identified)
      values_[c][place_of(k)] = answer.value == 0 ? kUnknown : kNull + answer.value;
  };
  const auto get = [&](size_t k, uint64_t hash) {
    return memo.get(text_of(k), hash, [&] { return list_of(c, text_of(k)); });
  };
  if (column.is_constant()) {
    if (!view.valid(rows[0])) return;
    const ValueMemo::Answer answer = get(0, text_hash(text_of(0)));
    for (size_t k = 0; k < rows.size(); ++k)
      put(k, answer);
    return;
  }
  // A look at the text is quicker than the memory of it.
  if (index.texts.is_quick() && index.numbers.empty() && !known.identified) {
    for (size_t k = 0; k < rows.size(); ++k)
      if (view.valid(rows[k]) && index.texts.may_hold(text_of(k)))
        put(k, get(k, text_hash(text_of(k))));
    return;
  }
  // A few rows ahead, so that memory is fetched while others are hashed: the texts themselves were
  // last seen by the decoder, a batch ago.
  constexpr size_t kAhead = 16;
  std::array<uint32_t, kAhead> some{};
  std::array<uint64_t, kAhead> hashes{};  // 0: the text of the row before
  std::optional<std::string_view> before;
  ValueMemo::Answer answer;
  const auto fetch_text = [&](size_t k) {
    if (k >= rows.size() || !view.valid(rows[k])) return;
    const std::string_view text = text_of(k);
    __builtin_prefetch(text.data());
    if (text.size() > kCacheLine) __builtin_prefetch(text.data() + kCacheLine);
  };
  for (size_t k = 0; k < kAhead; ++k)
    fetch_text(k);
  size_t next = 0;
  while (next < rows.size()) {
    size_t n = 0;
    for (; next < rows.size() && n < kAhead; ++next) {
      fetch_text(next + kAhead);
      if (view.valid(rows[next])) some[n++] = static_cast<uint32_t>(next);
    }
    if (memo.bypasses()) {
      for (size_t i = 0; i < n; ++i) {
        memo.skip();
        put(some[i], {list_of(c, text_of(some[i])), kUnknown});
      }
      before.reset();
      continue;
    }
    for (size_t i = 0; i < n; ++i) {
      const std::string_view text = text_of(some[i]);
      hashes[i] = before == text ? 0 : text_hash(text);
      before = text;
      if (hashes[i] != 0) memo.prefetch_slot(hashes[i]);
    }
    for (size_t i = 0; i < n; ++i)
      if (hashes[i] != 0) memo.prefetch_text(hashes[i]);
    for (size_t i = 0; i < n; ++i) {
      if (hashes[i] != 0) answer = get(some[i], hashes[i]);
      put(some[i], answer);
    }
  }
}

/// Of an array every member, of another value its text.
void ColumnLookup::look_up_members(size_t c, const Column& column, Rows rows) {
  const ColumnIndex& index = *programs_.columns()[c];
  const auto view = column.view<std::string_view>();
  for (size_t k = 0; k < rows.size(); ++k) {
    if (!view.valid(rows[k])) continue;
    const data::Dynamic value(view[rows[k]]);
    if (index.texts_only && !index.texts.may_hold(view[rows[k]])) continue;
    merged_.clear();
    const auto add_text = [&](std::string_view text) {
      const uint32_t list =
          known_[c].memo.get(text, text_hash(text), [&] { return list_of(c, text); }).list;
      merged_.insert(merged_.end(), lists_[list].begin(), lists_[list].end());
    };
    const auto add_value = [&](const data::Dynamic& d) {
      if (d.is_string())
        add_text(d.as_string());
      else if (!d.is_null())
        add_text(d.text());
    };
    if (value.is_array())
      for (uint32_t i = 0; i < value.size(); ++i)
        add_value(value.at(i));
    else
      add_value(value);
    sort_unique(merged_);
    add(k, lists_.number_of(merged_));
  }
}

void ColumnLookup::look_up_numbers(size_t c, const Column& column, Rows rows) {
  const std::unordered_map<double, uint32_t>& numbers = known_[c].numbers;
  const auto view = column.view<int64_t>();
  int64_t last = 0;
  uint32_t list = 0;
  bool any = false;
  for (size_t k = 0; k < rows.size(); ++k) {
    if (!view.valid(rows[k])) continue;
    // Numbers of kinds come in runs.
    if (const int64_t n = view[rows[k]]; !any || n != last) {
      const auto it = numbers.find(static_cast<double>(n));
      list = it == numbers.end() ? 0 : it->second;
      last = n;
      any = true;
    }
    add(k, list);
  }
}

/// The list of predicates that a text touches.
uint32_t ColumnLookup::list_of(size_t c, std::string_view text) {
  const ColumnIndex& index = *programs_.columns()[c];
  Known& known = known_[c];
  if (profile_) ++profile_->columns[c].computed;
  found_.clear();
  if (!index.texts.empty() && index.texts.may_hold(text)) {
    fold(text, folded_);
    index.texts.find(folded_, found_, known.marks);
  }
  const uint32_t found = known.literals.number_of(found_);
  if (found == known.touched.size()) {
    ids_.clear();
    for (const uint32_t literal : found_) {
      const auto ids = index.texts.ids(literal);
      ids_.insert(ids_.end(), ids.begin(), ids.end());
    }
    sort_unique(ids_);
    known.touched.push_back(lists_.number_of(ids_));
  }
  const uint32_t list = known.touched[found];
  if (index.numbers.empty()) return list;
  const auto number = number_of(text);
  const auto it = number ? index.numbers.find(*number) : index.numbers.end();
  if (it == index.numbers.end()) return list;
  ids_ = it->second;
  ids_.insert(ids_.end(), lists_[list].begin(), lists_[list].end());
  sort_unique(ids_);
  return lists_.number_of(ids_);
}

}  // namespace postern::exec
