// Measures correlations: `bench_correlation [GROUPS [EVENTS [TICKS]]]`, by default a million groups
// of up to eight events each in an hour, and twelve million events that come up to five seconds
// late. Times are multiples of TICKS of 100 ns: 1 as EVTX writes them, 10 as most others do.
//
// Each kind of window runs through the whole operator (columns, keys, waiting for late events,
// windows), one thread, from prepared chunks. A line of JSON per kind: events per second of user
// CPU time, live groups, bytes of state per group in the engine (keys, hash table and waiting
// events included), findings. First, a small stream of each kind is compared with the reference
// model of the tests, finding by finding; the exit status is 1 when they differ.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "base/time.h"
#include "data/column.h"
#include "exec/run.h"
#include "exec/window/window_engine.h"
#include "plan/op.h"
#include "tests/differential/correlation_model.h"
#include "tests/differential/window_stream.h"

namespace {

using namespace postern;
using data::Type;
using plan::BoundOp;
using plan::WindowKind;
using plan::WindowSpec;

constexpr uint32_t kEventsPerGroup = 8;
constexpr int64_t kLength = kTicksPerHour;
constexpr int64_t kLateness = 5 * kTicksPerSecond;

int64_t resolution = 1;  // of times, in ticks

double user_seconds() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec) + static_cast<double>(u.ru_utime.tv_usec) / 1e6;
}

uint64_t random_bits(uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

struct Event {
  int64_t time;
  uint32_t group;
  uint32_t step;
  double value;
};

/// Events with the watermark after each, made as they are needed: the same for every kind. Each
/// group has seven or eight events in the window; one event in 64 goes to one of a few busy
/// groups in addition to that, and those are the ones that fire.
class Stream {
 public:
  Stream(uint32_t groups, uint64_t events) : groups_(groups), events_(events) {}

  bool next(Event& e) {
    if (at_ == events_) return false;
    // A quarter less than eight of them, so that late ones make no ninth.
    const int64_t step =
        std::max<int64_t>(1, kLength * 4 / (int64_t{groups_} * (4 * kEventsPerGroup - 1)));
    now_ = kUnixEpochTicks + 56 * 365 * kTicksPerDay + static_cast<int64_t>(at_) * step;
    const uint64_t r = random_bits(random_);
    const bool busy = r % 64 == 0;
    e.time = now_ - static_cast<int64_t>((r >> 8) % static_cast<uint64_t>(kLateness));
    e.time += (resolution - e.time % resolution) % resolution;
    // A prime step visits every group once a round, far apart in memory.
    e.group = busy ? static_cast<uint32_t>((r >> 24) % (groups_ / 1000 + 1))
                   : static_cast<uint32_t>(at_ * 7919 % groups_);
    e.step = busy ? 2 : static_cast<uint32_t>(r >> 60) % 2;
    e.value = static_cast<double>((r >> 8) % 1000);
    ++at_;
    return true;
  }

  int64_t watermark() const { return now_ - kLateness; }

 private:
  uint32_t groups_;
  uint64_t events_;
  uint64_t at_ = 0;
  int64_t now_ = 0;
  uint64_t random_ = 0x9e3779b97f4a7c15;
};

std::string key_of(uint32_t group) {
  char text[32];
  std::snprintf(text, sizeof text, "ws%06u\\user%u", group / 4, group % 4);
  return text;
}

plan::OpPtr window_plan(const WindowSpec& spec) {
  std::vector<plan::NamedExpr> items;
  if (spec.kind != WindowKind::kCount)
    items.push_back({"item", tests::typed_column("item", Type::kLong), {}});
  return tests::window_over({{"key", Type::kString}, {"item", Type::kLong}}, std::move(items),
                            spec);
}

using tests::ModelFinding;

/// Rows of the operator as findings of the model; with `keep` false they are only counted.
class Findings final : public exec::ChunkSink {
 public:
  explicit Findings(bool keep) : keep_(keep) {}

  void push(exec::Chunk&& c, int) override {
    num += c.num_rows;
    for (uint32_t row = 0; keep_ && row < c.num_rows; ++row)
      rows.push_back({c.columns[0].value(row).text(), c.times[row],
                      c.columns[2].value(row).as_int(), c.columns[3].value(row).as_int(),
                      c.columns[1].value(row).number()});
  }

  void finish(int) override {}

  std::vector<ModelFinding> rows;
  uint64_t num = 0;

 private:
  bool keep_;
};

class CountFindings final : public exec::WindowSink {
 public:
  void fired(std::string_view, exec::WindowResult&) override { ++findings; }

  uint64_t findings = 0;
};

int64_t item_of(const WindowSpec& spec, const Event& e) {
  return spec.kind == WindowKind::kSequence ? int64_t{e.step} : static_cast<int64_t>(e.value);
}

/// Through the operator; chunks are made outside of the time that counts.
double operator_seconds(const WindowSpec& spec,
                        uint32_t groups,
                        uint64_t events,
                        Findings& findings) {
  const auto plan = exec::CompiledPlan::make(window_plan(spec));
  plan::RunContext context;
  context.max_state_bytes = uint64_t{8} << 30;
  const auto run = exec::Run::start(*plan, context, findings);
  Stream stream(groups, events);
  double seconds = 0;
  for (Event e{}; stream.next(e);) {
    data::ColumnBuilder key(Type::kString);
    data::ColumnBuilder item(Type::kLong);
    exec::Chunk c;
    do {
      key.append_copy(key_of(e.group));
      item.append(item_of(spec, e));
      c.times.push_back(e.time);
      const uint32_t id = c.num_rows;
      c.refs.add_row(&id, 1);
    } while (++c.num_rows < data::kBatchRows && stream.next(e));
    c.columns = {key.finish(), item.finish()};
    const double before = user_seconds();
    run->push(0, std::move(c));
    run->advance(stream.watermark());
    seconds += user_seconds() - before;
  }
  return seconds;
}

/// True when the operator finds in a small stream what the model finds.
bool as_the_model(const WindowSpec& spec) {
  constexpr uint32_t kGroups = 500;
  constexpr uint64_t kEvents = 12 * kGroups;
  Findings found(true);
  operator_seconds(spec, kGroups, kEvents, found);
  std::sort(found.rows.begin(), found.rows.end());
  std::vector<tests::ModelEvent> events;
  Stream stream(kGroups, kEvents);
  for (Event e{}; stream.next(e);)
    events.push_back({e.time, key_of(e.group), e.step, e.value, std::to_string(item_of(spec, e))});
  // What the operator still waits for when the stream ends is not decided.
  std::vector<ModelFinding> wanted = tests::model_findings(spec, events);
  std::erase_if(wanted, [&](const ModelFinding& f) { return f.time >= stream.watermark(); });
  if (found.rows == wanted) return true;
  std::fprintf(stderr, "%s: %zu findings, the model has %zu\n", spec.name.c_str(),
               found.rows.size(), wanted.size());
  return false;
}

/// Bytes of state a live group, once all events but the last have come.
double bytes_per_group(const WindowSpec& spec, uint32_t groups, uint64_t events, uint32_t& live) {
  CountFindings sink;
  exec::WindowEngine engine(spec, uint64_t{8} << 30, sink);
  Stream stream(groups, events);
  uint64_t n = 0;
  for (Event e{}; stream.next(e);) {
    exec::WindowRow row;
    row.time = e.time;
    row.ref = static_cast<uint32_t>(n);
    row.step = e.step;
    row.value = spec.kind == WindowKind::kDistinct
                    ? static_cast<uint64_t>(e.value) * 0x9e3779b97f4a7c15
                    : exec::WindowRow::of_number(e.value);
    const std::string text = key_of(e.group);
    engine.add(text, row);
    if (++n % data::kBatchRows == 0) engine.advance(stream.watermark());
  }
  live = engine.num_groups();
  return static_cast<double>(engine.used_bytes()) / live;
}

WindowSpec spec_of(const char* name, WindowKind kind, double at_least) {
  WindowSpec s;
  s.name = name;
  s.kind = kind;
  s.length = kLength;
  s.ignore_case = true;
  if (kind == WindowKind::kSequence) {
    s.steps = {"a", "b", "c"};
    s.terms.push_back({{0, 1, 2}, {}});
    s.ordered = std::string_view(name) == "temporal_ordered";
  } else {
    s.bounds.push_back({BoundOp::kGreaterEqual, at_least});
  }
  return s;
}

}  // namespace

int main(int argc, char** argv) {
  const auto groups =
      static_cast<uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000);
  const uint64_t events = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 12'000'000;
  resolution = argc > 3 ? std::strtol(argv[3], nullptr, 10) : 1;
  if (groups == 0 || events == 0 || resolution <= 0) {
    std::fprintf(stderr, "bench_correlation: GROUPS, EVENTS and TICKS are above 0\n");
    return 2;
  }
  for (const WindowSpec& spec : {spec_of("event_count", WindowKind::kCount, 20),
                                 spec_of("value_count", WindowKind::kDistinct, 20),
                                 spec_of("temporal", WindowKind::kSequence, 0),
                                 spec_of("temporal_ordered", WindowKind::kSequence, 0),
                                 spec_of("value_sum", WindowKind::kSum, 10'000),
                                 spec_of("value_median", WindowKind::kPercentile, 850)}) {
    if (!as_the_model(spec)) return 1;
    Findings findings(false);
    uint32_t live = 0;
    const double seconds = operator_seconds(spec, groups, events, findings);
    const double bytes = bytes_per_group(spec, groups, events, live);
    std::printf(
        "{\"name\":\"%s\",\"events\":%llu,\"seconds\":%.3f,\"events_per_second\":%.0f,"
        "\"live_groups\":%u,\"bytes_per_group\":%.1f,\"findings\":%llu}\n",
        spec.name.c_str(), static_cast<unsigned long long>(events), seconds,
        static_cast<double>(events) / seconds, live, bytes,
        static_cast<unsigned long long>(findings.num));
    std::fflush(stdout);
  }
  return 0;
}
