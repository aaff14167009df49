#include "engine/finding_codec.h"

#include <cstring>
#include <utility>

namespace postern::engine {

using data::Type;
using data::Value;

namespace {

constexpr uint8_t kNullBit = 0x80;
constexpr uint8_t kDegradedBit = 1;
constexpr uint8_t kWindowBit = 2;

void put_number(std::string& out, int64_t v) {
  put_varint(out, zigzag(static_cast<uint64_t>(v)));
}

void put_value(std::string& out, const Value& v) {
  const auto type = static_cast<uint8_t>(v.type());
  out.push_back(static_cast<char>(v.is_null() ? type | kNullBit : type));
  if (v.is_null()) return;
  switch (v.type()) {
    case Type::kReal: {
      const double d = v.as_real();
      char bytes[sizeof d];
      std::memcpy(bytes, &d, sizeof d);
      out.append(bytes, sizeof d);
      return;
    }
    case Type::kString:
    case Type::kDynamic:
      return put_bytes(out, v.as_bytes());
    default:
      return put_number(out, v.as_int());
  }
}

Value read_value(VarintReader& in) {
  const uint8_t tag = in.byte();
  const auto type = static_cast<Type>(tag & ~kNullBit);
  if (tag & kNullBit) return Value::null(type);
  switch (type) {
    case Type::kReal: {
      double d = 0;
      std::memcpy(&d, in.fixed(sizeof d).data(), sizeof d);
      return Value::real(d);
    }
    case Type::kString:
      return Value::string(std::string(in.bytes()));
    case Type::kDynamic:
      return Value::dynamic(std::string(in.bytes()));
    default:
      return Value::integer(in.number(), type);
  }
}

uint32_t read_number(VarintReader& in) {
  return static_cast<uint32_t>(in.varint());
}

}  // namespace

uint32_t FindingNames::add(std::string_view text) {
  texts_.emplace_back(text);
  const auto number = static_cast<uint32_t>(texts_.size() - 1);
  numbers_.emplace(texts_.back(), number);
  return number;
}

uint32_t FindingNames::number(std::string_view text) {
  const std::lock_guard lock(mutex_);
  const auto it = numbers_.find(text);
  return it != numbers_.end() ? it->second : add(text);
}

std::optional<uint32_t> FindingNames::field(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (const auto it = numbers_.find(text); it != numbers_.end()) return it->second;
  if (texts_.size() >= kMaxFields || text.size() > kMaxFieldBytes) return std::nullopt;
  return add(text);
}

const std::string& FindingNames::text(uint32_t number) const {
  const std::lock_guard lock(mutex_);
  return texts_[number];
}

uint32_t FindingCodec::number(std::string_view text) {
  if (const auto it = numbers_.find(text); it != numbers_.end()) return it->second;
  const uint32_t number = names_.number(text);
  numbers_.emplace(names_.text(number), number);
  return number;
}

// 0 and the name itself, or its number + 1.
void FindingCodec::put_field(std::string& out, std::string_view name) {
  if (const auto it = numbers_.find(name); it != numbers_.end())
    return put_varint(out, uint64_t{it->second} + 1);
  if (const std::optional<uint32_t> number = names_.field(name)) {
    numbers_.emplace(names_.text(*number), *number);
    return put_varint(out, uint64_t{*number} + 1);
  }
  put_varint(out, 0);
  put_bytes(out, name);
}

std::string FindingCodec::read_field(VarintReader& in) {
  const uint64_t number = in.varint();
  return number == 0 ? std::string(in.bytes()) : text(static_cast<uint32_t>(number - 1));
}

const std::string& FindingCodec::text(uint32_t number) {
  if (number >= texts_.size()) texts_.resize(number + size_t{1}, nullptr);
  if (!texts_[number]) texts_[number] = &names_.text(number);
  return *texts_[number];
}

void FindingCodec::encode(const Finding& f, FindingTurn turn, FindingBatch& out) {
  std::string& b = out.bytes;
  const size_t begin = b.size();
  FindingKey key;
  b.append(sizeof key, '\0');
  b.push_back(static_cast<char>((f.degraded ? kDegradedBit : 0) | (f.window ? kWindowBit : 0)));
  put_bytes(b, f.host);
  put_bytes(b, f.user);
  if (f.window) {
    put_number(b, f.window->from);
    put_number(b, f.window->to);
  }
  put_varint(b, f.row.size());
  for (const auto& [name, value] : f.row) {
    put_field(b, name);
    put_value(b, value);
  }
  put_varint(b, f.why.size());
  for (const Reason& r : f.why) {
    put_field(b, r.field);
    put_field(b, r.op);
    put_value(b, r.value);
  }
  for (const EvidenceRef& e : f.evidence) {
    put_varint(b, number(e.table));
    put_varint(b, number(e.path));
    put_varint(b, e.offset);
    put_varint(b, e.record);
  }
  key.time = f.time;
  key.rule = f.rule;
  key.turn = turn;
  key.num_evidence = static_cast<uint32_t>(f.evidence.size());
  if (!f.evidence.empty()) {
    key.path = number(f.evidence[0].path);
    key.offset = f.evidence[0].offset;
    key.record = f.evidence[0].record;
  }
  key.size = b.size() - begin - sizeof key;
  std::memcpy(b.data() + begin, &key, sizeof key);
  out.rules.push_back(f.rule);
}

FindingKey FindingCodec::key(const char* at) {
  FindingKey key;
  std::memcpy(&key, at, sizeof key);
  return key;
}

Finding FindingCodec::decode(const char* at) {
  const FindingKey k = key(at);
  VarintReader in({at + sizeof k, k.size});
  Finding f;
  f.time = k.time;
  f.rule = k.rule;
  const uint8_t flags = in.byte();
  f.degraded = (flags & kDegradedBit) != 0;
  f.host = in.bytes();
  f.user = in.bytes();
  if (flags & kWindowBit) {
    f.window = Window{};
    f.window->from = in.number();
    f.window->to = in.number();
  }
  f.row.resize(in.varint());
  for (auto& [name, value] : f.row) {
    name = read_field(in);
    value = read_value(in);
  }
  f.why.resize(in.varint());
  for (Reason& r : f.why) {
    r.field = read_field(in);
    r.op = read_field(in);
    r.value = read_value(in);
  }
  f.evidence.resize(k.num_evidence);
  for (EvidenceRef& e : f.evidence) {
    e.table = text(read_number(in));
    e.path = text(read_number(in));
    e.offset = in.varint();
    e.record = in.varint();
  }
  return f;
}

}  // namespace postern::engine
