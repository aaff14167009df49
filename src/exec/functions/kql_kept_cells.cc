#include "exec/functions/kql_kept_cells.h"

namespace postern::exec::kql {

KeptCells::Word& KeptCells::word(uint32_t group) {
  if (group >= words_.size()) words_.resize(states_.size());
  return words_[group];
}

std::string& KeptCells::text(uint32_t group) {
  if (group >= texts_.size()) texts_.resize(states_.size());
  return texts_[group];
}

void KeptCells::keep(uint32_t group, const Arg& a, uint32_t row) {
  if (!a.valid(row)) return keep_none(group);
  states_[group] = State::kValue;
  switch (data::physical(a.type())) {
    case data::Physical::kByte:
      word(group).whole = *a.boolean(row) ? 1 : 0;
      break;
    case data::Physical::kInt64:
      word(group).whole = a.ints(row);
      break;
    case data::Physical::kDouble:
      word(group).real = a.reals(row);
      break;
    case data::Physical::kBytes: {
      std::string& kept = text(group);
      const size_t before = kept.capacity();
      kept.assign(a.raw(row));
      long_text_bytes_ += kept.capacity() - before;
      if (kept.empty()) states_[group] = State::kEmptyText;
      break;
    }
  }
}

void KeptCells::append(uint32_t group, ColumnBuilder& out) const {
  if (!valid(group)) {
    if (out.type() == Type::kString)
      out.append_copy("");
    else
      out.append_null();
    return;
  }
  switch (data::physical(out.type())) {
    case data::Physical::kByte:
      return out.append(whole(group) != 0);
    case data::Physical::kInt64:
      return out.append(whole(group));
    case data::Physical::kDouble:
      return out.append(real(group));
    case data::Physical::kBytes:
      return out.append_copy(bytes(group));
  }
}

}  // namespace postern::exec::kql
