// Random correlations over random streams, against the model: `check_correlations [STREAMS
// [SEED]]`.
//
// Each stream has its own window and a few events of two or three groups, with equal times and
// events exactly one timespan apart. The events come shuffled within an allowed lateness, in
// chunks, with the watermark that lateness gives; then once more sorted the other way round and
// without any watermark, as a hunt reads files. Findings must be the model's every time, and
// evidence must lie in its window.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "correlation_model.h"
#include "data/column.h"
#include "exec/run.h"
#include "plan/op.h"
#include "window_stream.h"

namespace postern::tests {
namespace {

using data::Type;
using plan::BoundOp;
using plan::OpPtr;
using plan::WindowKind;
using plan::WindowSpec;

WindowSpec random_spec(Random& r) {
  WindowSpec s;
  s.kind = static_cast<WindowKind>(r.below(6));
  s.name = "value";
  s.length = 1 + r.below(10);
  s.ignore_case = true;
  s.every = r.chance(15);
  static constexpr double kPercentiles[] = {50, 50, 0, 25, 90, 100};
  s.percentile = kPercentiles[r.below(6)];
  auto bound = [&](double most) {
    const double v = r.below(static_cast<uint32_t>(most * 2) + 1) / 2.0;
    return plan::WindowBound{r.chance(60)
                                 ? (r.chance(50) ? BoundOp::kGreater : BoundOp::kGreaterEqual)
                                 : static_cast<BoundOp>(r.below(6)),
                             v};
  };
  if (s.kind != WindowKind::kSequence) {
    for (uint32_t n = 1 + r.below(2); n > 0; --n)
      s.bounds.push_back(
          bound(s.kind == WindowKind::kCount || s.kind == WindowKind::kDistinct ? 5 : 9));
    return s;
  }
  s.ordered = r.chance(50);
  const uint32_t num_steps = 1 + r.below(4);
  for (uint32_t i = 0; i < num_steps; ++i)
    s.steps.push_back("s" + std::to_string(i));
  if (r.chance(35) && !s.ordered) {
    s.bounds.push_back(bound(num_steps));
    return s;
  }
  if (r.chance(25) && s.ordered) {
    // In order, bounds are only left to closing windows.
    s.bounds.push_back({r.chance(50) ? BoundOp::kLess : BoundOp::kEqual,
                        static_cast<double>(1 + r.below(num_steps))});
    return s;
  }
  const bool absent = r.chance(40);
  for (uint32_t n = 1 + r.below(2); n > 0; --n) {
    plan::WindowTerm t;
    for (uint32_t i = 0; i < num_steps; ++i) {
      if (r.chance(60))
        t.steps.push_back(i);
      else if (absent && r.chance(50))
        t.absent.push_back(i);
    }
    if (t.steps.empty()) {
      t.steps.push_back(r.below(num_steps));
      std::erase(t.absent, t.steps[0]);
    }
    // Steps may repeat in an order.
    if (s.ordered && r.chance(25))
      t.steps.push_back(t.steps[r.below(static_cast<uint32_t>(t.steps.size()))]);
    s.terms.push_back(std::move(t));
  }
  return s;
}

std::vector<ModelEvent> random_events(const WindowSpec& spec, Random& r) {
  static constexpr const char* kKeys[] = {"a", "A", "b", "ab"};
  static constexpr const char* kTexts[] = {"x", "X", "y", "z", "w", ""};
  std::vector<ModelEvent> out;
  const uint32_t span = 5 + r.below(40);
  for (uint32_t n = r.below(14); n > 0; --n) {
    ModelEvent e;
    e.time = 1000 + r.below(span);
    if (!out.empty() && r.chance(20)) e.time = out.back().time + spec.length;
    e.key = kKeys[r.below(4)];
    e.step = spec.steps.empty() ? 0 : r.below(static_cast<uint32_t>(spec.steps.size()));
    e.value = (static_cast<double>(r.below(41)) - 8) / 4;
    e.text = kTexts[r.below(6)];
    out.push_back(e);
  }
  return out;
}

OpPtr window_plan(const WindowSpec& spec) {
  std::vector<plan::NamedExpr> items;
  if (spec.kind == WindowKind::kSequence)
    items.push_back({"step", typed_column("step", Type::kLong), {}});
  else if (spec.kind == WindowKind::kDistinct)
    items.push_back({"text", typed_column("text", Type::kString), {}});
  else if (spec.kind != WindowKind::kCount)
    items.push_back({"value", typed_column("value", Type::kReal), {}});
  return window_over(event_schema(), std::move(items), spec);
}

std::string text_of(const WindowSpec& spec) {
  return plan::to_text(spec) + (spec.every ? " (each time)" : "");
}

class Checker {
 public:
  explicit Checker(uint64_t seed) : random_(seed) {}

  /// False when a stream differs; it is printed.
  bool one(uint64_t number) {
    const WindowSpec spec = random_spec(random_);
    const std::vector<ModelEvent> events = random_events(spec, random_);
    const std::vector<ModelFinding> wanted = model_findings(spec, events);
    num_findings += wanted.size();
    for (const bool watermarks : {true, false}) {
      std::vector<Arrival> arrivals;
      const int64_t lateness = random_.below(30);
      const std::vector<ModelFinding> found = run(spec, events, watermarks, lateness, arrivals);
      if (found == wanted && problem_.empty()) continue;
      std::printf("stream %llu differs: %s, lateness %lld%s %s\n",
                  static_cast<unsigned long long>(number), text_of(spec).c_str(),
                  static_cast<long long>(lateness), watermarks ? "" : " (no watermark)",
                  problem_.c_str());
      for (const Arrival& a : arrivals)
        std::printf("  event %u: time %lld key %s step %u value %g text '%s'\n", a.id,
                    static_cast<long long>(a.event.time), a.event.key.c_str(), a.event.step,
                    a.event.value, a.event.text.c_str());
      print("model", wanted);
      print("found", found);
      return false;
    }
    return true;
  }

  uint64_t num_findings = 0;

 private:
  static void print(const char* what, const std::vector<ModelFinding>& findings) {
    for (const ModelFinding& f : findings)
      std::printf("  %s: time %lld key %s from %lld to %lld value %g\n", what,
                  static_cast<long long>(f.time), f.key.c_str(), static_cast<long long>(f.from),
                  static_cast<long long>(f.to), f.value);
  }

  std::vector<ModelFinding> run(const WindowSpec& spec,
                                const std::vector<ModelEvent>& events,
                                bool watermarks,
                                int64_t lateness,
                                std::vector<Arrival>& arrivals) {
    problem_.clear();
    arrivals = arrive(events, watermarks, lateness, random_);
    const auto plan = exec::CompiledPlan::make(window_plan(spec));
    if (!plan) {
      problem_ = plan.error().message;
      return {};
    }
    exec::RowCollector rows;
    const std::unique_ptr<exec::Run> run = exec::Run::start(*plan, {}, rows);
    int64_t latest = 0;
    for (size_t at = 0; at < arrivals.size();) {
      const size_t n = std::min<size_t>(1 + random_.below(4), arrivals.size() - at);
      const std::vector<Arrival> chunk(arrivals.begin() + static_cast<std::ptrdiff_t>(at),
                                       arrivals.begin() + static_cast<std::ptrdiff_t>(at + n));
      push(*run, 0, chunk);
      for (const Arrival& a : chunk)
        latest = std::max(latest, a.event.time);
      if (watermarks) run->advance(latest - lateness);
      at += n;
    }
    run->finish();
    for (const auto& [name, count] : run->notes().anomalies)
      problem_ += name + " " + std::to_string(count) + " ";
    return findings(rows, events);
  }

  std::vector<ModelFinding> findings(const exec::RowCollector& rows,
                                     const std::vector<ModelEvent>& events) {
    std::vector<ModelFinding> out;
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      ModelFinding f;
      f.key = rows.rows[i][0].as_bytes();
      for (char& c : f.key)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      f.time = rows.times[i];
      f.value = rows.rows[i][1].number();
      f.from = rows.rows[i][2].as_int();
      f.to = rows.rows[i][3].as_int();
      if (rows.refs[i].empty()) problem_ += "no evidence ";
      for (const uint32_t ref : rows.refs[i]) {
        const ModelEvent& e = events[ref];
        if (e.time < f.from || e.time > f.to) problem_ += "evidence outside of its window ";
      }
      out.push_back(f);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  Random random_;
  std::string problem_;
};

int main_of(int argc, char** argv) {
  const uint64_t streams = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5000;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Checker checker(seed);
  uint64_t same = 0;
  uint64_t different = 0;
  for (uint64_t i = 0; i < streams && different < 3; ++i)
    ++(checker.one(i) ? same : different);
  std::printf("%llu of %llu streams as the model says (%llu findings)\n",
              static_cast<unsigned long long>(same), static_cast<unsigned long long>(streams),
              static_cast<unsigned long long>(checker.num_findings));
  return same == streams ? 0 : 1;
}

}  // namespace
}  // namespace postern::tests

int main(int argc, char** argv) {
  return postern::tests::main_of(argc, argv);
}
