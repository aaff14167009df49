// The AST as text, one command a line: conditions with their grouping spelled out, expressions in
// infix.
#include "data/value.h"
#include "lang/spl/ast.h"

namespace postern::lang::spl {
namespace {

std::string quoted(const std::string& s) {
  return data::json_string(s);
}

const char* symbol(Comparison c) {
  static constexpr const char* kSymbols[] = {"=", "!=", "<", "<=", ">", ">="};
  return kSymbols[static_cast<size_t>(c)];
}

const char* symbol(EvalExpr::Op op) {
  static constexpr const char* kSymbols[] = {"and", "or",   "xor", "=", "!=", "<", "<=", ">",
                                             ">=",  "like", "+",   "-", "*",  "/", "%",  "."};
  return kSymbols[static_cast<size_t>(op)];
}

template <class List, class Text>
std::string joined(const List& list, const char* separator, Text&& text) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += separator;
    out += text(item);
  }
  return out;
}

std::string names(const std::vector<FieldName>& fields) {
  return joined(fields, ", ", [](const FieldName& f) { return f.name; });
}

std::string items(const std::vector<StatsItem>& list) {
  return joined(list, ", ", [](const StatsItem& i) {
    std::string out = i.function;
    if (i.function == "perc") out += std::to_string(i.percentile);
    if (!i.field.name.empty()) out += "(" + i.field.name + ")";
    if (i.expr) out += "(eval(" + to_text(*i.expr) + "))";
    return i.named ? out + " as " + i.name : out;
  });
}

std::string by(const std::vector<FieldName>& fields) {
  return fields.empty() ? "" : " by " + names(fields);
}

std::string sort_list(const std::vector<SortField>& fields) {
  return joined(fields, ", ",
                [](const SortField& f) { return (f.descending ? "-" : "+") + f.field.name; });
}

struct BodyText {
  std::string operator()(const SearchCommand& c) const {
    return c.condition ? to_text(*c.condition) : "*";
  }

  std::string operator()(const WhereCommand& c) const { return to_text(*c.condition); }

  std::string operator()(const EvalCommand& c) const {
    return joined(c.assignments, ", ",
                  [](const Assignment& a) { return a.target.name + "=" + to_text(*a.value); });
  }

  std::string operator()(const StatsCommand& c) const {
    return items(c.items) + by(c.by) + (c.window > 0 ? " window=" + std::to_string(c.window) : "") +
           (c.current ? "" : " current=false") + (c.global ? "" : " global=false");
  }

  std::string operator()(const TstatsCommand& c) const {
    std::string out = items(c.items);
    if (!c.model.empty()) out += " from " + c.model + (c.dataset.empty() ? "" : "." + c.dataset);
    if (c.where) out += " where " + to_text(*c.where);
    out += by(c.by);
    if (c.span) out += " span=" + c.span->text;
    if (c.fillnull) out += " fillnull=" + quoted(*c.fillnull);
    return out;
  }

  std::string operator()(const ConvertCommand& c) const {
    return joined(c.items, ", ", [](const ConvertItem& i) {
      return i.function + "(" + i.field.name + ")" + (i.name.empty() ? "" : " as " + i.name);
    });
  }

  std::string operator()(const RenameCommand& c) const {
    return joined(c.pairs, ", ",
                  [](const RenamePair& p) { return p.from.name + " as " + p.to.name; });
  }

  std::string operator()(const FieldsCommand& c) const {
    return (c.mode == FieldsCommand::Mode::kRemove ? "- " : "") + names(c.fields);
  }

  std::string operator()(const SortCommand& c) const {
    return std::to_string(c.limit) + " " + sort_list(c.fields);
  }

  std::string operator()(const HeadCommand& c) const { return std::to_string(c.limit); }

  std::string operator()(const DedupCommand& c) const {
    return std::to_string(c.limit) + " " + names(c.fields) +
           (c.sort_by.empty() ? "" : " sortby " + sort_list(c.sort_by));
  }

  std::string operator()(const TopCommand& c) const {
    return std::to_string(c.limit) + " " + names(c.fields) + by(c.by);
  }

  std::string operator()(const BinCommand& c) const {
    return c.field.name + " span=" + c.span.text + (c.name.empty() ? "" : " as " + c.name);
  }

  std::string operator()(const FillnullCommand& c) const {
    return "value=" + quoted(c.value) + (c.fields.empty() ? "" : " " + names(c.fields));
  }

  std::string operator()(const RexCommand& c) const {
    return "field=" + c.field.name + (c.sed ? " mode=sed" : "") +
           (c.max_match == 1 ? "" : " max_match=" + std::to_string(c.max_match)) + " " +
           quoted(c.pattern);
  }

  std::string operator()(const RegexCommand& c) const {
    return c.field.name + (c.negated ? "!=" : "=") + quoted(c.pattern);
  }

  std::string operator()(const MvexpandCommand& c) const { return c.field.name; }

  std::string operator()(const MakemvCommand& c) const {
    return (c.tokenizer.empty() ? "delim=" + quoted(c.delimiter)
                                : "tokenizer=" + quoted(c.tokenizer)) +
           " " + c.field.name;
  }

  std::string operator()(const FromCommand& c) const {
    return "datamodel " + c.model + (c.dataset.empty() ? "" : "." + c.dataset);
  }

  std::string operator()(const AppendCommand& c) const {
    return joined(c.pipelines, " ", [](const Pipeline& p) { return "[ " + flat(p) + " ]"; });
  }

  std::string operator()(const ReplaceCommand& c) const {
    return joined(c.pairs, ", ",
                  [](const ReplaceCommand::Pair& p) {
                    return quoted(p.from.text) + " with " + quoted(p.to.text);
                  }) +
           " in " + names(c.fields);
  }

  std::string operator()(const JoinCommand& c) const {
    return std::string(c.left ? "left " : "inner ") + names(c.fields) + " [ " + flat(*c.pipeline) +
           " ]";
  }

  static std::string pairs(const std::vector<LookupCommand::Pair>& list) {
    return joined(list, ", ", [](const LookupCommand::Pair& p) {
      return p.column.name + " as " + p.field.name;
    });
  }

  std::string operator()(const LookupCommand& c) const {
    std::string out = c.name + " " + pairs(c.keys);
    if (!c.outputs.empty()) out += (c.only_new ? " outputnew " : " output ") + pairs(c.outputs);
    return out;
  }

  std::string operator()(const InputlookupCommand& c) const {
    return c.name + (c.append ? " append" : "") + (c.where ? " where " + to_text(*c.where) : "");
  }

  std::string operator()(const OutputlookupCommand& c) const { return c.name; }

  std::string operator()(const SpathCommand& c) const {
    return c.input.name + (c.path.empty() ? "" : " path=" + quoted(c.path)) +
           (c.output.empty() ? "" : " output=" + c.output);
  }

  std::string operator()(const ForeachCommand& c) const {
    return names(c.patterns) + " [ " + c.body + " ]";
  }

  static std::string condition(const char* name, const TransactionCommand::Condition& c) {
    if (c.search) return std::string(" ") + name + "=" + to_text(*c.search);
    return c.eval ? std::string(" ") + name + "=eval(" + to_text(*c.eval) + ")" : "";
  }

  std::string operator()(const TransactionCommand& c) const {
    return names(c.fields) + condition("startswith", c.startswith) +
           condition("endswith", c.endswith) + (c.maxspan.empty() ? "" : " maxspan=" + c.maxspan) +
           (c.maxpause.empty() ? "" : " maxpause=" + c.maxpause);
  }

  std::string operator()(const TailCommand& c) const { return std::to_string(c.limit); }

  std::string operator()(const AddtotalsCommand& c) const {
    return "fieldname=" + c.name + " " + names(c.fields);
  }

  std::string operator()(const RefusedCommand&) const { return ""; }

  static std::string flat(const Pipeline& p) {
    return joined(p.commands, " | ",
                  [](const Command& c) { return c.name + " " + std::visit(BodyText{}, c.body); });
  }
};

}  // namespace

std::string to_text(const SearchExpr& e) {
  switch (e.kind) {
    case SearchExpr::Kind::kAnd:
    case SearchExpr::Kind::kOr: {
      if (e.children.empty()) return "()";
      const char* separator = e.kind == SearchExpr::Kind::kAnd ? " AND " : " OR ";
      return "(" + joined(e.children, separator, [](const SearchPtr& c) { return to_text(*c); }) +
             ")";
    }
    case SearchExpr::Kind::kNot:
      return "NOT " + to_text(*e.children[0]);
    case SearchExpr::Kind::kSubsearch:
      return "[ " + BodyText::flat(*e.subsearch) + " ]";
    case SearchExpr::Kind::kTerm: {
      const std::string text = quoted(e.values[0].text);
      if (e.term == TermKind::kCaseSensitive) return "CASE(" + text + ")";
      return e.term == TermKind::kMajorBreakersOnly ? "TERM(" + text + ")" : text;
    }
    case SearchExpr::Kind::kCompare:
      break;
  }
  if (e.in_list)
    return e.field.name + " IN (" +
           joined(e.values, ", ", [](const SearchValue& v) { return quoted(v.text); }) + ")";
  return e.field.name + symbol(e.comparison) + quoted(e.values[0].text);
}

std::string to_text(const EvalExpr& e) {
  switch (e.kind) {
    case EvalExpr::Kind::kNumber:
      return e.text;
    case EvalExpr::Kind::kString:
      return quoted(e.text);
    case EvalExpr::Kind::kField:
      return e.quoted ? "'" + e.text + "'" : e.text;
    case EvalExpr::Kind::kNegate:
      return "-" + to_text(*e.args[0]);
    case EvalExpr::Kind::kNot:
      return "not " + to_text(*e.args[0]);
    case EvalExpr::Kind::kCall:
      return e.text + "(" + joined(e.args, ", ", [](const EvalPtr& a) { return to_text(*a); }) +
             ")";
    case EvalExpr::Kind::kBinary:
      break;
  }
  const std::string separator = std::string(" ") + symbol(e.op) + " ";
  return "(" + joined(e.args, separator.c_str(), [](const EvalPtr& a) { return to_text(*a); }) +
         ")";
}

std::string to_text(const Pipeline& p) {
  std::string out;
  for (const Command& c : p.commands) {
    const std::string body = std::visit(BodyText{}, c.body);
    out += c.name + (body.empty() ? "" : " " + body) + "\n";
  }
  return out;
}

}  // namespace postern::lang::spl
