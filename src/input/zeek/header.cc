#include "input/zeek/header.h"

#include "base/hex_digit.h"
#include "base/text.h"

namespace postern::input::zeek {
namespace {

Kind kind_of(std::string_view type) {
  if (type == "time") return Kind::kTime;
  if (type == "interval" || type == "double") return Kind::kReal;
  if (type == "count" || type == "int" || type == "port") return Kind::kInteger;
  if (type == "bool") return Kind::kBool;
  return Kind::kText;
}

/// "set[string]" → "string"; "" when the type is no container.
std::string_view element_type(std::string_view type) {
  for (const std::string_view container : {"set[", "vector[", "table[", "list["})
    if (type.substr(0, container.size()) == container && type.back() == ']')
      return type.substr(container.size(), type.size() - container.size() - 1);
  return {};
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out.push_back(text[i]);
    } else if (text[i + 1] == '\\') {
      out.push_back('\\');
      ++i;
    } else if (text[i + 1] == 'x' && i + 3 < text.size() && hex_digit(text[i + 2]) >= 0 &&
               hex_digit(text[i + 3]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3])));
      i += 3;
    } else {
      out.push_back('\\');
    }
  }
  return out;
}

std::string unescape_text(std::string_view value) {
  const std::string bytes = unescape(value);
  std::string out;
  out.reserve(bytes.size());
  const auto escape = [&](char c) {
    out.append("\\x");
    out.append(hex({&c, 1}));
  };
  for (size_t i = 0; i < bytes.size();) {
    const char c = bytes[i];
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x80) {
      size_t end = i;
      next_code_point(bytes, end);
      if (end == i + 1)
        escape(c);
      else
        out.append(bytes, i, end - i);
      i = end;
      continue;
    }
    const bool printable_control = c == '\b' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
    if ((byte < 0x20 || byte == 0x7F) && !printable_control)
      escape(c);
    else
      out.push_back(c);
    ++i;
  }
  return out;
}

bool Header::take(std::string_view line) {
  constexpr std::string_view kSeparator = "#separator ";
  if (line.substr(0, kSeparator.size()) == kSeparator) {
    const std::string separator_text = unescape(line.substr(kSeparator.size()));
    *this = Header();  // a new log begins
    if (!separator_text.empty()) separator = separator_text[0];
    return !separator_text.empty();
  }
  const size_t end = line.find(separator);
  const std::string_view name = line.substr(0, end);
  const std::string_view rest =
      end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  if (name == "#set_separator") {
    if (const std::string text = unescape(rest); !text.empty()) set_separator = text[0];
  } else if (name == "#empty_field") {
    empty_field = rest;
  } else if (name == "#unset_field") {
    unset_field = rest;
  } else if (name == "#path") {
    path = rest;
  } else if (name == "#fields") {
    fields.clear();
    for (const std::string_view f : split(rest, separator))
      fields.push_back({std::string(f), Kind::kText, false});
  } else if (name == "#types") {
    size_t i = 0;
    for (const std::string_view type : split(rest, separator)) {
      if (i >= fields.size()) break;
      const std::string_view element = element_type(type);
      fields[i].is_container = !element.empty();
      fields[i].kind = kind_of(element.empty() ? type : element);
      ++i;
    }
  } else {
    return name == "#open" || name == "#close";
  }
  return true;
}

int Header::time_field() const {
  int first = -1;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].kind != Kind::kTime || fields[i].is_container) continue;
    if (fields[i].name == "ts") return static_cast<int>(i);
    if (first < 0) first = static_cast<int>(i);
  }
  return first;
}

}  // namespace postern::input::zeek
