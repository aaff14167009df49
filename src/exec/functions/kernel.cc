#include "exec/functions/kernel.h"

namespace postern::exec {

using data::Type;

CellText::CellText(const data::Column& c) : type_(c.type()) {
  switch (data::physical(type_)) {
    case data::Physical::kByte:
      bools_ = c.view<uint8_t>();
      break;
    case data::Physical::kInt64:
      ints_ = c.view<int64_t>();
      break;
    case data::Physical::kDouble:
      reals_ = c.view<double>();
      break;
    case data::Physical::kBytes:
      bytes_ = c.view<std::string_view>();
      break;
  }
}

bool CellText::valid(uint32_t row) const {
  if (type_ == Type::kNull) return false;
  switch (data::physical(type_)) {
    case data::Physical::kByte:
      return bools_.valid(row);
    case data::Physical::kInt64:
      return ints_.valid(row);
    case data::Physical::kDouble:
      return reals_.valid(row);
    case data::Physical::kBytes:
      return bytes_.valid(row) && (type_ != Type::kDynamic || !dynamic(row).is_null());
  }
  return false;
}

std::string_view CellText::operator[](uint32_t row) {
  switch (type_) {
    case Type::kString:
      return bytes_[row];
    case Type::kDynamic: {
      const data::Dynamic d = dynamic(row);
      if (d.is_string()) return d.as_string();
      buffer_ = d.text();
      return buffer_;
    }
    case Type::kBool:
      return bools_[row] ? "true" : "false";
    case Type::kReal:
      buffer_ = real_text(reals_[row]);
      return buffer_;
    case Type::kDatetime:
      buffer_ = format_rfc3339(ints_[row]);
      return buffer_;
    case Type::kTimespan:
      buffer_ = format_timespan(ints_[row]);
      return buffer_;
    default: {
      char digits[24];
      const auto end = std::to_chars(digits, digits + sizeof digits, ints_[row]).ptr;
      buffer_.assign(digits, end);
      return buffer_;
    }
  }
}

}  // namespace postern::exec
