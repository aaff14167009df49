#include "plan/shared_list.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace postern::plan {
namespace {

using Names = SharedList<std::string>;

struct Item {
  size_t operator()(const std::string& s) const { return std::hash<std::string>()(s); }

  bool operator()(const std::string& a, const std::string& b) const { return a == b; }
};

/// Everything has one hash.
struct Colliding : Item {
  using Item::operator();

  size_t operator()(const std::string&) const { return 7; }
};

std::string text(const Names& names) {
  std::string out;
  for (const std::string& n : names)
    out += n + ";";
  return out;
}

TEST(SharedList, ACopyIsTheSameListUntilOneIsChanged) {
  Names a = {"x", "y"};
  Names b = a;
  EXPECT_TRUE(a.is(b));
  b.push_back("z");
  EXPECT_FALSE(a.is(b));
  EXPECT_EQ(text(a), "x;y;");
  EXPECT_EQ(text(b), "x;y;z;");
  const void* own = b.id();
  b.edit()[0] = "w";  // nobody else has it
  EXPECT_EQ(b.id(), own);
  EXPECT_EQ(text(b), "w;y;z;");
}

TEST(SharedList, AnEmptyOneIsOne) {
  const Names none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.begin(), none.end());
  EXPECT_TRUE(none.is(Names(std::vector<std::string>{})));
  Names grown = none;
  grown.push_back("x");
  EXPECT_EQ(grown.size(), 1U);
  EXPECT_TRUE(none.empty());
}

TEST(SharedLists, EqualListsBecomeOne) {
  SharedLists<std::string, Item> lists;
  Names a = {"x", "y"};
  Names b = {"x", "y"};
  Names c = {"y", "x"};
  for (Names* n : {&a, &b, &c})
    lists.share(*n);
  EXPECT_TRUE(a.is(b));
  EXPECT_FALSE(a.is(c));
}

TEST(SharedLists, OneHashDoesNotMakeThemEqual) {
  SharedLists<std::string, Colliding> lists;
  Names a = {"x"};
  Names b = {"y"};
  Names c = {"y"};
  for (Names* n : {&a, &b, &c})
    lists.share(*n);
  EXPECT_FALSE(a.is(b));
  EXPECT_TRUE(b.is(c));
  EXPECT_EQ(text(b), "y;");
}

}  // namespace
}  // namespace postern::plan
