// Random events through the tests' encoder and back: what was written is what is read, as rows and
// again by their reader, whatever the templates, types, nesting and chunks.
#include <cinttypes>
#include <cstdio>
#include <random>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/evtx/evtx.h"
#include "tests/support/evtx_builder.h"

namespace postern::input {
namespace {

using namespace evtx;
using Builder = ChunkBuilder;

/// A value, and the text that Windows renders for it.
struct Sample {
  Builder::Value value;
  std::string text;
};

std::string formatted(const char* format, uint64_t v) {
  char text[64];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  uint64_t below(uint64_t n) { return engine_() % n; }

  uint64_t bits() { return engine_(); }

  std::string word() {
    std::string out;
    for (uint64_t n = 1 + below(20); n > 0; --n)
      out.push_back(static_cast<char>('!' + below(94)));
    return out;
  }

  Sample sample() {
    const uint64_t v = bits();
    switch (below(12)) {
      case 0:
        return {Builder::value(ValueType::kUInt8, bytes_of(static_cast<uint8_t>(v))),
                std::to_string(static_cast<uint8_t>(v))};
      case 1:
        return {Builder::value(ValueType::kInt16, bytes_of(static_cast<int16_t>(v))),
                std::to_string(static_cast<int16_t>(v))};
      case 2:
        return {Builder::value(ValueType::kUInt32, bytes_of(static_cast<uint32_t>(v))),
                std::to_string(static_cast<uint32_t>(v))};
      case 3:
        return {Builder::value(ValueType::kInt64, bytes_of(v)),
                std::to_string(static_cast<int64_t>(v))};
      case 4:
        return {Builder::value(ValueType::kHexInt32, bytes_of(static_cast<uint32_t>(v))),
                formatted("0x%" PRIx64, static_cast<uint32_t>(v))};
      case 5:
        return {Builder::value(ValueType::kHexInt64, bytes_of(v)), formatted("0x%" PRIx64, v)};
      case 6:
        return {Builder::value(ValueType::kBool, bytes_of(static_cast<uint32_t>(v & 1))),
                v & 1 ? "true" : "false"};
      case 7: {
        std::string bytes;
        std::string text;
        for (uint64_t n = below(12); n > 0; --n) {
          const uint64_t byte = below(256);
          bytes.push_back(static_cast<char>(byte));
          text += formatted("%02" PRIX64, byte);
        }
        return {Builder::value(ValueType::kBinary, bytes), text};
      }
      default: {
        const std::string w = word();
        return {Builder::text(w), w};
      }
    }
  }

 private:
  std::mt19937 engine_;
};

using Event = std::vector<std::pair<std::string, Sample>>;

/// The data of an event: literals of the record, or values of a template of their own.
void write_data(Builder& b, const Event& event, uint32_t template_id) {
  const auto element = [&](Builder& t, bool in_template) {
    t.open("EventData").close_start();
    for (size_t i = 0; i < event.size(); ++i) {
      t.open("Data", true).attribute("Name").literal(event[i].first).close_start();
      if (in_template)
        t.substitution(static_cast<uint16_t>(i));
      else
        t.literal(event[i].second.text);
      t.end();
    }
    t.end();
  };
  b.fragment_header();
  if (template_id == 0) {
    element(b, false);
  } else {
    std::vector<Builder::Value> values;
    for (const auto& [name, sample] : event)
      values.push_back(sample.value);
    b.instance(
        template_id, [&](Builder& t) { element(t, true); }, values);
  }
  b.end_of_fragment();
}

TEST(EvtxProperty, WhatIsWrittenIsRead) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::vector<Fields> expected;
    std::vector<std::string> chunks;
    for (uint64_t c = 1 + random.below(3); c > 0; --c) {
      Builder b;
      for (uint64_t n = 1 + random.below(12); n > 0 && b.at() < 50'000; --n) {
        Event event;
        // The shape follows from the number of fields, as a template's id does.
        const uint64_t num_fields = 1 + random.below(9);
        Fields fields;
        for (uint64_t i = 0; i < num_fields; ++i) {
          const std::string name = "F" + std::to_string(num_fields) + "_" + std::to_string(i);
          event.emplace_back(name, random.sample());
          fields[name] = event.back().second.text;
        }
        const bool has_template = random.below(2) == 0;
        TestEvent e;
        e.record_id = expected.size() + 1;
        b.record(e.record_id, [&](Builder& r) {
          write_event(r, e, [&](Builder& d) {
            write_data(d, event, has_template ? static_cast<uint32_t>(2000 + num_fields) : 0);
          });
        });
        expected.push_back(std::move(fields));
      }
      chunks.push_back(b.finish());
    }
    // Every name is wanted, so that rows and reader can be compared.
    Columns columns = {{"EventRecordID", kLong}};
    for (int n = 1; n < 10; ++n)
      for (int i = 0; i < n; ++i)
        columns.emplace_back("F" + std::to_string(n) + "_" + std::to_string(i), kString);
    Decoded d({{"windows.sysmon", columns}});
    d.run(decode, evtx_file(chunks));
    ASSERT_EQ(d.rows("windows.sysmon").size(), expected.size());
    EXPECT_TRUE(d.anomalies().all().empty());
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto& row = d.rows("windows.sysmon")[i];
      EXPECT_EQ(row.fields.at("EventRecordID"), std::to_string(i + 1));
      for (const auto& [name, text] : expected[i]) {
        EXPECT_EQ(row.all.count(name) ? row.all.at(name) : "", text) << name;
        EXPECT_EQ(row.fields.count(name) ? row.fields.at(name) : "", text) << name;
      }
    }
  }
}

}  // namespace
}  // namespace postern::input
