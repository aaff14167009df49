// One switch over the token byte. What a token carries is read through a Cursor that cannot leave
// its bytes, so a wrong length ends the scan with kError and nothing else; names are the only thing
// read from elsewhere in the chunk, through a Cursor of their own.
#include "input/evtx/binxml.h"

namespace postern::input::evtx {
namespace {

enum TokenByte : uint8_t {
  kEofToken = 0x00,
  kOpenToken = 0x01,
  kCloseStartToken = 0x02,
  kCloseEmptyToken = 0x03,
  kEndElementToken = 0x04,
  kValueToken = 0x05,
  kAttributeToken = 0x06,
  kCdataToken = 0x07,
  kCharacterToken = 0x08,
  kEntityToken = 0x09,
  kPiTargetToken = 0x0a,
  kPiDataToken = 0x0b,
  kTemplateToken = 0x0c,
  kNormalSubstitutionToken = 0x0d,
  kOptionalSubstitutionToken = 0x0e,
  kFragmentHeaderToken = 0x0f,
};

// "more of the same follows"; on OpenStartElement it says that an attribute list size is there.
constexpr uint8_t kMoreFlag = 0x40;
// A name may lie anywhere in the chunk, and many tokens may share it: without a bound a few bytes
// of template could stand for megabytes.
constexpr size_t kMaxNameUnits = 512;
// Definition: u32 next in hash chain, GUID, u32 size, tokens.
constexpr size_t kBeforeDefinitionSize = 20;

}  // namespace

size_t fixed_size(ValueType t) {
  switch (t) {
    case ValueType::kInt8:
    case ValueType::kUInt8:
      return 1;
    case ValueType::kInt16:
    case ValueType::kUInt16:
      return 2;
    case ValueType::kInt32:
    case ValueType::kUInt32:
    case ValueType::kReal32:
    case ValueType::kBool:
    case ValueType::kHexInt32:
    case ValueType::kHandle:
      return 4;
    case ValueType::kInt64:
    case ValueType::kUInt64:
    case ValueType::kReal64:
    case ValueType::kFiletime:
    case ValueType::kHexInt64:
      return 8;
    case ValueType::kGuid:
    case ValueType::kSystemtime:
      return 16;
    default:
      return 0;
  }
}

// Name: u32 next in hash chain, u16 hash, u16 characters, the characters, u16 zero. The chain is
// for writers; it is never followed, so it cannot be a cycle.
bool BinXmlScanner::read_name(Token& t) {
  t.name_at = cursor_.take<uint32_t>();
  if (cursor_.failed()) return false;
  const bool is_inline = t.name_at == cursor_.at();
  Cursor name(chunk_, t.name_at);
  name.skip(6);
  const size_t length = name.take<uint16_t>();
  t.text = name.take_bytes(length * 2);
  if (name.failed() || length > kMaxNameUnits) return false;
  if (is_inline) cursor_.skip(length * 2 + 10);
  return !cursor_.failed();
}

bool BinXmlScanner::read_value(Token& t) {
  t.value.type = cursor_.take<uint8_t>();
  const ValueType type = t.value.element_type();
  if (t.value.is_array()) return false;
  if (type == ValueType::kString || type == ValueType::kXml)
    t.value.bytes = cursor_.take_bytes(size_t{cursor_.take<uint16_t>()} * 2);
  else if (type == ValueType::kAnsiString || type == ValueType::kBinary)
    t.value.bytes = cursor_.take_bytes(cursor_.take<uint16_t>());
  else if (const size_t size = fixed_size(type))
    t.value.bytes = cursor_.take_bytes(size);
  else if (type != ValueType::kNull)
    return false;
  return !cursor_.failed();
}

Token BinXmlScanner::next() {
  Token t;
  if (cursor_.left() == 0) return t;
  bool ok = true;
  const uint8_t byte = cursor_.take<uint8_t>();
  const bool more = byte & kMoreFlag;
  switch (byte & ~kMoreFlag) {
    case kEofToken:
      break;
    case kOpenToken:
      t.kind = Token::Kind::kOpen;
      if (in_template_) cursor_.skip(2);
      cursor_.skip(4);
      ok = read_name(t);
      if (more) cursor_.skip(4);
      break;
    case kCloseStartToken:
      t.kind = Token::Kind::kCloseStart;
      break;
    case kCloseEmptyToken:
      t.kind = Token::Kind::kCloseEmpty;
      break;
    case kEndElementToken:
      t.kind = Token::Kind::kEndElement;
      break;
    case kValueToken:
      t.kind = Token::Kind::kValue;
      ok = read_value(t);
      break;
    case kAttributeToken:
      t.kind = Token::Kind::kAttribute;
      ok = read_name(t);
      break;
    case kCdataToken:
      t.kind = Token::Kind::kCdata;
      t.text = cursor_.take_bytes(size_t{cursor_.take<uint16_t>()} * 2);
      break;
    case kCharacterToken:
      t.kind = Token::Kind::kCharacter;
      t.code = cursor_.take<uint16_t>();
      break;
    case kEntityToken:
      t.kind = Token::Kind::kEntity;
      ok = read_name(t);
      break;
    case kPiTargetToken:
      t.kind = Token::Kind::kOther;
      ok = read_name(t);
      break;
    case kPiDataToken:
      t.kind = Token::Kind::kOther;
      cursor_.skip(size_t{cursor_.take<uint16_t>()} * 2);
      break;
    case kTemplateToken:
      t.kind = Token::Kind::kTemplate;
      break;
    case kNormalSubstitutionToken:
    case kOptionalSubstitutionToken:
      t.kind = Token::Kind::kSubstitution;
      t.optional = (byte & ~kMoreFlag) == kOptionalSubstitutionToken;
      t.code = cursor_.take<uint16_t>();
      cursor_.skip(1);  // declared type; the value's own type decides
      break;
    case kFragmentHeaderToken:
      t.kind = Token::Kind::kOther;
      cursor_.skip(3);
      break;
    default:
      ok = false;
      break;
  }
  if (!ok || cursor_.failed()) t.kind = Token::Kind::kError;
  return t;
}

// Instance: u8, u32 id, u32 offset of the definition, the definition itself when that is the next
// byte, u32 number of values, (u16 size, u8 type, u8) of each, then their bytes.
std::optional<Instance> read_instance(std::string_view chunk,
                                      size_t at,
                                      size_t end,
                                      std::vector<RawValue>& values) {
  const std::string_view within = chunk.substr(0, end);
  Cursor c(within, at);
  c.skip(5);
  Instance out;
  out.definition = c.take<uint32_t>();
  if (out.definition == c.at()) {
    c.skip(kBeforeDefinitionSize);
    c.skip(c.take<uint32_t>());
  }
  const size_t num_values = c.take<uint32_t>();
  if (c.failed() || num_values > c.left() / 4) return std::nullopt;
  out.first_value = static_cast<uint32_t>(values.size());
  out.num_values = static_cast<uint32_t>(num_values);
  Cursor bytes(within, c.at() + num_values * 4);
  for (size_t i = 0; i < num_values; ++i) {
    RawValue v;
    const size_t size = c.take<uint16_t>();
    v.type = c.take<uint8_t>();
    c.skip(1);
    v.bytes = bytes.take_bytes(size);
    if (bytes.failed() && size != 0) out.is_cut = true, v.type = 0;
    out.has_nested = out.has_nested || v.is(ValueType::kBinXml);
    values.push_back(v);
  }
  return out;
}

std::optional<std::pair<size_t, size_t>> definition_tokens(std::string_view chunk,
                                                           size_t definition) {
  Cursor c(chunk, definition);
  c.skip(kBeforeDefinitionSize);
  const size_t size = c.take<uint32_t>();
  if (c.failed() || size > c.left()) return std::nullopt;
  return std::pair{c.at(), c.at() + size};
}

}  // namespace postern::input::evtx
