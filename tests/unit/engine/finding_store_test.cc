// Findings sorted in bounded memory: the same order as in memory, from any number of threads.
#include "engine/finding_store.h"

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "data/dynamic.h"

namespace postern::engine {
namespace {

using data::Type;
using data::Value;

/// Two rules that sort alike by title, and one behind them.
struct Rules {
  plan::RuleInfo a, b, c;

  Rules() {
    a.title = b.title = "first";
    a.id = "1";
    b.id = "2";
    c.title = "second";
  }
};

/// Findings of which many have the same time, rule and evidence.
std::vector<Finding> findings(const Rules& rules, size_t n) {
  std::mt19937 random(17);
  const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  std::vector<Finding> out;
  for (size_t i = 0; i < n; ++i) {
    Finding f;
    f.time = below(40) * 1000;
    const plan::RuleInfo* all[] = {&rules.a, &rules.b, &rules.c};
    f.rule = all[below(3)];
    f.host = "ws" + std::to_string(below(3));
    f.degraded = below(2) == 0;
    if (below(3) == 0) f.window = Window{-5, 1'000'000};
    f.row = {{"Image", Value::string("p" + std::to_string(below(9)))},
             {"Pid", Value::integer(static_cast<int64_t>(below(1000)) - 500)},
             {"Score", below(4) == 0 ? Value::null(Type::kReal) : Value::real(below(8) / 4.0)},
             {"On", Value::integer(below(2), Type::kBool)},
             {"At", Value::datetime(f.time)}};
    // Rows of one length and of two; a value of several types.
    if (below(2) == 0) {
      data::DynamicWriter w;
      if (below(2) == 0)
        w.string("p" + std::to_string(below(20)));
      else
        w.integer(below(20));
      f.row.emplace_back("Any", Value::dynamic(w.take()));
    }
    f.why.push_back({"Image", "endswith", Value::string("p")});
    const uint32_t places = below(4);
    for (uint32_t e = 0; e < places; ++e)
      f.evidence.push_back(
          {"windows.sysmon", "f" + std::to_string(below(3)) + ".evtx", below(5) * 512, below(3)});
    out.push_back(std::move(f));
  }
  return out;
}

void add_all(FindingStore& store, const std::vector<Finding>& all, size_t first, size_t step) {
  for (size_t i = first; i < all.size(); i += step) {
    // Each a unit of its own, so that threads may take any of them.
    FindingWriter writer(store, i, nullptr);
    writer.add(all[i]);
  }
}

std::vector<std::string> texts(const std::vector<Finding>& all) {
  std::vector<std::string> out;
  for (const Finding& f : all) {
    std::string text = std::to_string(f.time) + "|" + f.rule->title + f.rule->id + "|" + f.host +
                       "|" + f.user + (f.degraded ? "|degraded" : "");
    if (f.window) text += "|" + std::to_string(f.window->from) + "-" + std::to_string(f.window->to);
    for (const auto& [name, value] : f.row)
      text += "|" + name + "=" + value.json();
    for (const Reason& r : f.why)
      text += "|" + r.field + " " + r.op + " " + r.value.json();
    for (const EvidenceRef& e : f.evidence)
      text += "|" + e.table + "@" + e.path + ":" + std::to_string(e.offset) + "/" +
              std::to_string(e.record);
    out.push_back(std::move(text));
  }
  return out;
}

TEST(FindingStore, GivesBackWhatItTook) {
  const Rules rules;
  std::vector<Finding> one = findings(rules, 1);
  one[0].row.emplace_back(std::string(1000, 'n'), Value::dynamic(""));
  one[0].row.emplace_back("", Value::string(std::string("\0x", 2)));
  FindingStore store;
  add_all(store, one, 0, 1);
  store.seal();
  FindingReader reader(store);
  const std::optional<Finding> got = reader.next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(texts({*got}), texts(one));
  EXPECT_EQ(got->row, one[0].row);
  EXPECT_EQ(got->evidence, one[0].evidence);
  EXPECT_FALSE(reader.next().has_value());
}

TEST(FindingStore, RunsOnDiskAreMergedInTheOrderOfMemory) {
  const Rules rules;
  const std::vector<Finding> all = findings(rules, 3000);
  std::vector<Finding> sorted = all;
  std::stable_sort(sorted.begin(), sorted.end(), before);
  for (const size_t threads : {size_t{1}, size_t{3}}) {
    for (const uint64_t memory : {FindingStore::kMemoryBytes, uint64_t{64} << 10}) {
      const auto store = std::make_shared<FindingStore>(true, memory);
      std::vector<std::thread> pool;
      for (size_t t = 0; t < threads; ++t)
        pool.emplace_back([&, t] { add_all(*store, all, t, threads); });
      for (std::thread& t : pool)
        t.join();
      store->seal();
      EXPECT_EQ(store->bytes_in_file() > 0, memory < FindingStore::kMemoryBytes);
      const FindingList list(store);
      EXPECT_EQ(list.size(), all.size());
      EXPECT_EQ(texts(list.all()), texts(sorted));
      EXPECT_EQ(texts(list.all()), texts(sorted)) << "read again";
    }
  }
}

TEST(FindingStore, UnsortedOnesKeepTheirTurn) {
  const Rules rules;
  const std::vector<Finding> all = findings(rules, 1000);
  const auto store = std::make_shared<FindingStore>(false, uint64_t{32} << 10);
  add_all(*store, all, 1, 2);
  add_all(*store, all, 0, 2);
  store->seal();
  EXPECT_GT(store->bytes_in_file(), 0U);
  EXPECT_EQ(texts(FindingList(store).all()), texts(all));
}

// Where there is no room for a file, what was kept so far can be read, and the rest is counted.
TEST(FindingStore, TellsWhatThereWasNoRoomFor) {
  const Rules rules;
  const std::vector<Finding> all = findings(rules, 2000);
  const auto store = std::make_shared<FindingStore>(true, uint64_t{64} << 10);

  // No file may grow beyond this: what a full disk does.
  struct rlimit before_limit {};

  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before_limit), 0);
  struct rlimit small = before_limit;
  small.rlim_cur = 100'000;
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  add_all(*store, all, 0, 1);
  ::setrlimit(RLIMIT_FSIZE, &before_limit);
  std::signal(SIGXFSZ, old);
  store->seal();
  ASSERT_TRUE(store->write_error().has_value());
  EXPECT_NE(store->write_error()->message.find("no room for a temporary file"), std::string::npos);
  EXPECT_GT(store->num_lost(), 0U);
  const std::vector<Finding> read = FindingList(store).all();
  EXPECT_EQ(read.size(), store->size());
  EXPECT_EQ(read.size() + store->num_lost(), all.size());
  EXPECT_TRUE(std::is_sorted(read.begin(), read.end(), before));
}

// Every event may have fields that no other has.
TEST(FindingStore, NamesOfFieldsAreNotKeptForEver) {
  const Rules rules;
  FindingStore store;
  FindingNames& names = store.names();
  for (size_t i = 0; i < FindingNames::kMaxFields + 10; ++i)
    names.field("field " + std::to_string(i));
  EXPECT_FALSE(names.field("one more").has_value());
  Finding f;
  f.rule = &rules.a;
  f.row = {{"another", Value::string("x")}, {"field 7", Value::string("y")}};
  {
    FindingWriter writer(store, 0, nullptr);
    writer.add(f);
  }
  store.seal();
  EXPECT_EQ(FindingReader(store).next()->row, f.row);
}

}  // namespace
}  // namespace postern::engine
