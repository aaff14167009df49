// Builds the tree of json.h with simdjson's on-demand interface: unlike its DOM it hands out
// numbers as they are written, so 1.0 stays 1.0 and integers beyond 64 bits are no error.
//
// On demand checks only what is visited; everything is visited here, and the two things it leaves
// to the reader are checked: the grammar of numbers, and that nothing follows the document. Source:
// RFC 8259. Tests: tests/unit/adapt/json_test.cc; fuzz_json.
#include "adapt/json.h"

#include <algorithm>

#include <simdjson.h>

#include "base/text.h"

namespace postern::adapt {

const JsonNode* JsonNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return &value;
  return nullptr;
}

std::string_view JsonNode::get(std::string_view key) const {
  const JsonNode* value = find(key);
  return value != nullptr && value->is_string() ? std::string_view(value->text) : "";
}

namespace {

namespace od = simdjson::ondemand;
using simdjson::error_code;

constexpr std::string_view kBom = "\xef\xbb\xbf";

constexpr std::string_view kBlanks = " \t\r\n";

/// Without JSON's own white space at the end.
std::string_view without_blanks(std::string_view s) {
  return s.substr(0, s.find_last_not_of(kBlanks) + 1);
}

/// RFC 8259 section 6.
bool is_number(std::string_view s) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < s.size() && ascii_digit(s[at]))
      ++at;
    return at > begin;
  };
  if (at < s.size() && s[at] == '-') ++at;
  if (at < s.size() && s[at] == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  if (at < s.size() && s[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < s.size() && (s[at] == 'e' || s[at] == 'E')) {
    ++at;
    if (at < s.size() && (s[at] == '+' || s[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == s.size();
}

error_code build_array(od::array array, JsonNode& node, size_t depth);
error_code build_object(od::object object, JsonNode& node, size_t depth);

/// `Value` is a value or the document itself.
template <class Value>
error_code build(Value& value, JsonNode& node, size_t depth) {
  if (depth > kMaxJsonDepth) return simdjson::DEPTH_ERROR;
  od::json_type type{};
  if (const error_code e = value.type().get(type)) return e;
  switch (type) {
    case od::json_type::array: {
      node.kind = JsonNode::Kind::kArray;
      od::array array;
      if (const error_code e = value.get_array().get(array)) return e;
      return build_array(array, node, depth);
    }
    case od::json_type::object: {
      node.kind = JsonNode::Kind::kObject;
      od::object object;
      if (const error_code e = value.get_object().get(object)) return e;
      return build_object(object, node, depth);
    }
    case od::json_type::string: {
      node.kind = JsonNode::Kind::kString;
      std::string_view text;
      if (const error_code e = value.get_string().get(text)) return e;
      node.text = std::string(text);
      return simdjson::SUCCESS;
    }
    case od::json_type::number: {
      node.kind = JsonNode::Kind::kNumber;
      std::string_view token;
      if (const error_code e =
              simdjson::simdjson_result<std::string_view>(value.raw_json_token()).get(token))
        return e;
      // A token runs to the next structural character.
      const std::string_view number = without_blanks(token);
      if (!is_number(number)) return simdjson::NUMBER_ERROR;
      node.text = std::string(number);
      // Not read, only looked at: inside of a container the iteration steps over it.
      return simdjson::SUCCESS;
    }
    case od::json_type::boolean: {
      node.kind = JsonNode::Kind::kBool;
      return value.get_bool().get(node.boolean);
    }
    case od::json_type::null: {
      bool null = false;
      if (const error_code e = simdjson::simdjson_result<bool>(value.is_null()).get(null)) return e;
      return null ? simdjson::SUCCESS : simdjson::N_ATOM_ERROR;
    }
  }
  return simdjson::TAPE_ERROR;
}

error_code build_array(od::array array, JsonNode& node, size_t depth) {
  for (auto item : array) {
    od::value value;
    if (const error_code e = item.get(value)) return e;
    JsonNode child;
    if (const error_code e = build(value, child, depth + 1)) return e;
    node.items.push_back(std::move(child));
  }
  return simdjson::SUCCESS;
}

error_code build_object(od::object object, JsonNode& node, size_t depth) {
  for (auto member : object) {
    od::field field;
    if (const error_code e = std::move(member).get(field)) return e;
    std::string_view key;
    if (const error_code e = field.unescaped_key().get(key)) return e;
    JsonNode child;
    std::string name(key);  // the view is gone once the value is read
    if (const error_code e = build(field.value(), child, depth + 1)) return e;
    node.entries.push_back({std::move(name), std::move(child)});
  }
  return simdjson::SUCCESS;
}

Error invalid(std::string_view what, size_t offset) {
  return {Code::kInvalid,
          "not valid JSON: " + std::string(what) + " (at byte " + std::to_string(offset) + ")"};
}

/// simdjson 3.0.1 takes a NUL behind a name that is the whole document for a blank, and some blanks
/// for more of the name; so that document is read here.
bool read_name(std::string_view bare, JsonNode& root) {
  root.boolean = bare == "true";
  root.kind = bare == "null" ? JsonNode::Kind::kNull : JsonNode::Kind::kBool;
  return bare == "null" || bare == "true" || bare == "false";
}

/// Errors of the whole text, found before any value: the place is found by looking again.
Error first_pass_error(error_code e, std::string_view text, size_t skipped) {
  if (e == simdjson::CAPACITY) return {Code::kLimit, "a JSON text of 4 GiB or more"};
  if (e == simdjson::UTF8_ERROR) {
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      next_code_point(text, at);
      const bool ascii = static_cast<unsigned char>(text[begin]) < 0x80;
      if (!ascii && at - begin == 1) return invalid("bytes that are not UTF-8", begin + skipped);
    }
  }
  if (e == simdjson::EMPTY) return invalid("the text is empty", skipped);
  return invalid(simdjson::error_message(e), text.size() + skipped);
}

}  // namespace

Result<JsonNode> parse_json(std::string_view text) {
  const size_t skipped = text.starts_with(kBom) ? kBom.size() : 0;
  text.remove_prefix(skipped);
  const simdjson::padded_string padded(text);
  od::parser parser;
  od::document document;
  if (const error_code e = parser.iterate(padded).get(document))
    return first_pass_error(e, text, skipped);

  JsonNode root;
  const std::string_view bare =
      without_blanks(text.substr(std::min(text.find_first_not_of(kBlanks), text.size())));
  if (read_name(bare, root)) return root;
  error_code e = build(document, root, 1);
  bool at_end = false;  // stays so for a name that read_name() did not take
  if (root.kind == JsonNode::Kind::kNumber)
    at_end = bare == root.text;  // the iteration does not step over it
  else if (root.kind != JsonNode::Kind::kNull && root.kind != JsonNode::Kind::kBool)
    at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  if (e == simdjson::SUCCESS && !at_end) e = simdjson::TRAILING_CONTENT;
  if (e == simdjson::SUCCESS) return root;
  const char* location = nullptr;
  size_t offset = text.size();
  if (document.current_location().get(location) == simdjson::SUCCESS)
    offset = static_cast<size_t>(location - padded.data());
  if (e == simdjson::DEPTH_ERROR)
    return Error{Code::kLimit, "JSON nested more than " + std::to_string(kMaxJsonDepth) +
                                   " levels (at byte " + std::to_string(offset + skipped) + ")"};
  return invalid(simdjson::error_message(e), offset + skipped);
}

}  // namespace postern::adapt
