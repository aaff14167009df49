// One function per kind of value. Numbers go through to_chars: its shortest real form reads back as
// the same value, and nothing here depends on a locale.
#include "input/evtx/value.h"

#include <charconv>

#include "base/text.h"
#include "input/evtx/utf16.h"

namespace postern::input::evtx {
namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";

template <class T>
void append_number(std::string& out, T v, int base = 10) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, base).ptr;
  out.append(buffer, end);
}

template <class T>
void append_real(std::string& out, T v) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, end);
}

void append_upper_hex(std::string& out, std::string_view bytes) {
  const size_t before = out.size();
  out.resize(before + 2 * bytes.size());
  char* p = out.data() + before;
  for (const char c : bytes) {
    *p++ = kUpperHex[static_cast<uint8_t>(c) >> 4];
    *p++ = kUpperHex[static_cast<uint8_t>(c) & 15];
  }
}

void append_hex_number(std::string& out, uint64_t v) {
  out.append("0x");
  append_number(out, v, 16);
}

void append_padded(std::string& out, uint64_t v, size_t digits) {
  char buffer[24];
  const size_t n =
      static_cast<size_t>(std::to_chars(buffer, buffer + sizeof buffer, v).ptr - buffer);
  if (n < digits) out.append(digits - n, '0');
  out.append(buffer, n);
}

// GUID: u32, u16, u16 little-endian, then eight bytes as they are.
void append_guid(std::string& out, std::string_view b) {
  static constexpr uint8_t kOrder[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  char text[38];
  char* p = text;
  *p++ = '{';
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
    const uint8_t byte = static_cast<uint8_t>(b[kOrder[i]]);
    *p++ = kUpperHex[byte >> 4];
    *p++ = kUpperHex[byte & 15];
  }
  *p = '}';
  out.append(text, sizeof text);
}

/// Bytes of the SID at the start of `b`, or 0 when it does not fit.
size_t sid_size(std::string_view b) {
  if (b.size() < 8) return 0;
  const size_t n = 8 + 4 * size_t{static_cast<uint8_t>(b[1])};
  return n <= b.size() ? n : 0;
}

// SID: revision, count, 48-bit big-endian authority, sub-authorities ([MS-DTYP] 2.4.2.1).
bool append_sid(std::string& out, std::string_view b) {
  const size_t size = sid_size(b);
  if (size == 0) return false;
  uint64_t authority = 0;
  for (size_t i = 2; i < 8; ++i)
    authority = authority << 8 | static_cast<uint8_t>(b[i]);
  out.append("S-");
  append_number(out, static_cast<unsigned>(static_cast<uint8_t>(b[0])));
  out.push_back('-');
  // By the definition of the text form; no known authority needs it.
  if (authority >> 32)
    append_hex_number(out, authority);
  else
    append_number(out, authority);
  for (size_t i = 8; i < size; i += 4) {
    out.push_back('-');
    append_number(out, load<uint32_t>(b.data() + i));
  }
  return true;
}

struct Date {
  uint64_t year;
  uint64_t month;
  uint64_t day;
};

// Days since 1601-01-01 to a civil date; 1601 starts a 400-year cycle, which makes it exact for the
// whole range of FILETIME (year 60056), unlike the ticks of base/time.h that end with year 9999.
Date date_of_day(uint64_t days) {
  const uint64_t z = days + 306;  // day 0 is 1600-03-01
  const uint64_t era = z / 146'097;
  const uint64_t day_of_era = z % 146'097;
  const uint64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint64_t shifted_month = (5 * day_of_year + 2) / 153;
  const uint64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {1600 + year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

void append_time(std::string& out,
                 const Date& d,
                 uint64_t hour,
                 uint64_t minute,
                 uint64_t second,
                 uint64_t ticks) {
  append_padded(out, d.year, 4);
  out.push_back('-');
  append_padded(out, d.month, 2);
  out.push_back('-');
  append_padded(out, d.day, 2);
  out.push_back('T');
  append_padded(out, hour, 2);
  out.push_back(':');
  append_padded(out, minute, 2);
  out.push_back(':');
  append_padded(out, second, 2);
  out.push_back('.');
  append_padded(out, ticks, 7);
  out.push_back('Z');
}

// SYSTEMTIME: year, month, day of week, day, hour, minute, second, milliseconds.
void append_systemtime(std::string& out, const char* p) {
  const auto part = [p](size_t i) { return uint64_t{load<uint16_t>(p + 2 * i)}; };
  append_time(out, {part(0), part(1), part(3)}, part(4), part(5), part(6), part(7) * 10'000);
}

// The code page of an ANSI string is not stored: UTF-8 when it is that, else Windows-1252.
void append_ansi(std::string& out, std::string_view b) {
  static constexpr char16_t kWindows1252[32] = {
      0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8d,   0x017d, 0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
      0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};
  while (!b.empty() && b.back() == 0)
    b.remove_suffix(1);
  if (valid_utf8(b)) {
    out.append(b);
    return;
  }
  for (const char c : b) {
    const uint8_t u = static_cast<uint8_t>(c);
    append_utf8(out, u >= 0x80 && u < 0xa0 ? char32_t{kWindows1252[u - 0x80]} : char32_t{u});
  }
}

template <class T>
void append_integer(std::string& out, std::string_view b) {
  append_number(out, load<T>(b.data()));
}

}  // namespace

void append_filetime(std::string& out, uint64_t filetime) {
  const uint64_t seconds = filetime / 10'000'000;
  const uint64_t of_day = seconds % 86'400;
  append_time(out, date_of_day(seconds / 86'400), of_day / 3'600, of_day / 60 % 60, of_day % 60,
              filetime % 10'000'000);
}

bool append_text(std::string& out, ValueType type, std::string_view b) {
  // Pointer sizes and handles come in two widths; the others must have the size of their type.
  if (type == ValueType::kSize || type == ValueType::kHandle) {
    if (b.size() == 4)
      append_hex_number(out, load<uint32_t>(b.data()));
    else if (b.size() == 8)
      append_hex_number(out, load<uint64_t>(b.data()));
    else
      append_upper_hex(out, b);
    return b.size() == 4 || b.size() == 8 || b.empty();
  }
  const size_t size = fixed_size(type);
  const bool is_narrow_bool = type == ValueType::kBool && b.size() == 1;
  if (size != 0 && b.size() != size && !is_narrow_bool) {
    append_upper_hex(out, b);
    return b.empty();
  }
  switch (type) {
    case ValueType::kNull:
      break;
    case ValueType::kString:
    case ValueType::kXml:
      append_utf8_from_utf16(out, trim_utf16(b));
      break;
    case ValueType::kAnsiString:
      append_ansi(out, b);
      break;
    case ValueType::kInt8:
      append_number(out, int{load<int8_t>(b.data())});
      break;
    case ValueType::kUInt8:
      append_number(out, unsigned{load<uint8_t>(b.data())});
      break;
    case ValueType::kInt16:
      append_integer<int16_t>(out, b);
      break;
    case ValueType::kUInt16:
      append_integer<uint16_t>(out, b);
      break;
    case ValueType::kInt32:
      append_integer<int32_t>(out, b);
      break;
    case ValueType::kUInt32:
      append_integer<uint32_t>(out, b);
      break;
    case ValueType::kInt64:
      append_integer<int64_t>(out, b);
      break;
    case ValueType::kUInt64:
      append_integer<uint64_t>(out, b);
      break;
    case ValueType::kReal32:
      append_real(out, load<float>(b.data()));
      break;
    case ValueType::kReal64:
      append_real(out, load<double>(b.data()));
      break;
    case ValueType::kBool:
      out.append(b.find_first_not_of('\0') != std::string_view::npos ? "true" : "false");
      break;
    case ValueType::kGuid:
      append_guid(out, b);
      break;
    case ValueType::kFiletime:
      append_filetime(out, load<uint64_t>(b.data()));
      break;
    case ValueType::kSystemtime:
      append_systemtime(out, b.data());
      break;
    case ValueType::kSid:
      if (b.empty() || append_sid(out, b)) break;
      append_upper_hex(out, b);
      return false;
    case ValueType::kHexInt32:
      append_hex_number(out, load<uint32_t>(b.data()));
      break;
    case ValueType::kHexInt64:
      append_hex_number(out, load<uint64_t>(b.data()));
      break;
    default:  // binary, and types that no writer is known to use
      append_upper_hex(out, b);
      return type == ValueType::kBinary;
  }
  return true;
}

void split_array(const RawValue& value, std::vector<RawValue>& out) {
  const ValueType type = value.element_type();
  const uint8_t element = static_cast<uint8_t>(type);
  std::string_view rest = value.bytes;
  if (type == ValueType::kString || type == ValueType::kAnsiString) {
    const size_t unit = type == ValueType::kString ? 2 : 1;
    size_t begin = 0;
    for (size_t at = 0; at + unit <= rest.size(); at += unit) {
      if (rest[at] != 0 || (unit == 2 && rest[at + 1] != 0)) continue;
      out.push_back({rest.substr(begin, at - begin), element});
      begin = at + unit;
    }
    if (begin < rest.size()) out.push_back({rest.substr(begin), element});
    return;
  }
  size_t size = fixed_size(type);
  while (!rest.empty()) {
    if (type == ValueType::kSid) size = sid_size(rest);
    // Sizes and handles in arrays are of unknown width; binary has no inner border at all.
    if (size == 0 || size > rest.size()) size = rest.size();  // the odd rest is one element
    out.push_back({rest.substr(0, size), element});
    rest.remove_prefix(size);
  }
}

std::optional<int64_t> as_integer(const RawValue& value) {
  const char* p = value.bytes.data();
  const ValueType type = value.element_type();
  const size_t size = fixed_size(type);
  if (value.is_array() || size == 0 || value.bytes.size() != size) return std::nullopt;
  switch (type) {
    case ValueType::kInt8:
      return load<int8_t>(p);
    case ValueType::kUInt8:
      return load<uint8_t>(p);
    case ValueType::kInt16:
      return load<int16_t>(p);
    case ValueType::kUInt16:
      return load<uint16_t>(p);
    case ValueType::kInt32:
      return load<int32_t>(p);
    case ValueType::kUInt32:
      return load<uint32_t>(p);
    case ValueType::kInt64:
      return load<int64_t>(p);
    case ValueType::kUInt64:  // the 64 bits as they are; no counter gets that far
      return static_cast<int64_t>(load<uint64_t>(p));
    default:
      return std::nullopt;
  }
}

}  // namespace postern::input::evtx
