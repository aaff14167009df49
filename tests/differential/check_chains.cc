// Random correlations of correlations, against the model: `check_chains [STREAMS [SEED]]`.
//
// The inner window counts events of a group; the outer one is a sequence of its findings and of
// other events, grouped by the inner one's key or by a column that it carries along. The model runs
// twice: the findings of the first are events of the second. Watermarks pass through both and
// through the union between them.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "correlation_model.h"
#include "window_stream.h"

namespace postern::tests {
namespace {

using data::Type;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;
using plan::WindowKind;
using plan::WindowSpec;

OpPtr scan_events() {
  auto scan = std::make_shared<Op>(*plan::scan("native", "events"));
  scan->schema = event_schema();
  return scan;
}

OpPtr window(const WindowSpec& spec, OpPtr input, const char* key, const char* item) {
  auto w = std::make_shared<Op>();
  w->kind = OpKind::kTimeWindow;
  w->inputs = {std::move(input)};
  w->keys.push_back({key, typed_column(key, Type::kString), {}});
  if (item) w->items.push_back({item, typed_column(item, Type::kLong), {}});
  w->schema = {{key, Type::kString}};
  for (const std::string& c : spec.carried)
    w->schema.push_back({c, Type::kString});
  w->schema.push_back({spec.name, Type::kLong});
  w->schema.push_back({plan::kWindowFrom, Type::kDatetime});
  w->schema.push_back({plan::kWindowTo, Type::kDatetime});
  w->window = std::make_shared<WindowSpec>(spec);
  return w;
}

/// `step` and the group's column, over either input.
OpPtr as_step(OpPtr input, int64_t step, const char* group) {
  auto p = std::make_shared<Op>(
      *plan::project(std::move(input), {{"step", plan::literal(data::Value::integer(step)), {}},
                                        {group, typed_column(group, Type::kString), {}}}));
  auto literal = std::make_shared<plan::Expr>(*p->items[0].expr);
  literal->type = Type::kLong;
  p->items[0].expr = literal;
  p->schema = {{"step", Type::kLong}, {group, Type::kString}};
  return p;
}

struct Trial {
  WindowSpec inner;
  WindowSpec outer;
  bool carried = false;
  std::vector<ModelEvent> events;  // step 0: for the inner window, 1: for the outer one
};

Trial random_trial(Random& r) {
  static constexpr const char* kKeys[] = {"a", "b"};
  static constexpr const char* kTexts[] = {"x", "y", "z"};
  Trial t;
  t.inner.name = "event_count";
  t.inner.length = 1 + r.below(8);
  t.inner.bounds.push_back(
      {r.chance(70) ? plan::BoundOp::kGreaterEqual : plan::BoundOp::kLess, 1.0 + r.below(3)});
  t.outer.name = "rule_count";
  t.outer.kind = WindowKind::kSequence;
  t.outer.length = 1 + r.below(12);
  t.outer.steps = {"inner", "event"};
  t.outer.ordered = r.chance(50);
  if (r.chance(70))
    t.outer.terms.push_back({{0, 1}, {}});
  else
    t.outer.terms.push_back(r.chance(50) ? plan::WindowTerm{{0}, {1}} : plan::WindowTerm{{1}, {0}});
  t.carried = r.chance(50);
  t.inner.every = r.chance(80);
  if (t.carried) t.inner.carried = {"text"};
  const uint32_t span = 5 + r.below(40);
  for (uint32_t n = r.below(14); n > 0; --n) {
    ModelEvent e;
    e.time = 1000 + r.below(span);
    e.key = kKeys[r.below(2)];
    e.text = kTexts[r.below(3)];
    e.step = r.below(3) == 0 ? 1 : 0;
    t.events.push_back(e);
  }
  return t;
}

/// Texts of the events that an inner finding counted: the last of its window.
std::set<std::string> carried_texts(const Trial& t, const ModelFinding& f) {
  std::vector<std::pair<int64_t, uint32_t>> counted;
  for (uint32_t i = 0; i < t.events.size(); ++i) {
    const ModelEvent& e = t.events[i];
    const bool closing = t.inner.closing();
    if (e.step == 0 && e.key == f.key && e.time >= f.from &&
        (closing ? e.time < f.to : e.time <= f.to))
      counted.emplace_back(e.time, i);
  }
  std::sort(counted.begin(), counted.end());
  std::set<std::string> out;
  const size_t first = t.inner.closing() ? 0 : counted.size() - static_cast<size_t>(f.value);
  for (size_t i = first; i < counted.size(); ++i)
    out.insert(t.events[counted[i].second].text);
  return out;
}

std::vector<ModelFinding> model(const Trial& t) {
  std::vector<ModelEvent> inner;
  std::vector<ModelEvent> outer;
  for (const ModelEvent& e : t.events) {
    if (e.step == 0) {
      inner.push_back(e);
      continue;
    }
    outer.push_back(e);
    if (t.carried) outer.back().key = e.text;
  }
  for (const ModelFinding& f : model_findings(t.inner, inner)) {
    ModelEvent e;
    e.time = f.time;
    e.step = 0;
    e.key = f.key;
    if (!t.carried) {
      outer.push_back(e);
      continue;
    }
    for (const std::string& text : carried_texts(t, f)) {
      e.key = text;
      outer.push_back(e);
    }
  }
  return model_findings(t.outer, outer);
}

std::vector<ModelFinding> run(const Trial& t, bool watermarks, int64_t lateness, Random& random) {
  const char* group = t.carried ? "text" : "key";
  auto both = std::make_shared<Op>();
  both->kind = OpKind::kUnion;
  both->inputs = {as_step(window(t.inner, scan_events(), "key", nullptr), 0, group),
                  as_step(scan_events(), 1, group)};
  both->schema = both->inputs[0]->schema;
  const auto plan = exec::CompiledPlan::make(window(t.outer, both, group, "step"));
  if (!plan) return {};
  exec::RowCollector rows;
  const std::unique_ptr<exec::Run> run = exec::Run::start(*plan, {}, rows);
  int64_t latest = 0;
  for (const Arrival& a : arrive(t.events, watermarks, lateness, random)) {
    push(*run, a.event.step, {a});
    latest = std::max(latest, a.event.time);
    if (watermarks) run->advance(latest - lateness);
  }
  run->finish();
  std::vector<ModelFinding> out;
  for (size_t i = 0; i < rows.rows.size(); ++i)
    out.push_back({rows.rows[i][0].as_bytes(), rows.times[i], rows.rows[i][2].as_int(),
                   rows.rows[i][3].as_int(), rows.rows[i][1].number()});
  if (!run->notes().anomalies.empty()) out.push_back({"anomalies", 0, 0, 0, 0});
  std::sort(out.begin(), out.end());
  return out;
}

void print(const char* what, const std::vector<ModelFinding>& findings) {
  for (const ModelFinding& f : findings)
    std::printf("  %s: time %lld key %s from %lld to %lld value %g\n", what,
                static_cast<long long>(f.time), f.key.c_str(), static_cast<long long>(f.from),
                static_cast<long long>(f.to), f.value);
}

int main_of(int argc, char** argv) {
  const uint64_t streams = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5000;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  uint64_t num_findings = 0;
  for (uint64_t i = 0; i < streams; ++i) {
    const Trial t = random_trial(random);
    const std::vector<ModelFinding> wanted = model(t);
    num_findings += wanted.size();
    for (const bool watermarks : {true, false}) {
      const std::vector<ModelFinding> found = run(t, watermarks, random.below(30), random);
      if (found == wanted) continue;
      std::printf("stream %llu differs: %s%s; over %s%s\n", static_cast<unsigned long long>(i),
                  plan::to_text(t.outer).c_str(), t.carried ? " by text" : "",
                  plan::to_text(t.inner).c_str(), t.inner.every ? " (each time)" : "");
      for (const ModelEvent& e : t.events)
        std::printf("  event: time %lld key %s step %u text %s\n", static_cast<long long>(e.time),
                    e.key.c_str(), e.step, e.text.c_str());
      print("model", wanted);
      print("found", found);
      return 1;
    }
  }
  std::printf("%llu of %llu streams as the model says (%llu findings)\n",
              static_cast<unsigned long long>(streams), static_cast<unsigned long long>(streams),
              static_cast<unsigned long long>(num_findings));
  return 0;
}

}  // namespace
}  // namespace postern::tests

int main(int argc, char** argv) {
  return postern::tests::main_of(argc, argv);
}
