// Builds EVTX chunks and files byte by byte, so that tests can say exactly what is in them.
#pragma once
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "input/evtx/binxml.h"
#include "input/evtx/chunk.h"

namespace postern::input::evtx {

inline std::string utf16(std::string_view ascii) {
  std::string out;
  for (const char c : ascii)
    out.push_back(c), out.push_back('\0');
  return out;
}

template <class T>
std::string bytes_of(T v) {
  return {reinterpret_cast<const char*>(&v), sizeof v};
}

/// One chunk. Tokens are written at their final place, because names and templates are chunk
/// offsets.
class ChunkBuilder {
 public:
  /// A value of an instance: its type, and what writes its bytes.
  struct Value {
    uint8_t type;
    std::function<void(ChunkBuilder&)> write;
  };

  static Value value(ValueType type, std::string bytes) {
    return {static_cast<uint8_t>(type), [bytes](ChunkBuilder& b) { b.raw(bytes); }};
  }

  static Value text(std::string_view ascii) { return value(ValueType::kString, utf16(ascii)); }

  static Value array(ValueType type, std::string bytes) {
    return {static_cast<uint8_t>(static_cast<uint8_t>(type) | kArrayFlag),
            [bytes](ChunkBuilder& b) { b.raw(bytes); }};
  }

  static Value nested(std::function<void(ChunkBuilder&)> write) {
    return {static_cast<uint8_t>(ValueType::kBinXml), std::move(write)};
  }

  ChunkBuilder() : out_(kChunkHeaderBytes, '\0') {}

  size_t at() const { return out_.size(); }

  void raw(std::string_view bytes) { out_.append(bytes); }

  template <class T>
  void put(T v) {
    raw(bytes_of(v));
  }

  template <class T>
  void patch(size_t at, T v) {
    std::memcpy(out_.data() + at, &v, sizeof v);
  }

  void record(uint64_t id, const std::function<void(ChunkBuilder&)>& body) {
    const size_t start = at();
    put<uint32_t>(0x00002a2a);
    put<uint32_t>(0);
    put<uint64_t>(id);
    put<uint64_t>(written);
    body(*this);
    while ((at() - start) % 8 != 4)
      raw(std::string(1, '\0'));
    const auto size = static_cast<uint32_t>(at() - start + 4);
    put<uint32_t>(size);
    patch<uint32_t>(start + 4, size);
    record_starts.push_back(start);
  }

  void fragment_header() { raw(std::string_view("\x0f\x01\x01\x00", 4)); }

  void end_of_fragment() { raw(std::string_view("\0", 1)); }

  void name(const std::string& s) {
    if (const auto known = names_.find(s); known != names_.end())
      return put<uint32_t>(known->second);
    const auto offset = static_cast<uint32_t>(at() + 4);
    put<uint32_t>(offset);
    names_[s] = offset;
    put<uint32_t>(0);
    put<uint16_t>(0);
    put<uint16_t>(static_cast<uint16_t>(s.size()));
    raw(utf16(s));
    put<uint16_t>(0);
  }

  ChunkBuilder& open(const std::string& element, bool has_attributes = false) {
    put<uint8_t>(has_attributes ? 0x41 : 0x01);
    if (in_template_) put<uint16_t>(0xffff);
    open_.push_back({at(), 0, 0});
    put<uint32_t>(0);
    name(element);
    if (has_attributes) {
      open_.back().attributes = at();
      put<uint32_t>(0);
    }
    return *this;
  }

  ChunkBuilder& attribute(const std::string& s) {
    if (!open_.empty()) {
      // "More of the same follows", said by the one before.
      if (open_.back().last_attribute > 0) out_[open_.back().last_attribute] = 0x46;
      open_.back().last_attribute = at();
    }
    return put<uint8_t>(0x06), name(s), *this;
  }

  ChunkBuilder& literal(std::string_view ascii) {
    put<uint8_t>(0x05);
    put<uint8_t>(0x01);
    put<uint16_t>(static_cast<uint16_t>(ascii.size()));
    raw(utf16(ascii));
    return *this;
  }

  ChunkBuilder& substitution(uint16_t index, bool optional = true) {
    put<uint8_t>(optional ? 0x0e : 0x0d);
    put<uint16_t>(index);
    put<uint8_t>(0x01);
    return *this;
  }

  ChunkBuilder& close_start() {
    end_attributes();
    return put<uint8_t>(0x02), *this;
  }

  ChunkBuilder& close_empty() {
    end_attributes();
    put<uint8_t>(0x03);
    return end_element();
  }

  ChunkBuilder& end() {
    put<uint8_t>(0x04);
    return end_element();
  }

  /// An instance of the template `id`, whose definition is written where it is first used.
  void instance(uint32_t id,
                const std::function<void(ChunkBuilder&)>& definition,
                const std::vector<Value>& values) {
    put<uint8_t>(0x0c);
    put<uint8_t>(1);
    put<uint32_t>(id);
    if (const auto known = templates_.find(id); known != templates_.end()) {
      put<uint32_t>(known->second);
    } else {
      const auto offset = static_cast<uint32_t>(at() + 4);
      put<uint32_t>(offset);
      templates_[id] = offset;
      put<uint32_t>(0);
      put<uint32_t>(id);
      raw(std::string(12, '\x7'));
      const size_t size_at = at();
      put<uint32_t>(0);
      in_template_ = true;
      fragment_header();
      definition(*this);
      end_of_fragment();
      in_template_ = false;
      patch<uint32_t>(size_at, static_cast<uint32_t>(at() - size_at - 4));
    }
    put<uint32_t>(static_cast<uint32_t>(values.size()));
    const size_t list = at();
    for (const Value& v : values)
      put<uint16_t>(0), put<uint8_t>(v.type), put<uint8_t>(0);
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t start = at();
      values[i].write(*this);
      patch<uint16_t>(list + 4 * i, static_cast<uint16_t>(at() - start));
    }
  }

  /// The chunk, 64 KiB, with its checksums.
  std::string finish() {
    const auto used = static_cast<uint32_t>(out_.size());
    std::memcpy(out_.data(), "ElfChnk\0", 8);
    patch<uint32_t>(40, 128);
    patch<uint32_t>(48, used);
    out_.resize(kChunkBytes);
    seal(out_);
    return out_;
  }

  /// Writes both checksums anew, after a test changed bytes.
  static void seal(std::string& chunk) {
    uint32_t used = 0;
    std::memcpy(&used, chunk.data() + 48, 4);
    const std::string_view all = chunk;
    const uint32_t records = crc32(all.substr(kChunkHeaderBytes, used - kChunkHeaderBytes));
    std::memcpy(chunk.data() + 52, &records, 4);
    const uint32_t header = crc32(all.substr(0, 120), all.substr(128, 384));
    std::memcpy(chunk.data() + 124, &header, 4);
  }

  uint64_t written = 132'500'000'000'000'000;  ///< FILETIME of the records: 2020-11-16
  std::vector<size_t> record_starts;

 private:
  /// Places of the sizes of an open element, which our decoder does not read but others do.
  struct Open {
    size_t size;
    size_t attributes;  // 0: none
    size_t last_attribute;
  };

  void end_attributes() {
    if (open_.empty() || open_.back().attributes == 0) return;
    patch(open_.back().attributes, static_cast<uint32_t>(at() - open_.back().attributes - 4));
  }

  ChunkBuilder& end_element() {
    if (open_.empty()) return *this;
    patch(open_.back().size, static_cast<uint32_t>(at() - open_.back().size - 4));
    open_.pop_back();
    return *this;
  }

  std::string out_;
  std::vector<Open> open_;
  std::map<std::string, uint32_t> names_;
  std::map<uint32_t, uint32_t> templates_;
  bool in_template_ = false;
};

/// A file of chunks behind a header whose counts say nothing.
inline std::string evtx_file(const std::vector<std::string>& chunks) {
  std::string out(kFileHeaderBytes, '\0');
  std::memcpy(out.data(), "ElfFile\0", 8);
  for (const std::string& c : chunks)
    out.append(c);
  return out;
}

/// What the template of the tests' events takes.
struct TestEvent {
  std::string provider = "Microsoft-Windows-Sysmon";
  std::string channel = "Microsoft-Windows-Sysmon/Operational";
  uint16_t id = 1;
  uint64_t time = 132'500'000'001'453'352;
  uint64_t record_id = 7;
};

/// `<Event><System>…</System>` and, as a nested fragment, what `data` writes.
inline void write_event(ChunkBuilder& b,
                        const TestEvent& e,
                        const std::function<void(ChunkBuilder&)>& data) {
  const auto definition = [](ChunkBuilder& t) {
    t.open("Event", true).attribute("xmlns").literal("urn:events").close_start();
    t.open("System").close_start();
    t.open("Provider", true)
        .attribute("Name")
        .substitution(0)
        .attribute("Guid")
        .substitution(1)
        .close_empty();
    t.open("EventID", true)
        .attribute("Qualifiers")
        .substitution(2)
        .close_start()
        .substitution(3)
        .end();
    t.open("Keywords").close_start().substitution(4).end();
    t.open("TimeCreated", true).attribute("SystemTime").substitution(5).close_empty();
    t.open("EventRecordID").close_start().substitution(6).end();
    t.open("Execution", true).attribute("ProcessID").substitution(7).close_empty();
    t.open("Channel").close_start().substitution(8).end();
    t.open("Computer").close_start().literal("HOST").end();
    t.open("Security", true).attribute("UserID").substitution(9).close_empty();
    t.end();
    t.substitution(10);
    t.end();
  };
  using Builder = ChunkBuilder;
  b.fragment_header();
  b.instance(
      1000, definition,
      {Builder::text(e.provider), Builder::value(ValueType::kNull, ""),
       Builder::value(ValueType::kNull, ""), Builder::value(ValueType::kUInt16, bytes_of(e.id)),
       Builder::value(ValueType::kHexInt64, bytes_of(uint64_t{0x8000000000000000})),
       Builder::value(ValueType::kFiletime, bytes_of(e.time)),
       Builder::value(ValueType::kUInt64, bytes_of(e.record_id)),
       Builder::value(ValueType::kUInt32, bytes_of(uint32_t{4321})), Builder::text(e.channel),
       Builder::value(ValueType::kSid, std::string("\x01\x01\0\0\0\0\0\x05\x12\0\0\0", 12)),
       Builder::nested(data)});
  b.end_of_fragment();
}

/// `<EventData>` with one `<Data Name=…>` for each name, each a substitution; for write_event().
inline auto event_data(uint32_t id,
                       std::vector<std::string> names,
                       std::vector<ChunkBuilder::Value> values) {
  return [id, names = std::move(names), values = std::move(values)](ChunkBuilder& b) {
    b.fragment_header();
    b.instance(
        id,
        [&](ChunkBuilder& t) {
          t.open("EventData").close_start();
          for (size_t i = 0; i < names.size(); ++i)
            t.open("Data", true)
                .attribute("Name")
                .literal(names[i])
                .close_start()
                .substitution(static_cast<uint16_t>(i))
                .end();
          t.end();
        },
        values);
    b.end_of_fragment();
  };
}

}  // namespace postern::input::evtx
