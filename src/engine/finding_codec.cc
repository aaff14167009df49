#include "engine/finding_codec.h"

#include <algorithm>
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

void skip_field(VarintReader& in) {
  if (in.varint() == 0) in.bytes();
}

/// The encoded bytes of a value behind its tag.
std::string_view value_bytes(VarintReader& in, uint8_t tag) {
  if (tag & kNullBit) return {};
  switch (static_cast<Type>(tag)) {
    case Type::kReal:
      return in.fixed(sizeof(double));
    case Type::kString:
    case Type::kDynamic:
      return in.bytes();
    default:
      return in.varint_bytes();
  }
}

/// As the texts of the values compare. Most are strings, which are their text, or equal.
int compare_values(VarintReader& a, VarintReader& b) {
  VarintReader at_a = a;
  VarintReader at_b = b;
  const uint8_t tag_a = a.byte();
  const uint8_t tag_b = b.byte();
  const std::string_view bytes_a = value_bytes(a, tag_a);
  const std::string_view bytes_b = value_bytes(b, tag_b);
  if (tag_a == tag_b && bytes_a == bytes_b) return 0;
  if (tag_a == tag_b && static_cast<Type>(tag_a) == Type::kString) return bytes_a.compare(bytes_b);
  return read_value(at_a).text().compare(read_value(at_b).text());
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

void FindingCodec::put_field(std::string& out, std::string_view name, size_t place) {
  constexpr size_t kPlaces = 256;
  if (place >= kPlaces) return put_field(out, name);
  if (place >= last_row_.size()) last_row_.resize(place + 1);
  auto& [known, number] = last_row_[place];
  if (known.data() && known == name) return put_varint(out, uint64_t{number} + 1);
  put_field(out, name);
  if (const auto it = numbers_.find(name); it != numbers_.end()) last_row_[place] = *it;
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
  // In the order in which findings with equal keys are compared.
  for (const EvidenceRef& e : f.evidence) {
    put_varint(b, number(e.table));
    put_varint(b, number(e.path));
    put_varint(b, e.offset);
    put_varint(b, e.record);
  }
  put_varint(b, f.row.size());
  for (size_t i = 0; i < f.row.size(); ++i) {
    put_field(b, f.row[i].first, i);
    put_value(b, f.row[i].second);
  }
  put_varint(b, f.why.size());
  for (const Reason& r : f.why) {
    put_field(b, r.field);
    put_field(b, r.op);
    put_value(b, r.value);
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

int FindingCodec::compare_rest(const char* at_a, const char* at_b) {
  const FindingKey keys[2] = {key(at_a), key(at_b)};
  VarintReader a({at_a + sizeof(FindingKey), keys[0].size});
  VarintReader b({at_b + sizeof(FindingKey), keys[1].size});
  for (VarintReader* in : {&a, &b}) {
    const uint8_t flags = in->byte();
    in->bytes();  // host
    in->bytes();  // user
    if (flags & kWindowBit) in->number(), in->number();
  }
  for (uint32_t i = 0; i < std::min(keys[0].num_evidence, keys[1].num_evidence); ++i) {
    a.varint(), b.varint();  // tables
    const uint32_t paths[2] = {read_number(a), read_number(b)};
    if (paths[0] != paths[1])
      if (const int c = text(paths[0]).compare(text(paths[1])); c != 0) return c;
    for (int place = 0; place < 2; ++place) {  // offset, record
      const uint64_t x = a.varint();
      const uint64_t y = b.varint();
      if (x != y) return x < y ? -1 : 1;
    }
  }
  if (keys[0].num_evidence != keys[1].num_evidence)
    return keys[0].num_evidence < keys[1].num_evidence ? -1 : 1;
  const uint64_t sizes[2] = {a.varint(), b.varint()};
  for (uint64_t i = 0; i < std::min(sizes[0], sizes[1]); ++i) {
    skip_field(a);
    skip_field(b);
    if (const int c = compare_values(a, b); c != 0) return c;
  }
  return sizes[0] == sizes[1] ? 0 : sizes[0] < sizes[1] ? -1 : 1;
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
  f.evidence.resize(k.num_evidence);
  for (EvidenceRef& e : f.evidence) {
    e.table = text(read_number(in));
    e.path = text(read_number(in));
    e.offset = in.varint();
    e.record = in.varint();
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
  return f;
}

}  // namespace postern::engine
