#include "match/literal_index.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace postern::match {
namespace {

using Place = LiteralIndex::Place;

bool found(const std::vector<std::string>& literals, std::string_view text) {
  LiteralIndex index;
  for (const std::string& s : literals)
    index.add(Place::kPart, s);
  index.seal();
  return index.any(text);
}

TEST(LiteralIndex, FindsLiteralsOfEveryLength) {
  const std::vector<std::string> all = {"a", "bc", "def", "ghij", "klmnop"};
  for (const std::string& s : all)
    EXPECT_TRUE(found(all, "..." + s)) << s;
  EXPECT_FALSE(found(all, "b.c.de.ghi.klmno"));
  EXPECT_FALSE(found(all, ""));
  EXPECT_FALSE(found({}, "abc"));
}

TEST(LiteralIndex, CutsNothingAtTheEdges) {
  EXPECT_TRUE(found({"abcdef"}, "abcdef"));
  EXPECT_FALSE(found({"abcdef"}, "abcde"));
  EXPECT_FALSE(found({"abcdef"}, "bcdef"));
}

/// Ids of all literals that hold, ascending, each once.
std::vector<uint32_t> ids_in(const LiteralIndex& index,
                             std::string_view text,
                             LiteralIndex::Marks& marks) {
  std::vector<uint32_t> literals;
  index.find(text, literals, marks);
  std::vector<uint32_t> ids;
  for (const uint32_t l : literals)
    ids.insert(ids.end(), index.ids(l).begin(), index.ids(l).end());
  std::sort(ids.begin(), ids.end());
  std::sort(literals.begin(), literals.end());
  EXPECT_EQ(std::adjacent_find(literals.begin(), literals.end()), literals.end()) << "each once";
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

TEST(LiteralIndex, KnowsWhereALiteralLies) {
  LiteralIndex index;
  index.add(Place::kWhole, "abc", 1);
  index.add(Place::kPrefix, "abc", 2);
  index.add(Place::kSuffix, "abc", 3);
  index.add(Place::kPart, "abc", 4);
  index.add(Place::kWhole, "", 5);
  index.seal();
  const auto ids = [&](std::string_view text) {
    LiteralIndex::Marks marks;
    return ids_in(index, text, marks);
  };
  EXPECT_EQ(ids("abc"), (std::vector<uint32_t>{1, 2, 3, 4}));
  EXPECT_EQ(ids("abcd"), (std::vector<uint32_t>{2, 4}));
  EXPECT_EQ(ids("0abc"), (std::vector<uint32_t>{3, 4}));
  EXPECT_EQ(ids("0abc1"), (std::vector<uint32_t>{4}));
  EXPECT_EQ(ids(""), (std::vector<uint32_t>{5}));
}

/// Random literals of `shortest` to `longest` bytes, in texts that are made of them and of letters.
void hold_against_a_plain_search(
    uint32_t seed, int rounds, size_t most, size_t shortest, size_t longest) {
  std::mt19937 random(seed);
  for (int round = 0; round < rounds; ++round) {
    const size_t letters = 2 + random() % 3;
    const auto word = [&](size_t size) {
      std::string s;
      for (size_t i = 0; i < size; ++i)
        s += static_cast<char>('a' + random() % letters);
      return s;
    };
    std::vector<std::pair<Place, std::string>> literals;
    LiteralIndex index;
    const size_t num_literals = 1 + random() % most;
    for (uint32_t id = 0; id < num_literals; ++id) {
      literals.emplace_back(static_cast<Place>(random() % 4),
                            word(shortest + random() % (longest - shortest + 1)));
      index.add(literals.back().first, literals.back().second, id);
    }
    index.seal();
    LiteralIndex::Marks marks;
    for (int i = 0; i < 50; ++i) {
      std::string text = word(random() % (2 * longest));
      if (random() % 2 == 0) text += literals[random() % literals.size()].second;
      if (random() % 2 == 0) text += word(random() % longest);
      std::vector<uint32_t> expected;
      for (uint32_t id = 0; id < literals.size(); ++id) {
        const auto& [place, s] = literals[id];
        if (place == Place::kWhole    ? text == s
            : place == Place::kPrefix ? text.starts_with(s)
            : place == Place::kSuffix ? text.ends_with(s)
                                      : text.find(s) != std::string::npos)
          expected.push_back(id);
      }
      ASSERT_EQ(ids_in(index, text, marks), expected) << text;
      ASSERT_EQ(index.any(text), !expected.empty()) << text;
    }
  }
}

TEST(LiteralIndex, AgreesWithAPlainSearch) {
  hold_against_a_plain_search(20260103, 300, 40, 1, 12);
}

TEST(LiteralIndex, AgreesWithAPlainSearchOnLongLiterals) {
  hold_against_a_plain_search(20261121, 200, 40, 1, 40);
}

// The shortest literal decides at which places of a text windows are looked up.
TEST(LiteralIndex, AgreesWithAPlainSearchWhateverTheShortest) {
  for (const size_t shortest : {4, 5, 6, 7, 10, 11, 14, 15})
    hold_against_a_plain_search(11, 60, 40, shortest, 24);
  for (const size_t shortest : {11, 14, 15, 22})
    hold_against_a_plain_search(12, 2, 6000, shortest, 40);
}

TEST(LiteralIndex, AgreesWithAPlainSearchOnManyLiterals) {
  hold_against_a_plain_search(6, 3, 8000, 1, 24);
}

TEST(LiteralIndex, TellsWhetherEdgesMatter) {
  LiteralIndex parts;
  parts.add(Place::kPart, "abc");
  parts.seal();
  EXPECT_TRUE(parts.only_parts());
  LiteralIndex edges;
  edges.add(Place::kPart, "abc");
  edges.add(Place::kSuffix, "d");
  edges.seal();
  EXPECT_FALSE(edges.only_parts());
}

}  // namespace
}  // namespace postern::match
