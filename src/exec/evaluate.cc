#include "exec/evaluate.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "exec/common_parts.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::ColumnView;
using data::Rows;
using data::Type;
using data::Value;
using plan::Expr;
using plan::ExprPtr;
using plan::RunContext;

namespace {

using Program = std::shared_ptr<const CompiledExpr>;

/// Its column is made when it is first asked for: most literals of thousands of rules never are.
class LiteralNode final : public CompiledExpr {
 public:
  explicit LiteralNode(const Value& v) : value_(v) {}

  Type type() const override { return value_.type(); }

  Column evaluate(std::span<const Column>, Rows, uint32_t, const RunContext&) const override {
    std::call_once(made_, [this] { column_ = Column::constant(value_, data::kBatchRows); });
    return column_;
  }

 private:
  Value value_;
  mutable std::once_flag made_;
  mutable Column column_;
};

class ColumnNode final : public CompiledExpr {
 public:
  ColumnNode(size_t slot, Type type) : slot_(slot), type_(type) {}

  Type type() const override { return type_; }

  Column evaluate(std::span<const Column> columns,
                  Rows,
                  uint32_t,
                  const RunContext&) const override {
    return columns[slot_];
  }

 private:
  size_t slot_;
  Type type_;
};

class CallNode final : public CompiledExpr {
 public:
  CallNode(const plan::FunctionDef& f,
           std::vector<Program> args,
           Type type,
           std::shared_ptr<const void> state)
      : function_(f), args_(std::move(args)), type_(type), state_(std::move(state)) {}

  Type type() const override { return type_; }

  Column evaluate(std::span<const Column> columns,
                  Rows rows,
                  uint32_t num_rows,
                  const RunContext& run) const override {
    std::vector<Column> values;
    values.reserve(args_.size());
    for (const Program& a : args_)
      values.push_back(a ? a->evaluate(columns, rows, num_rows, run) : Column());
    plan::KernelCall call;
    call.args = values;
    call.rows = rows;
    call.num_rows = num_rows;
    call.type = type_;
    call.state = state_.get();
    call.run = &run;
    return function_.kernel(call);
  }

 private:
  const plan::FunctionDef& function_;
  std::vector<Program> args_;  // null: what the state tells
  Type type_;
  std::shared_ptr<const void> state_;
};

/// Kleene `and` and `or`: each argument only for the rows that it can still decide.
class JunctionNode final : public CompiledExpr {
 public:
  JunctionNode(std::vector<Program> args, bool conjunctive)
      : args_(std::move(args)), conjunctive_(conjunctive) {}

  Type type() const override { return Type::kBool; }

  Column evaluate(std::span<const Column> columns,
                  Rows rows,
                  uint32_t num_rows,
                  const RunContext& run) const override {
    ColumnBuilder out(Type::kBool, num_rows);
    std::vector<uint32_t> open(rows.begin(), rows.end());
    std::vector<uint8_t> unknown;  // by position in `open`, kept beside it
    unknown.assign(open.size(), 0);
    for (const Program& a : args_) {
      if (open.empty()) break;
      const Column c = a->evaluate(columns, open, num_rows, run);
      const ColumnView<uint8_t> v = c.view<uint8_t>();
      size_t kept = 0;
      for (size_t i = 0; i < open.size(); ++i) {
        const uint32_t row = open[i];
        const bool valid = c.type() == Type::kBool && v.valid(row);
        if (valid && (v[row] != 0) != conjunctive_) {
          out.set(row, !conjunctive_);  // decided
          continue;
        }
        open[kept] = row;
        unknown[kept] = static_cast<uint8_t>(unknown[i] | (valid ? 0 : 1));
        ++kept;
      }
      open.resize(kept);
    }
    for (size_t i = 0; i < open.size(); ++i)
      if (!unknown[i]) out.set(open[i], conjunctive_);
    return out.finish();
  }

 private:
  std::vector<Program> args_;
  bool conjunctive_;
};

class NotNode final : public CompiledExpr {
 public:
  explicit NotNode(Program arg) : arg_(std::move(arg)) {}

  Type type() const override { return Type::kBool; }

  Column evaluate(std::span<const Column> columns,
                  Rows rows,
                  uint32_t num_rows,
                  const RunContext& run) const override {
    const Column c = arg_->evaluate(columns, rows, num_rows, run);
    const ColumnView<uint8_t> v = c.view<uint8_t>();
    ColumnBuilder out(Type::kBool, num_rows);
    for (const uint32_t row : rows)
      if (c.type() == Type::kBool && v.valid(row)) out.set(row, v[row] == 0);
    return out.finish();
  }

 private:
  Program arg_;
};

template <class T>
void copy_cells(const Column& from, Rows rows, ColumnBuilder& out) {
  const ColumnView<T> v = from.view<T>();
  for (const uint32_t row : rows) {
    if (!v.valid(row)) continue;
    if constexpr (std::is_same_v<T, std::string_view>)
      out.set_copy(row, v[row]);
    else if constexpr (std::is_same_v<T, uint8_t>)
      out.set(row, v[row] != 0);
    else
      out.set(row, v[row]);
  }
}

void copy_rows(const Column& from, Rows rows, ColumnBuilder& out) {
  if (from.type() == Type::kNull) return;
  if (from.type() != out.type() && data::physical(from.type()) != data::physical(out.type())) {
    for (const uint32_t row : rows)
      if (from.valid(row)) out.set(row, from.value(row));
    return;
  }
  switch (data::physical(out.type())) {
    case data::Physical::kByte:
      return copy_cells<uint8_t>(from, rows, out);
    case data::Physical::kInt64:
      return copy_cells<int64_t>(from, rows, out);
    case data::Physical::kDouble:
      return copy_cells<double>(from, rows, out);
    case data::Physical::kBytes:
      return copy_cells<std::string_view>(from, rows, out);
  }
}

/// `case(c1, v1, c2, v2, …, default)`; `if` is the case with one condition.
class CaseNode final : public CompiledExpr {
 public:
  CaseNode(std::vector<Program> args, Type type) : args_(std::move(args)), type_(type) {}

  Type type() const override { return type_; }

  Column evaluate(std::span<const Column> columns,
                  Rows rows,
                  uint32_t num_rows,
                  const RunContext& run) const override {
    ColumnBuilder out(type_ == Type::kNull ? Type::kString : type_, num_rows);
    std::vector<uint32_t> open(rows.begin(), rows.end());
    std::vector<uint32_t> hit;
    for (size_t i = 0; i + 1 < args_.size() && !open.empty(); i += 2) {
      hit.clear();
      args_[i]->select(columns, open, num_rows, run, hit);
      if (hit.empty()) continue;
      copy_rows(args_[i + 1]->evaluate(columns, hit, num_rows, run), hit, out);
      std::vector<uint32_t> rest;
      std::set_difference(open.begin(), open.end(), hit.begin(), hit.end(),
                          std::back_inserter(rest));
      open = std::move(rest);
    }
    if (args_.size() % 2 == 1 && !open.empty())
      copy_rows(args_.back()->evaluate(columns, open, num_rows, run), open, out);
    return out.finish();
  }

 private:
  std::vector<Program> args_;
  Type type_;
};

/// First argument that is not null, per row.
class CoalesceNode final : public CompiledExpr {
 public:
  CoalesceNode(std::vector<Program> args, Type type) : args_(std::move(args)), type_(type) {}

  Type type() const override { return type_; }

  Column evaluate(std::span<const Column> columns,
                  Rows rows,
                  uint32_t num_rows,
                  const RunContext& run) const override {
    ColumnBuilder out(type_ == Type::kNull ? Type::kString : type_, num_rows);
    std::vector<uint32_t> open(rows.begin(), rows.end());
    for (const Program& a : args_) {
      if (open.empty()) break;
      const Column c = a->evaluate(columns, open, num_rows, run);
      copy_rows(c, open, out);
      std::erase_if(open, [&](uint32_t row) { return c.type() != Type::kNull && c.valid(row); });
    }
    return out.finish();
  }

 private:
  std::vector<Program> args_;
  Type type_;
};

/// What a function's prepare() makes of the literal arguments of a call.
Result<std::shared_ptr<const void>> prepare(const Expr& e) {
  std::vector<const Value*> constants;
  std::vector<Type> types;
  for (const ExprPtr& a : e.args) {
    constants.push_back(a->is_literal() ? &a->literal : nullptr);
    types.push_back(a->type);
  }
  return e.function->prepare(constants, types);
}

/// What the common parts of one expression gave, while it is evaluated.
struct Evaluated {
  struct Part {
    Column column;
    std::vector<uint32_t> rows;  // for which it has been filled
    bool is_known = false;
  };

  std::vector<Part> parts;
};

/// Of the innermost expression with common parts that this thread evaluates.
thread_local Evaluated* evaluated = nullptr;

/// A part that its expression has several times: evaluated once for the same rows. A later place
/// often asks for some of the rows only, as `and` leaves ever fewer of them.
class CommonNode final : public CompiledExpr {
 public:
  CommonNode(size_t number, Program part) : number_(number), part_(std::move(part)) {}

  Type type() const override { return part_->type(); }

  Column evaluate(std::span<const Column> columns,
                  Rows rows,
                  uint32_t num_rows,
                  const RunContext& run) const override {
    const Evaluated::Part& known = evaluated->parts[number_];
    if (known.is_known &&
        std::includes(known.rows.begin(), known.rows.end(), rows.begin(), rows.end()))
      return known.column;
    Column c = part_->evaluate(columns, rows, num_rows, run);
    Evaluated::Part& part = evaluated->parts[number_];
    part.column = c;
    part.rows.assign(rows.begin(), rows.end());
    part.is_known = true;
    return c;
  }

 private:
  size_t number_;
  Program part_;
};

/// An expression with common parts, which it remembers from its beginning to its end.
class WholeNode final : public CompiledExpr {
 public:
  WholeNode(size_t num_parts, Program whole) : num_parts_(num_parts), whole_(std::move(whole)) {}

  Type type() const override { return whole_->type(); }

  Column evaluate(std::span<const Column> columns,
                  Rows rows,
                  uint32_t num_rows,
                  const RunContext& run) const override {
    Evaluated own;
    own.parts.resize(num_parts_);
    Evaluated* const outer = std::exchange(evaluated, &own);
    Column c = whole_->evaluate(columns, rows, num_rows, run);
    evaluated = outer;
    return c;
  }

 private:
  size_t num_parts_;
  Program whole_;
};

/// Makes the nodes of one expression, of equal parts one.
class Compiler {
 public:
  explicit Compiler(const plan::Schema& schema) : schema_(schema) {}

  Result<Program> whole(const ExprPtr& e) {
    if (!is_nested(*e)) return node(e);
    const CommonParts parts(e);
    if (parts.any()) parts_ = &parts;
    Result<Program> made = node(e);
    parts_ = nullptr;
    if (!made || num_common_ == 0) return made;
    return Program(std::make_shared<WholeNode>(num_common_, std::move(*made)));
  }

 private:
  /// Only then can it have a call twice.
  static bool is_nested(const Expr& e) {
    return std::count_if(e.args.begin(), e.args.end(),
                         [](const ExprPtr& a) { return a->kind == Expr::Kind::kCall; }) > 0;
  }

  Result<Program> node(const ExprPtr& e) {
    if (e->is_literal()) return Program(std::make_shared<LiteralNode>(e->literal));
    if (e->is_column()) return column(*e);
    if (!parts_) return call(*e);
    const uint32_t number = parts_->number(*e);
    if (const auto it = made_.find(number); it != made_.end()) return it->second;
    POSTERN_TRY(Program p, call(*e));
    if (parts_->is_common(number)) {
      p = std::make_shared<CommonNode>(num_common_++, std::move(p));
      made_.emplace(number, p);
    }
    return p;
  }

  Result<Program> column(const Expr& e) const {
    for (size_t i = 0; i < schema_.size(); ++i)
      if (schema_[i].name == e.name)
        return Program(std::make_shared<ColumnNode>(i, schema_[i].type));
    return Error{Code::kNotFound, "column " + e.name + " is not in the input"};
  }

  Result<Program> call(const Expr& e) {
    POSTERN_CHECK(e.function != nullptr);
    // A list of a thousand values is in the function's state, not a thousand columns.
    const int literals_from = e.function->literals_from;
    const auto is_in_state = [&](size_t i) {
      return literals_from >= 0 && i >= static_cast<size_t>(literals_from) &&
             e.args[i]->is_literal();
    };
    size_t num_args = e.args.size();
    while (num_args > 0 && is_in_state(num_args - 1))
      --num_args;
    std::vector<Program> args(num_args);
    for (size_t i = 0; i < num_args; ++i) {
      if (is_in_state(i)) continue;
      POSTERN_TRY(args[i], node(e.args[i]));
    }
    const std::string& name = e.name;
    if (name == "and" || name == "or")
      return Program(std::make_shared<JunctionNode>(std::move(args), name == "and"));
    if (name == "not") return Program(std::make_shared<NotNode>(std::move(args[0])));
    if (name == "if" || name == "case")
      return Program(std::make_shared<CaseNode>(std::move(args), e.type));
    if (name == "coalesce") return Program(std::make_shared<CoalesceNode>(std::move(args), e.type));
    POSTERN_CHECK(e.function->kernel != nullptr);
    std::shared_ptr<const void> state;
    if (e.function->prepare) {
      POSTERN_TRY(state, prepare(e));
    }
    return Program(
        std::make_shared<CallNode>(*e.function, std::move(args), e.type, std::move(state)));
  }

  const plan::Schema& schema_;
  const CommonParts* parts_ = nullptr;
  std::unordered_map<uint32_t, Program> made_;  // common ones
  size_t num_common_ = 0;
};

}  // namespace

void CompiledExpr::select(std::span<const Column> columns,
                          Rows rows,
                          uint32_t num_rows,
                          const RunContext& run,
                          std::vector<uint32_t>& out) const {
  const Column c = evaluate(columns, rows, num_rows, run);
  if (c.type() != Type::kBool) return;
  const ColumnView<uint8_t> v = c.view<uint8_t>();
  for (const uint32_t row : rows)
    if (v.valid(row) && v[row]) out.push_back(row);
}

Result<std::shared_ptr<const CompiledExpr>> compile(const ExprPtr& expr,
                                                    const plan::Schema& schema) {
  return Compiler(schema).whole(expr);
}

Result<bool> CompileCheck::check(const Expr& e, const plan::Schema* schema) {
  if (e.is_column() && schema && !plan::find_column(*schema, e.name))
    return Error{Code::kNotFound, "column " + e.name + " is not in the input"};
  for (const ExprPtr& a : e.args)
    if (!a->is_literal())
      if (Result<bool> agreed = check(*a, schema); !agreed) return agreed;
  if (e.kind != Expr::Kind::kCall || !e.function || !e.function->prepare) return true;
  std::string call = e.name;
  for (const ExprPtr& a : e.args) {
    call += a->is_literal() ? '\2' : '\1';
    call += static_cast<char>(a->type);
    if (!a->is_literal()) continue;
    call += static_cast<char>(a->literal.type());
    call += a->literal.json();
  }
  if (agreed_.count(call)) return true;
  POSTERN_TRY(const std::shared_ptr<const void> state, prepare(e));
  agreed_.insert(std::move(call));
  return true;
}

Result<Value> evaluate_constant(const ExprPtr& expr, const RunContext& run) {
  const plan::Schema none;
  POSTERN_TRY(Program p, Compiler(none).whole(expr));
  const Column c = p->evaluate({}, Rows(data::kIdentityRows).first(1), 1, run);
  if (c.type() == Type::kNull || !c.valid(0)) return Value::null(expr->type);
  return c.value(0);
}

}  // namespace postern::exec
