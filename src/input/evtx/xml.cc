// The tokens again, this time with their text. An element is written as it comes; only at its end
// is it known whether an array stood in it, and then its start tag is repeated from the output. An
// attribute is written as well, and taken back when its value turns out to be null.
#include "input/evtx/xml.h"

#include <vector>

#include "base/text.h"
#include "input/evtx/binxml.h"
#include "input/evtx/utf16.h"
#include "input/evtx/value.h"

namespace postern::input::evtx {
namespace {

using Kind = Token::Kind;
constexpr int kMaxNesting = 8;
constexpr size_t kWorkPerToken = 8;
constexpr size_t kMaxElements = 64;
constexpr size_t kMaxFragments = 64;

std::string_view escape_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&apos;";
    default:
      return {};
  }
}

// Run by run: values are long, and characters to escape are rare in them.
void append_escaped(std::string& out, std::string_view text) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view escape = escape_of(text[i]);
    if (escape.empty()) continue;
    out.append(text, run, i - run).append(escape);
    run = i + 1;
  }
  out.append(text, run);
}

/// Writes one record; its limits are those of RecordDecoder, plus the size of the output.
class Renderer {
 public:
  Renderer(std::string_view chunk, size_t max_bytes, std::string& out)
      : chunk_(chunk), max_bytes_(max_bytes), out_(out) {}

  bool fragment(size_t begin, size_t end, int depth) {
    if (depth > kMaxNesting || ++num_fragments_ > kMaxFragments) return false;
    BinXmlScanner scanner(chunk_, begin, end, false);
    for (;;) {
      const size_t at = scanner.at();
      const Token t = scanner.next();
      if (t.kind == Kind::kOther) continue;
      if (t.kind == Kind::kEnd) return true;
      if (t.kind == Kind::kOpen) return tokens(at, end, false, {}, depth);
      if (t.kind != Kind::kTemplate) return false;
      std::vector<RawValue> values;
      const auto instance = read_instance(chunk_, scanner.at(), end, values);
      if (!instance) return false;
      const auto body = definition_tokens(chunk_, instance->definition);
      return body && tokens(body->first, body->second, true, values, depth);
    }
  }

  size_t num_tokens() const { return num_tokens_; }

 private:
  struct Element {
    std::string name;
    size_t start = 0;                  // of "<name" in the output
    size_t content = 0;                // behind the start tag
    std::vector<std::string> repeats;  // texts of an array: one element each
  };

  bool tokens(
      size_t begin, size_t end, bool in_template, const std::vector<RawValue>& values, int depth) {
    BinXmlScanner scanner(chunk_, begin, end, in_template);
    std::vector<Element> open;
    size_t attribute_at = std::string::npos;  // where the current attribute began in the output
    bool attribute_is_null = false;
    const auto end_attribute = [&] {
      if (attribute_at == std::string::npos) return;
      if (attribute_is_null)
        out_.resize(attribute_at);
      else
        out_.push_back('\'');
      attribute_at = std::string::npos;
    };
    for (;;) {
      const Token t = scanner.next();
      ++num_tokens_;
      if (out_.size() > max_bytes_) return false;
      switch (t.kind) {
        case Kind::kEnd:
          return open.empty();
        case Kind::kOpen: {
          end_attribute();
          if (open.size() >= kMaxElements) return false;
          Element e;
          append_utf8_from_utf16(e.name, t.text);
          e.start = out_.size();
          out_.append("<").append(e.name);
          open.push_back(std::move(e));
          break;
        }
        case Kind::kAttribute:
          end_attribute();
          attribute_at = out_.size();
          attribute_is_null = false;
          out_.push_back(' ');
          append_utf8_from_utf16(out_, t.text);
          out_.append("='");
          break;
        case Kind::kCloseStart:
          end_attribute();
          if (open.empty()) return false;
          out_.push_back('>');
          open.back().content = out_.size();
          break;
        case Kind::kCloseEmpty:
          end_attribute();
          if (open.empty()) return false;
          out_.append("/>");
          open.pop_back();
          break;
        case Kind::kEndElement:
          if (open.empty()) return false;
          end_element(open.back());
          open.pop_back();
          break;
        case Kind::kSubstitution: {
          const RawValue v = t.code < values.size() ? values[t.code] : RawValue{};
          // A null text is an empty element, a null attribute no attribute.
          if (attribute_at != std::string::npos)
            attribute_is_null = attribute_is_null || (t.optional && v.is(ValueType::kNull));
          if (!substitution(v, open, depth)) return false;
          break;
        }
        case Kind::kValue:
          append_value(t.value);
          break;
        case Kind::kCdata:
          out_.append("<![CDATA[");
          append_utf8_from_utf16(out_, t.text);
          out_.append("]]>");
          break;
        case Kind::kCharacter:
          out_.append("&#").append(std::to_string(t.code)).append(";");
          break;
        case Kind::kEntity:
          out_.push_back('&');
          append_utf8_from_utf16(out_, t.text);
          out_.push_back(';');
          break;
        case Kind::kOther:
          break;
        default:
          return false;
      }
    }
  }

  bool substitution(const RawValue& v, std::vector<Element>& open, int depth) {
    if (v.is(ValueType::kBinXml)) {
      if (v.bytes.empty()) return true;
      const auto begin = static_cast<size_t>(v.bytes.data() - chunk_.data());
      return fragment(begin, begin + v.bytes.size(), depth + 1);
    }
    if (!v.is_array() || open.empty()) {
      append_value(v);
      return true;
    }
    std::vector<RawValue> elements;
    split_array(v, elements);
    for (const RawValue& e : elements) {
      std::string text;
      append_text(text, e.element_type(), e.bytes);
      open.back().repeats.push_back(std::move(text));
    }
    return true;
  }

  void append_value(const RawValue& v) {
    scratch_.clear();
    append_text(scratch_, v.element_type(), v.bytes);
    append_escaped(out_, scratch_);
  }

  void end_element(const Element& e) {
    const std::string end_tag = "</" + e.name + ">";
    if (e.repeats.size() > 1) {
      const std::string start_tag = out_.substr(e.start, e.content - e.start);
      for (size_t i = 0; i + 1 < e.repeats.size() && out_.size() <= max_bytes_; ++i) {
        append_escaped(out_, e.repeats[i]);
        out_.append(end_tag).append(start_tag);
      }
    }
    if (!e.repeats.empty()) append_escaped(out_, e.repeats.back());
    out_.append(end_tag);
  }

  std::string_view chunk_;
  size_t max_bytes_;
  size_t num_fragments_ = 0;
  size_t num_tokens_ = 0;
  std::string& out_;
  std::string scratch_;
};

}  // namespace

size_t render_xml(
    std::string_view chunk, size_t begin, size_t end, size_t max_bytes, std::string& out) {
  const size_t before = out.size();
  Renderer renderer(chunk, before + max_bytes, out);
  renderer.fragment(begin, end, 0);
  return renderer.num_tokens() * kWorkPerToken + out.size() - before;
}

}  // namespace postern::input::evtx
