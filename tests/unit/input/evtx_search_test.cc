// Random events with and without keywords, decoded with a gate and without one: a row has the same
// `_values`, or none where no value holds a keyword; and all other columns are the same.
#include <random>

#include <gtest/gtest.h>

#include "base/text.h"
#include "decoded.h"
#include "input/evtx/evtx.h"
#include "input/evtx/utf16.h"
#include "input/evtx/value_search.h"
#include "tests/support/evtx_builder.h"

namespace postern::input {
namespace {

using namespace evtx;
using Builder = ChunkBuilder;

/// A gate that is never wrong about a plain text.
class ExactGate final : public data::TextGate {
 public:
  explicit ExactGate(std::vector<std::string> literals) : literals_(std::move(literals)) {}

  bool may_hold(std::string_view) const override { return true; }

  bool may_hold_plain(std::string_view text) const override {
    const std::string folded = fold(text);
    for (const std::string& l : literals_)
      if (folded.find(l) != std::string::npos) return true;
    return false;
  }

  const std::vector<std::string>& literals() const override { return literals_; }

 private:
  std::vector<std::string> literals_;
};

/// UTF-16LE of code points below U+10000.
std::string wide(std::u16string_view text) {
  return {reinterpret_cast<const char*>(text.data()), 2 * text.size()};
}

class Events {
 public:
  explicit Events(uint32_t seed) : random_(seed) {}

  uint64_t below(uint64_t n) { return random_() % n; }

  /// Letters, digits and more, now and then with a word that is looked for.
  std::u16string text() {
    static constexpr std::u16string_view kWords[] = {u"sekurlsa::",
                                                     u"SekurlSA::",
                                                     u"\u017Fekurlsa::",
                                                     u"se\u212Aurl\u017Fa::",
                                                     u"4688",
                                                     u"0x1410",
                                                     u"{00000000",
                                                     u"ABCD",
                                                     u"s-1-5",
                                                     u"\u0416\u00E9\u4E00",
                                                     u"\u00E9\u00C8"};
    static constexpr std::u16string_view kSigns = u"sek:aB9x-\\ \u00FF\u0416\u4E00\xD83D";
    std::u16string out;
    for (uint64_t n = below(below(4) == 0 ? 70 : 12); n > 0; --n)
      out.push_back(kSigns[below(kSigns.size())]);
    if (below(12) == 0) out.insert(below(out.size() + 1), kWords[below(std::size(kWords))]);
    return out;
  }

  Builder::Value value() {
    const uint64_t v = below(3) == 0 ? 4688 : random_();
    switch (below(21)) {
      case 0:
        return Builder::value(ValueType::kUInt8, bytes_of(static_cast<uint8_t>(v)));
      case 1:
        return Builder::value(ValueType::kUInt16, bytes_of(static_cast<uint16_t>(v)));
      case 2:
        return Builder::value(ValueType::kHexInt32, bytes_of(uint32_t{0x1410}));
      case 3:
        return Builder::value(ValueType::kGuid, std::string(below(2) == 0 ? 16 : 15, '\0'));
      case 4:
        return Builder::value(ValueType::kBinary, std::string("\xab\xcd", below(3)));
      case 5:
        return Builder::value(ValueType::kAnsiString, narrow());
      case 6:
        return Builder::array(ValueType::kString,
                              wide(text()) + std::string(2, '\0') + wide(text()));
      case 7:
        return Builder::array(ValueType::kUInt16, bytes_of(uint16_t{46}) + bytes_of(uint16_t{88}));
      case 8:
        return Builder::value(ValueType::kSid, std::string("\x01\x01\0\0\0\0\0\x05\x12\0\0\0", 12));
      case 9:
        return Builder::value(ValueType::kNull, "");
      case 11:
        return Builder::array(ValueType::kUInt16, bytes_of(uint16_t{4688}) + bytes_of(uint16_t{1}));
      case 12:
        return Builder::value(ValueType::kBool, bytes_of(static_cast<uint32_t>(below(2))));
      case 13:
        return Builder::value(ValueType::kFiletime, bytes_of(uint64_t{132'551'484'401'453'352}));
      case 14:
        return Builder::value(ValueType::kInt32, bytes_of(int32_t{-4688}));
      case 15:
        return Builder::value(ValueType::kReal64, bytes_of(1.5));
      case 10:  // an odd byte, which is no part of the text
        return Builder::value(ValueType::kString, wide(text()) + "s");
      default:
        return Builder::value(ValueType::kString, wide(text()));
    }
  }

  std::string narrow() {
    std::string out = below(4) == 0 ? "\xE9\xC8" : "";
    for (const char16_t c : text())
      out.push_back(static_cast<char>(c));
    return out;
  }

  /// A template of its own for each number of fields: some values are made of several pieces.
  void data(Builder& b, uint64_t num_fields, bool has_template) {
    b.fragment_header();
    if (!has_template) {
      element(b, num_fields, false);
      return b.end_of_fragment();
    }
    std::vector<Builder::Value> values;
    for (uint64_t i = 0; i < num_fields; ++i)
      values.push_back(value());
    b.instance(
        static_cast<uint32_t>(2000 + num_fields), [&](Builder& t) { element(t, num_fields, true); },
        values);
    b.end_of_fragment();
  }

 private:
  void element(Builder& t, uint64_t num_fields, bool in_template) {
    t.open("EventData").close_start();
    for (uint64_t i = 0; i < num_fields; ++i) {
      t.open("Data", true).attribute("Name").literal("F" + std::to_string(i)).close_start();
      if (!in_template || i % 5 == 3) t.literal(i % 2 == 0 ? "Sekur" : word());
      if (in_template) t.substitution(static_cast<uint16_t>(i));
      if (in_template && i % 7 == 5) t.substitution(static_cast<uint16_t>(i - 1));
      t.end();
    }
    t.end();
  }

  std::string word() { return below(20) == 0 ? "lsadump::" : "word"; }

  std::mt19937 random_;
};

std::string random_file(Events& events) {
  std::vector<std::string> chunks;
  for (uint64_t c = 1 + events.below(3); c > 0; --c) {
    Builder b;
    for (uint64_t n = 1 + events.below(30); n > 0 && b.at() < 50'000; --n) {
      TestEvent e;
      e.record_id = n;
      if (events.below(8) == 0) e.channel = "Security", e.provider = "P";
      b.record(n, [&](Builder& r) {
        write_event(
            r, e, [&](Builder& d) { events.data(d, 1 + events.below(12), events.below(4) != 0); });
      });
    }
    chunks.push_back(b.finish());
  }
  return evtx_file(chunks);
}

const Columns kColumns = {{"EventRecordID", kLong}, {"F0", kString},     {"F1", kLong},
                          {"F3", kString},          {"F5", kDynamic},    {"UserID", kString},
                          {"_values", kDynamic},    {"Channel", kString}};

const std::vector<std::vector<std::string>> kKeywords = {{"sekurlsa::", "lsadump::"},
                                                         {"4688"},
                                                         {"0x1410"},
                                                         {"{00000000"},
                                                         {"abcd"},
                                                         {"s-1-5"},
                                                         {"sekur4688", "true"},
                                                         {"\u0436\u00e9\u4e00"},
                                                         {"\u00e9\u00e8"},
                                                         {"2021-01-15t"},
                                                         {"-4688"},
                                                         {"1.5"},
                                                         {"sekurlsa::", "b\u0436"}};

TEST(EvtxSearch, NeverLosesAValueWithAKeyword) {
  size_t num_left_out = 0;
  size_t num_kept = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Events events(seed);
    const std::string file = random_file(events);
    const ExactGate gate(kKeywords[seed % kKeywords.size()]);
    Decoded plain({{"windows.sysmon", kColumns}, {"windows.security", kColumns}});
    plain.run(decode, file);
    Decoded gated({{"windows.sysmon", kColumns}, {"windows.security", kColumns}});
    gated.set_text_gate(std::make_shared<ExactGate>(gate));
    gated.run(decode, file);
    for (const char* table : {"windows.sysmon", "windows.security"}) {
      ASSERT_EQ(plain.rows(table).size(), gated.rows(table).size());
      for (size_t i = 0; i < plain.rows(table).size(); ++i) {
        Fields expected = plain.rows(table)[i].fields;
        const Fields& row = gated.rows(table)[i].fields;
        if (row.count("_values") == 0) {
          EXPECT_FALSE(gate.may_hold_plain(expected["_values"])) << expected["_values"];
          expected.erase("_values");
          ++num_left_out;
        } else {
          ++num_kept;
        }
        EXPECT_EQ(row, expected);
      }
    }
  }
  EXPECT_GT(num_left_out, 500u);
  EXPECT_GT(num_kept, 500u);
}

TEST(EvtxSearch, LeavesOutWhatHoldsNoKeyword) {
  Builder b;
  const auto record = [&](uint64_t id, const std::string& image) {
    b.record(id, [&](Builder& r) {
      write_event(r, {}, [&](Builder& d) {
        d.fragment_header();
        d.instance(5,
                   [](Builder& t) {
                     t.open("EventData").close_start();
                     t.open("Data", true).attribute("Name").literal("Image").close_start();
                     t.substitution(0).end().end();
                   },
                   {Builder::text(image)});
        d.end_of_fragment();
      });
    });
  };
  record(1, "C:\\Windows\\System32\\cmd.exe");
  record(2, "C:\\Tools\\MimiKatz.exe");
  record(3, "C:\\Windows\\System32\\whoami.exe");
  Decoded d({{"windows.sysmon", {{"Image", kString}, {"_values", kDynamic}}}});
  d.set_text_gate(std::make_shared<ExactGate>(std::vector<std::string>{"mimikatz"}));
  d.run(decode, evtx_file({b.finish()}));
  ASSERT_EQ(d.rows("windows.sysmon").size(), 3u);
  EXPECT_EQ(d.row("windows.sysmon", 0).count("_values"), 0u);
  EXPECT_EQ(d.row("windows.sysmon", 1).count("_values"), 1u);
  EXPECT_EQ(d.row("windows.sysmon", 2).count("_values"), 0u);
  EXPECT_EQ(d.row("windows.sysmon", 2)["Image"], "C:\\Windows\\System32\\whoami.exe");
}

// One search looks for what each gate wants in turn.
TEST(EvtxSearch, KnowsAnotherGateFromTheOneBefore) {
  const std::string number = bytes_of(uint16_t{4688});
  const RawValue value{number, static_cast<uint8_t>(ValueType::kUInt16)};
  const ExactGate word({"lsadump::"});
  const ExactGate digits({"4688"});
  ValueSearch search;
  for (const ExactGate* gate : {&word, &digits, &word, &digits}) {
    search.start(*gate, number);
    search.add(&value, 1);
    EXPECT_EQ(search.may_hold(), gate == &digits);
  }
}

// Bytes of a narrow string stand for characters that are no bytes in a keyword.
TEST(EvtxSearch, FindsKeywordsBeyondAsciiInNarrowStrings) {
  const std::string bytes = "\xE9\xC8";
  const RawValue value{bytes, static_cast<uint8_t>(ValueType::kAnsiString)};
  const ExactGate gate({"\u00e9\u00e8"});
  ValueSearch search;
  search.start(gate, bytes);
  search.add(&value, 1);
  EXPECT_TRUE(search.may_hold());
}

TEST(EvtxSearch, NarrowsAnyLengthAtAnyPlace) {
  const std::string in = wide(u"abcdefghijklmnopqrstuvwxyz0123456789\u00FF\u4E00\uFFFDabcdefgh");
  for (size_t from = 0; from < 40; ++from) {
    for (size_t units = 0; from + units <= in.size() / 2; ++units) {
      std::string out(units + kNarrowedMore, '?');
      const Narrowed told =
          narrow_to_search(in.data() + 2 * from, units, in.data() + in.size(), out.data());
      ASSERT_FALSE(told.folds);
      ASSERT_TRUE(told.beyond || from + units <= 36 || units == 0 || from >= 39);
      for (size_t i = 0; i < units; ++i) {
        const char low = in[2 * (from + i)];
        if (in[2 * (from + i) + 1] == 0 && low >= 0)
          ASSERT_EQ(out[i], low);
        else
          ASSERT_TRUE(out[i] <= 0);
      }
    }
  }
  for (const char16_t c : {u'\u017F', u'\u212A'}) {
    for (size_t at = 0; at < 40; ++at) {
      std::u16string text(40, u'x');
      text[at] = c;
      std::string out(40 + kNarrowedMore, '?');
      const std::string bytes = wide(text);
      const Narrowed told =
          narrow_to_search(bytes.data(), 40, bytes.data() + bytes.size(), out.data());
      EXPECT_TRUE(told.folds && told.beyond);
    }
  }
}

}  // namespace
}  // namespace postern::input
