#include "engine/origin_store.h"

#include <string_view>

#include "base/varint.h"

namespace postern::engine {
namespace {

/// Rows of a block: looking one up reads half of it, and each block has a start of 8 bytes.
constexpr uint64_t kBlockRows = 512;

/// Like put_varint(), with a flag in the lowest bit of the first byte: all 64 bits are needed for
/// the number.
void put_flagged(std::string& out, uint64_t v, bool flag) {
  const auto low = static_cast<unsigned>(v & 0x3F) << 1 | (flag ? 1U : 0U);
  v >>= 6;
  out.push_back(static_cast<char>(v ? low | 0x80 : low));
  if (v) put_varint(out, v);
}

/// Reads what put_flagged() wrote.
uint64_t read_flagged(VarintReader& in, bool& flag) {
  const uint8_t b = in.byte();
  flag = (b & 1) != 0;
  const uint64_t low = (b & 0x7F) >> 1;
  return b < 0x80 ? low : low | in.varint() << 6;
}

}  // namespace

uint32_t OriginStore::source(RowSource source) {
  const auto [it, added] =
      numbers_.try_emplace({source.table, source.path}, static_cast<uint32_t>(sources_.size()));
  if (added) sources_.push_back(std::move(source));
  return it->second;
}

std::optional<uint32_t> OriginStore::reserve(uint64_t n) const {
  if (n > kMaxRows - num_rows_) return std::nullopt;
  return static_cast<uint32_t>(num_rows_);
}

void OriginStore::add(const RowOrigin& row) {
  const bool moved = row.source != last_.source;
  put_flagged(block_, zigzag(row.offset - last_.offset), moved);
  put_varint(block_, zigzag(row.record - last_.record - 1));
  if (moved) put_varint(block_, row.source);
  last_ = row;
  if (++num_rows_ % kBlockRows == 0) put_block();
}

void OriginStore::put_block() {
  if (!error_) {
    starts_.push_back(bytes_.size());
    if (auto added = bytes_.append(block_); !added) error_ = added.take_error();
  }
  block_.clear();
  last_ = {};  // each block can be read alone
}

Result<bool> OriginStore::seal() {
  if (!block_.empty()) put_block();
  if (error_) return *error_;  // what was written may be torn
  POSTERN_TRY(sealed_, bytes_.take());
  return true;
}

std::optional<RowOrigin> OriginStore::find(uint32_t id) const {
  const uint64_t block = id / kBlockRows;
  if (!sealed_ || id >= num_rows_ || block >= starts_.size()) return std::nullopt;
  if (!cursor_ || cursor_->block != block || id + uint64_t{1} < cursor_->next)
    cursor_ =
        Cursor{block, block * kBlockRows, {}, VarintReader(sealed_->view().substr(starts_[block]))};
  Cursor& c = *cursor_;
  for (; c.next <= id; ++c.next) {
    bool moved = false;
    c.row.offset += unzigzag(read_flagged(c.in, moved));
    c.row.record += unzigzag(c.in.varint()) + 1;
    if (moved) c.row.source = static_cast<uint32_t>(c.in.varint());
  }
  return c.row;
}

}  // namespace postern::engine
