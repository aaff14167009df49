// Narrowing is lossy on purpose: a unit that is no ASCII becomes a byte that is none. Only two
// characters beyond ASCII fold to a letter, and where one stands the answer is yes; where a keyword
// has others, it is yes wherever any stands.
#include "input/evtx/value_search.h"

#include <algorithm>

#include "base/text.h"
#include "input/evtx/utf16.h"
#include "input/evtx/value.h"

namespace postern::input::evtx {
namespace {

bool is_utf16(ValueType t) {
  return t == ValueType::kString || t == ValueType::kXml;
}

/// What the text of a type is written with, folded, beside hex digits, which a value of the wrong
/// size is shown in.
std::string_view characters_of(ValueType t) {
  switch (t) {
    case ValueType::kInt8:
    case ValueType::kInt16:
    case ValueType::kInt32:
    case ValueType::kInt64:
      return "-";
    case ValueType::kReal32:
    case ValueType::kReal64:
      return "+-.inf";
    case ValueType::kBool:
      return "truefalse";
    case ValueType::kGuid:
      return "{-}";
    case ValueType::kFiletime:
    case ValueType::kSystemtime:
      return "-t:.z";
    case ValueType::kSid:
      return "s-x";
    case ValueType::kSize:
    case ValueType::kHandle:
    case ValueType::kHexInt32:
    case ValueType::kHexInt64:
      return "x";
    default:
      return "";
  }
}

}  // namespace

void ValueSearch::start(const data::TextGate& gate, std::string_view chunk) {
  chunk_ = chunk;
  size_ = 0;
  is_certain_ = false;
  if (gate_ == &gate) return;
  gate_ = &gate;
  choose_types();
}

void ValueSearch::choose_types() {
  const auto& keywords = gate_->literals();
  seeks_beyond_ascii_ = !std::all_of(keywords.begin(), keywords.end(),
                                     [](const std::string& l) { return is_ascii(l); });
  for (size_t t = 0; t < kNumTypes; ++t) {
    const std::string_view own = characters_of(static_cast<ValueType>(t));
    const auto is_written = [&](char c) {
      constexpr std::string_view kHexDigits = "0123456789abcdef";
      return kHexDigits.find(c) != std::string_view::npos || own.find(c) != std::string_view::npos;
    };
    const auto& literals = gate_->literals();
    renders_[t] = std::any_of(literals.begin(), literals.end(), [&](const std::string& l) {
      return std::all_of(l.begin(), l.end(), is_written);
    });
  }
}

void ValueSearch::add(const RawValue* values, size_t num_values) {
  constexpr ptrdiff_t kWidestGap = 64;  // narrowing what lies between costs less than a new run
  const char* begin = nullptr;
  const char* end = nullptr;
  const auto end_run = [&] {
    if (begin) add_run(begin, end);
    begin = nullptr;
  };
  for (size_t i = 0; i < num_values; ++i) {
    const RawValue& v = values[i];
    if (v.bytes.empty()) continue;
    const ValueType type = v.element_type();
    if (is_utf16(type)) {
      const char* const at = v.bytes.data();
      // A value of odd size in between shifts the units.
      if (begin && (at - end > kWidestGap || (at - begin) % 2 != 0)) end_run();
      if (!begin) begin = at;
      end = at + v.bytes.size();
    } else if (type == ValueType::kAnsiString) {
      is_certain_ = is_certain_ || (seeks_beyond_ascii_ && !is_ascii(v.bytes));
      add_text(v.bytes);
    } else if (type == ValueType::kBinXml && !v.is_array()) {
      end_run();
    } else if (type != ValueType::kNull && renders_[static_cast<uint8_t>(type)]) {
      add_rendered(v);
    }
  }
  end_run();
}

char* ValueSearch::room(size_t bytes) {
  if (text_.size() - size_ < bytes) text_.resize(2 * (size_ + bytes));
  return text_.data() + size_;
}

void ValueSearch::add_run(const char* begin, const char* end) {
  const size_t units = static_cast<size_t>(end - begin) / 2;
  const char* const stop = chunk_.data() + chunk_.size();
  const Narrowed told = narrow_to_search(begin, units, stop, room(units + kNarrowedMore));
  is_certain_ = is_certain_ || told.folds || (told.beyond && seeks_beyond_ascii_);
  size_ += units;
  add_text("\n");
}

void ValueSearch::add_text(std::string_view text) {
  std::copy(text.begin(), text.end(), room(text.size()));
  size_ += text.size();
}

void ValueSearch::add_rendered(const RawValue& v) {
  elements_.clear();
  if (v.is_array())
    split_array(v, elements_);
  else
    elements_.push_back(v);
  for (const RawValue& e : elements_) {
    scratch_.assign("\n");
    append_text(scratch_, e.element_type(), e.bytes);
    add_text(scratch_);
  }
}

bool ValueSearch::may_hold() {
  return is_certain_ || gate_->may_hold_plain({text_.data(), size_});
}

}  // namespace postern::input::evtx
