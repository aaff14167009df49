// parse_xml: an XML text as a bag, by Kusto's rules.
//
// An element is null when it is empty, a text (or number) when it holds nothing else, else a bag of
// its attributes (@name), its text (#text) and its elements, where several of one name become an
// array. What is no XML, and what is longer than 128 KiB, is null. Entities are those of XML itself
// and numbers. Source: Kusto documentation, parse_xml(). Tests: tests/cases/kql/parse_xml.case.
#include <cmath>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

constexpr size_t kMaxBytes = size_t{128} << 10;
constexpr int kMaxDepth = 64;

struct Element {
  std::string name;
  std::string text;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<Element> children;
};

bool name_char(char c) {
  return ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '-' || c == '.' || c == ':' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Xml {
 public:
  explicit Xml(std::string_view s) : s_(s) {}

  /// The one element of a document; false when the text is no document.
  bool document(Element& out) {
    if (!between_elements()) return false;
    if (!element(out, 0)) return false;
    return between_elements() && at_ == s_.size();
  }

 private:
  bool starts(std::string_view t) const { return s_.substr(at_, t.size()) == t; }

  bool skip_to(std::string_view end) {
    const size_t hit = s_.find(end, at_);
    if (hit == std::string_view::npos) return false;
    at_ = hit + end.size();
    return true;
  }

  void blanks() {
    while (at_ < s_.size() && ascii_space(s_[at_]))
      ++at_;
  }

  /// Blanks, comments, the declaration, a document type.
  bool between_elements() {
    for (;;) {
      blanks();
      if (starts("\xEF\xBB\xBF"))
        at_ += 3;
      else if (starts("<?") || starts("<!--") || starts("<!DOCTYPE")) {
        if (!skip_to(starts("<?") ? "?>" : starts("<!--") ? "-->" : ">")) return false;
      } else {
        return true;
      }
    }
  }

  std::string name() {
    const size_t from = at_;
    while (at_ < s_.size() && name_char(s_[at_]))
      ++at_;
    return std::string(s_.substr(from, at_ - from));
  }

  /// Text with its entities put in.
  static std::string unescaped(std::string_view s) {
    std::string out;
    for (size_t i = 0; i < s.size(); ++i) {
      const size_t end = s[i] == '&' ? s.find(';', i) : std::string_view::npos;
      if (end == std::string_view::npos || end - i > 10) {
        out += s[i];
        continue;
      }
      const std::string_view e = s.substr(i + 1, end - i - 1);
      static constexpr std::pair<std::string_view, char> kNamed[] = {
          {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
      bool known = false;
      for (const auto& [n, c] : kNamed) {
        if (e != n) continue;
        out += c;
        known = true;
      }
      if (!known && e.starts_with('#')) {
        const bool hexadecimal = e.size() > 1 && (e[1] | 32) == 'x';
        uint32_t code = 0;
        known = e.size() > (hexadecimal ? 2U : 1U);
        for (const char c : e.substr(hexadecimal ? 2 : 1)) {
          const int digit = ascii_digit(c) ? c - '0'
                            : hexadecimal && (c | 32) >= 'a' && (c | 32) <= 'f'
                                ? (c | 32) - 'a' + 10
                                : -1;
          known = known && digit >= 0 && code <= 0x10FFFF;
          if (known) code = code * (hexadecimal ? 16 : 10) + static_cast<uint32_t>(digit);
        }
        if (known) append_utf8(out, code);
      }
      if (known)
        i = end;
      else
        out += s[i];
    }
    return out;
  }

  bool attributes(Element& out) {
    for (;;) {
      blanks();
      if (starts(">") || starts("/>")) return true;
      std::string key = name();
      blanks();
      if (key.empty() || !starts("=")) return false;
      ++at_;
      blanks();
      if (at_ >= s_.size() || (s_[at_] != '"' && s_[at_] != '\'')) return false;
      const char quote = s_[at_++];
      const size_t end = s_.find(quote, at_);
      if (end == std::string_view::npos) return false;
      out.attributes.emplace_back("@" + key, unescaped(s_.substr(at_, end - at_)));
      at_ = end + 1;
    }
  }

  bool element(Element& out, int depth) {
    if (depth > kMaxDepth || !starts("<")) return false;
    ++at_;
    out.name = name();
    if (out.name.empty() || !attributes(out)) return false;
    if (starts("/>")) {
      at_ += 2;
      return true;
    }
    ++at_;  // >
    for (;;) {
      const size_t open = s_.find('<', at_);
      if (open == std::string_view::npos) return false;
      out.text += unescaped(s_.substr(at_, open - at_));
      at_ = open;
      if (starts("</")) {
        at_ += 2;
        if (name() != out.name) return false;
        blanks();
        if (!starts(">")) return false;
        ++at_;
        return true;
      }
      if (starts("<!--")) {
        if (!skip_to("-->")) return false;
      } else if (starts("<![CDATA[")) {
        const size_t from = at_ + 9;
        if (!skip_to("]]>")) return false;
        out.text += s_.substr(from, at_ - 3 - from);
      } else if (starts("<?")) {
        if (!skip_to("?>")) return false;
      } else {
        Element child;
        if (!element(child, depth + 1)) return false;
        out.children.push_back(std::move(child));
      }
    }
  }

  std::string_view s_;
  size_t at_ = 0;
};

/// `118.0` is a number, `007`, `0x1` and `1e5` are texts.
void write_text(DynamicWriter& w, std::string_view s) {
  const std::string_view digits = s.starts_with('-') ? s.substr(1) : s;
  const size_t dot = digits.find('.');
  const std::string_view whole = digits.substr(0, dot);
  bool number = !whole.empty() && whole.size() < 16 && (whole.size() == 1 || whole[0] != '0');
  for (size_t i = 0; i < digits.size(); ++i)
    number = number && (i == dot || ascii_digit(digits[i]));
  if (number && dot == std::string_view::npos) {
    if (const auto v = long_from_text(s)) return w.integer(*v);
  } else if (number && dot + 1 < digits.size()) {
    if (const auto v = real_from_text(s)) return w.real(*v);
  }
  w.string(repair_utf8(s));
}

void write_element(DynamicWriter& w, const Element& e) {
  const std::string_view text = trim(e.text);
  if (e.attributes.empty() && e.children.empty()) {
    if (text.empty()) return w.null();
    return write_text(w, text);
  }
  w.begin_object();
  for (const auto& [key, value] : e.attributes) {
    w.key(repair_utf8(key));
    write_text(w, value);
  }
  if (!text.empty()) {
    w.key("#text");
    write_text(w, text);
  }
  // One entry per name, where the name stands first; its elements in order.
  std::vector<bool> written(e.children.size(), false);
  for (size_t i = 0; i < e.children.size(); ++i) {
    if (written[i]) continue;
    std::vector<const Element*> same;
    for (size_t k = i; k < e.children.size(); ++k) {
      if (e.children[k].name != e.children[i].name) continue;
      same.push_back(&e.children[k]);
      written[k] = true;
    }
    w.key(repair_utf8(e.children[i].name));
    if (same.size() > 1) w.begin_array();
    for (const Element* child : same)
      write_element(w, *child);
    if (same.size() > 1) w.end();
  }
  w.end();
}

Column parse_xml_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    Element root;
    if (s.size() > kMaxBytes || !Xml(s).document(root)) return;
    DynamicWriter w;
    w.begin_object();
    w.key(repair_utf8(root.name));
    write_element(w, root);
    w.end();
    out.set_copy(row, w.take());
  });
}

constexpr Spec kSpecs[] = {
    {"parse_xml", 1, 1, fixed<Type::kDynamic, kTextArg>, parse_xml_kernel,
     "The elements of an XML text as a bag."},
};

}  // namespace

void register_xml(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
