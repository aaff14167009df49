#include "check/explain_event.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/time.h"
#include "data/batch.h"
#include "engine/evidence.h"
#include "exec/evaluate.h"
#include "input/format.h"

namespace postern::check {

using data::Column;
using data::Type;
using data::Value;
using engine::LoadedRule;
using plan::Branch;
using plan::Expr;
using plan::ExprPtr;
using plan::Schema;

namespace {

constexpr size_t kMaxShown = 300;
constexpr size_t kMaxValuesTried = 256;

std::string cut(std::string text) {
  if (text.size() <= kMaxShown) return text;
  text.resize(kMaxShown);
  return text + "...";
}

const plan::Op* find(const plan::OpPtr& op, plan::OpKind kind) {
  for (const plan::Op* at = op.get(); at; at = at->inputs.empty() ? nullptr : at->inputs[0].get())
    if (at->kind == kind) return at;
  return nullptr;
}

/// One row as columns of a schema.
class Row {
 public:
  Row(const Schema& schema, std::vector<Column> columns, uint32_t row, uint32_t num_rows)
      : schema_(schema), columns_(std::move(columns)), row_(row), num_rows_(num_rows) {}

  Value value(const ExprPtr& e) const {
    const auto program = exec::compile(e, schema_);
    if (!program) return Value();
    const uint32_t rows[] = {row_};
    const Column c = (*program)->evaluate(columns_, rows, num_rows_, {});
    return c.type() == Type::kNull || !c.valid(row_) ? Value() : c.value(row_);
  }

  bool holds(const ExprPtr& e) const {
    const Value v = value(e);
    return !v.is_null() && v.type() == Type::kBool && v.as_bool();
  }

  const Schema& schema() const { return schema_; }

 private:
  const Schema& schema_;
  std::vector<Column> columns_;
  uint32_t row_;
  uint32_t num_rows_;
};

class Explanation {
 public:
  Explanation(std::ostream& out, const Row& row) : out_(out), row_(row) {}

  void tell(const ExprPtr& e, size_t depth) {
    const bool held = row_.holds(e);
    out_ << std::string(2 * depth, ' ') << (held ? "yes  " : "no   ");
    if (e->is_call("and") || e->is_call("or")) {
      out_ << (e->is_call("and") ? "all of" : "one of") << '\n';
      for (const ExprPtr& a : e->args)
        tell(a, depth + 1);
      return;
    }
    if (e->is_call("not") && (e->args[0]->is_call("and") || e->args[0]->is_call("or"))) {
      out_ << "not\n";
      tell(e->args[0], depth + 1);
      return;
    }
    const ExprPtr& atom = e->is_call("not") ? e->args[0] : e;
    out_ << cut(plan::to_text(*e));
    values(atom);
    out_ << '\n';
  }

 private:
  // The event's values, and which of several wanted ones held.
  void values(const ExprPtr& atom) {
    std::set<std::string> names;
    plan::collect_columns(atom, names);
    for (const std::string& name : names) {
      if (data::is_pseudo_column(name)) continue;
      for (const plan::ColumnInfo& c : row_.schema()) {
        if (c.name != name) continue;
        auto column = std::make_shared<Expr>(*plan::column(name));
        column->type = c.type;
        const Value v = row_.value(column);
        out_ << "   [" << name << (v.is_null() ? " is missing" : ": " + cut(v.json())) << "]";
      }
    }
    if (!atom->function || !atom->function->any_of || !row_.holds(atom)) return;
    const size_t subjects =
        atom->name.starts_with("sigma.keyword") && atom->args.size() > 2 ? 2 : 1;
    if (atom->args.size() <= subjects + 1) return;
    size_t tried = 0;
    for (size_t i = subjects; i < atom->args.size() && tried < kMaxValuesTried; ++i, ++tried) {
      auto one = std::make_shared<Expr>(*atom);
      one->args.assign(atom->args.begin(),
                       atom->args.begin() + static_cast<std::ptrdiff_t>(subjects));
      one->args.push_back(atom->args[i]);
      if (row_.holds(one)) out_ << "   held: " << cut(plan::to_text(*atom->args[i]));
    }
  }

  std::ostream& out_;
  const Row& row_;
};

/// A rule's bound parts.
struct Parts {
  const plan::Op* scan = nullptr;
  const plan::Op* filter = nullptr;
};

class Explainer final : public data::BatchSink {
 public:
  Explainer(std::ostream& out, const LoadedRule& rule) : out_(out) {
    parts_.scan = find(rule.bound, plan::OpKind::kScan);
    parts_.filter = find(rule.bound, plan::OpKind::kFilter);
  }

  bool usable() const { return parts_.scan && parts_.filter; }

  /// Columns to decode, by native table.
  data::Layouts layouts() const {
    data::Layouts out;
    for (const Branch& b : parts_.scan->branches) {
      data::Layout& layout = out.try_emplace(b.table, b.table).first->second;
      const std::function<void(const Expr&)> add = [&](const Expr& e) {
        if (e.is_column() && e.name != "_time") layout.add(e.name, e.type);
        for (const ExprPtr& a : e.args)
          add(*a);
      };
      if (b.where) add(*b.where);
      for (const plan::NamedExpr& c : b.columns)
        add(*c.expr);
    }
    return out;
  }

  bool push(data::Batch&& batch) override {
    for (uint32_t row = 0; row < batch.num_rows; ++row) {
      ++num_events_;
      if (num_events_ <= kMaxExplainedEvents) event(batch, row);
    }
    return true;
  }

  void skipped(std::string_view table, uint64_t num_events) override {
    others_[std::string(table)] += num_events;
  }

  void finish() {
    if (num_events_ > kMaxExplainedEvents)
      out_ << num_events_ - kMaxExplainedEvents << " more events are not shown\n";
    for (const auto& [table, n] : others_)
      out_ << n << " events of " << table << ": not of this rule's log source\n";
  }

 private:
  void event(const data::Batch& batch, uint32_t row) {
    out_ << "event " << num_events_ << " (" << batch.table << ", record "
         << batch.positions[row].record;
    if (batch.time.type() != Type::kNull && batch.time.valid(row))
      out_ << ", " << format_rfc3339(batch.time.value(row).as_int());
    out_ << "): ";
    Schema native;
    for (const data::Layout::Field& f : batch.layout->fields())
      native.push_back({f.name, f.type});
    native.push_back({"_time", Type::kDatetime});
    std::vector<Column> columns = batch.columns;
    columns.push_back(batch.time);
    const Row here(native, columns, row, batch.num_rows);
    // The branch that takes the event; else the one to say why none does.
    const Branch* taken = nullptr;
    const Branch* refused = nullptr;
    for (const Branch& b : parts_.scan->branches) {
      if (b.table != batch.table) continue;
      if (!taken && (!b.where || here.holds(b.where))) taken = &b;
      if (!refused) refused = &b;
    }
    if (!taken) {
      out_ << "not of this rule's log source\n";
      if (refused) Explanation(out_, here).tell(refused->where, 1);
      return;
    }
    std::vector<Column> seen;
    for (const plan::ColumnInfo& c : parts_.scan->schema)
      seen.push_back(column(*taken, c, native, columns, row, batch.num_rows));
    const Row rule_row(parts_.scan->schema, std::move(seen), row, batch.num_rows);
    const ExprPtr& predicate = parts_.filter->predicate;
    out_ << (rule_row.holds(predicate) ? "fires\n" : "does not fire\n");
    if (taken->where) out_ << "  log source: " << cut(plan::to_text(*taken->where)) << '\n';
    Explanation(out_, rule_row).tell(predicate, 1);
  }

  static Column column(const Branch& branch,
                       const plan::ColumnInfo& info,
                       const Schema& native,
                       const std::vector<Column>& columns,
                       uint32_t row,
                       uint32_t num_rows) {
    for (const plan::NamedExpr& c : branch.columns) {
      if (c.name != info.name) continue;
      const auto program = exec::compile(c.expr, native);
      if (!program) break;
      const uint32_t rows[] = {row};
      return (*program)->evaluate(columns, rows, num_rows, {});
    }
    return data::ColumnBuilder(info.type, num_rows).finish();
  }

  std::ostream& out_;
  Parts parts_;
  size_t num_events_ = 0;
  std::map<std::string, uint64_t> others_;
};

}  // namespace

Result<bool> explain_event(std::ostream& out,
                           const engine::RuleSet& rules,
                           const std::string& path) {
  bool any_format = false;
  for (const LoadedRule& r : rules.rules()) {
    if (rules.files()[r.file].path.rfind("builtin:", 0) == 0) continue;
    out << "rule: " << r.rule.info.title << '\n';
    Explainer explainer(out, r);
    if (r.rule.kind != plan::RuleKind::kEvent || !explainer.usable()) {
      out << "not a rule about single events: there are no parts to tell\n";
      any_format = true;
      continue;
    }
    const data::Layouts layouts = explainer.layouts();
    data::Anomalies anomalies;
    std::vector<std::string> errors;
    for (const std::string& file : engine::expand_evidence({path}, errors))
      engine::open_evidence(
          file, {}, anomalies, errors, [&](const input::Input& in, const input::Format* format) {
            if (!format) return;
            any_format = true;
            input::DecodeContext context{layouts, explainer, anomalies, nullptr, nullptr, nullptr};
            format->decode(in, context);
          });
    if (!errors.empty()) return Error{Code::kIo, errors.front()};
    explainer.finish();
  }
  if (!any_format) return Error{Code::kUnsupported, "no known format of events: " + path};
  return true;
}

}  // namespace postern::check
