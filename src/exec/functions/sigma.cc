// Sigma's tests of a field against values: equals, contains, startswith, endswith, re, cidr,
// keyword.
#include "exec/functions/sigma.h"

#include <utility>

#include "exec/functions/functions.h"
#include "exec/functions/kernel.h"
#include "exec/functions/sigma_patterns.h"
#include "match/ip.h"
#include "match/regex.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::FunctionDef;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

using Constants = std::span<const Value* const>;
using Prepared = Result<std::shared_ptr<const void>>;

Typing gives_bool(const TypeRequest&) {
  return Typing::ok(Type::kBool);
}

Error not_constant() {
  return {Code::kInvalid, "the values of a Sigma test are literals"};
}

// ---- equals, contains, startswith, endswith
// ------------------------------------------------------

template <SigmaPatterns::Operator op, bool cased>
Prepared prepare_patterns(Constants constants, std::span<const Type>) {
  auto patterns = std::make_shared<SigmaPatterns>(op, cased);
  for (size_t i = 1; i < constants.size(); ++i) {
    if (!constants[i]) return not_constant();
    patterns->add(*constants[i]);
  }
  patterns->seal();
  return std::shared_ptr<const void>(patterns);
}

Column patterns_kernel(const KernelCall& call) {
  const auto& patterns = *static_cast<const SigmaPatterns*>(call.state);
  const Column& field = call.args[0];
  if (data::is_integer(field.type()) && patterns.takes_integers()) {
    ColumnBuilder out(Type::kBool, call.num_rows);
    const auto v = field.view<int64_t>();
    for (const uint32_t row : call.rows)
      out.set(row, v.valid(row) && patterns.matches(v[row]));
    return out.finish();
  }
  std::string scratch;
  return test_text(call, field, false,
                   [&](std::string_view s) { return patterns.matches(s, scratch); });
}

// ---- keyword
// --------------------------------------------------------------------------------------

struct Keywords {
  SigmaPatterns patterns;
  size_t num_subjects = 1;  // leading arguments that are searched

  explicit Keywords(bool cased) : patterns(SigmaPatterns::Operator::kContains, cased) {}
};

// The values of the event and its text come first, then the keywords. A call of two arguments is
// one keyword searched in the values alone: what is left when an explanation tries keywords one by
// one.
template <bool cased>
Prepared prepare_keywords(Constants constants, std::span<const Type>) {
  auto keywords = std::make_shared<Keywords>(cased);
  keywords->num_subjects = constants.size() > 2 ? 2 : 1;
  for (size_t i = keywords->num_subjects; i < constants.size(); ++i) {
    if (!constants[i]) return not_constant();
    keywords->patterns.add(*constants[i]);
  }
  keywords->patterns.seal();
  return std::shared_ptr<const void>(keywords);
}

Column keyword_kernel(const KernelCall& call) {
  const auto& keywords = *static_cast<const Keywords*>(call.state);
  std::string scratch;
  ColumnBuilder out(Type::kBool, call.num_rows);
  std::vector<uint32_t> open(call.rows.begin(), call.rows.end());
  for (size_t subject = 0; subject < keywords.num_subjects; ++subject) {
    KernelCall part = call;
    part.rows = open;
    const Column found = test_text(part, call.args[subject], false, [&](std::string_view s) {
      return keywords.patterns.matches(s, scratch);
    });
    const auto v = found.view<uint8_t>();
    std::erase_if(open, [&](uint32_t row) {
      if (v[row]) out.set(row, true);
      return v[row] != 0;
    });
  }
  for (const uint32_t row : open)
    out.set(row, false);
  return out.finish();
}

// ---- re
// -------------------------------------------------------------------------------------------

using Regexes = std::vector<std::shared_ptr<const match::Regex>>;

template <unsigned flags>
Prepared prepare_regexes(Constants constants, std::span<const Type>) {
  auto regexes = std::make_shared<Regexes>();
  match::RegexFlags f;
  f.ignore_case = (flags & 1U) != 0;
  f.multi_line = (flags & 2U) != 0;
  f.dot_all = (flags & 4U) != 0;
  for (size_t i = 1; i < constants.size(); ++i) {
    if (!constants[i]) return not_constant();
    POSTERN_TRY(std::shared_ptr<const match::Regex> r,
                match::Regex::compile(constants[i]->text(), match::RegexDialect::kSigma, f));
    regexes->push_back(std::move(r));
  }
  return std::shared_ptr<const void>(regexes);
}

Column regex_kernel(const KernelCall& call) {
  const auto& regexes = *static_cast<const Regexes*>(call.state);
  return test_text(call, call.args[0], false, [&](std::string_view s) {
    for (const auto& r : regexes)
      if (r->matches(s)) return true;
    return false;
  });
}

// ---- cidr
// -----------------------------------------------------------------------------------------

Prepared prepare_networks(Constants constants, std::span<const Type>) {
  auto networks = std::make_shared<std::vector<match::Cidr>>();
  for (size_t i = 1; i < constants.size(); ++i) {
    if (!constants[i]) return not_constant();
    const auto network = match::Cidr::parse(constants[i]->text());
    if (!network) return Error{Code::kInvalid, "not a network: " + constants[i]->text()};
    networks->push_back(*network);
  }
  return std::shared_ptr<const void>(networks);
}

Column cidr_kernel(const KernelCall& call) {
  const auto& networks = *static_cast<const std::vector<match::Cidr>*>(call.state);
  return test_text(call, call.args[0], false, [&](std::string_view s) {
    const auto ip = match::IpAddress::parse(s);
    if (!ip) return false;
    for (const match::Cidr& n : networks)
      if (n.contains(*ip)) return true;
    return false;
  });
}

void add(plan::FunctionCatalog& c,
         std::string name,
         plan::Kernel kernel,
         plan::Prepare prepare,
         std::string symbol,
         std::string doc,
         int literals_from = 1) {
  FunctionDef f = sigma_function(std::move(name), 2, -1, kernel, std::move(symbol), std::move(doc));
  f.prepare = prepare;
  f.any_of = true;
  f.literals_from = literals_from;
  c.add(std::move(f));
}

template <SigmaPatterns::Operator op>
void add_patterns(plan::FunctionCatalog& c,
                  const std::string& name,
                  const std::string& symbol,
                  const std::string& doc) {
  add(c, "sigma." + name, patterns_kernel, prepare_patterns<op, false>, symbol,
      doc + ", ignoring case.");
  add(c, "sigma." + name + "_cased", patterns_kernel, prepare_patterns<op, true>, name + "_cased",
      doc + ", in this case.");
}

}  // namespace

plan::FunctionDef sigma_function(std::string name,
                                 int min_args,
                                 int max_args,
                                 plan::Kernel kernel,
                                 std::string symbol,
                                 std::string doc) {
  FunctionDef f;
  f.name = std::move(name);
  f.min_args = min_args;
  f.max_args = max_args;
  f.typing = gives_bool;
  f.kernel = kernel;
  f.symbol = std::move(symbol);
  f.doc = std::move(doc);
  return f;
}

void register_sigma_tests(plan::FunctionCatalog& c) {
  using Operator = SigmaPatterns::Operator;
  add_patterns<Operator::kEquals>(c, "equals", "=",
                                  "The whole value is one of these patterns, numbers or booleans");
  add_patterns<Operator::kContains>(c, "contains", "contains",
                                    "The value contains one of these patterns");
  add_patterns<Operator::kStartsWith>(c, "startswith", "startswith",
                                      "The value begins with one of these patterns");
  add_patterns<Operator::kEndsWith>(c, "endswith", "endswith",
                                    "The value ends with one of these patterns");
  const std::string doc = "A regular expression matches somewhere in the value";
  add(c, "sigma.re", regex_kernel, prepare_regexes<0>, "re", doc + ".");
  add(c, "sigma.re_i", regex_kernel, prepare_regexes<1>, "re_i", doc + ", ignoring case.");
  add(c, "sigma.re_m", regex_kernel, prepare_regexes<2>, "re_m", doc + "; ^ and $ at line ends.");
  add(c, "sigma.re_im", regex_kernel, prepare_regexes<3>, "re_im",
      doc + ", ignoring case; ^ and $ at line ends.");
  add(c, "sigma.re_s", regex_kernel, prepare_regexes<4>, "re_s",
      doc + "; a dot also matches a line end.");
  add(c, "sigma.re_is", regex_kernel, prepare_regexes<5>, "re_is",
      doc + ", ignoring case; a dot also matches a line end.");
  add(c, "sigma.re_ms", regex_kernel, prepare_regexes<6>, "re_ms",
      doc + "; ^ and $ at line ends, which a dot matches.");
  add(c, "sigma.re_ims", regex_kernel, prepare_regexes<7>, "re_ims",
      doc + ", ignoring case; ^ and $ at line ends, which a dot matches.");
  add(c, "sigma.cidr", cidr_kernel, prepare_networks, "cidr",
      "The address is in one of these networks.");
  add(c, "sigma.keyword", keyword_kernel, prepare_keywords<false>, "",
      "Some value of the event, or its text, contains one of these patterns, ignoring case.", 2);
  add(c, "sigma.keyword_cased", keyword_kernel, prepare_keywords<true>, "",
      "Some value of the event, or its text, contains one of these patterns, in this case.", 2);
}

void register_sigma_functions(plan::FunctionCatalog& catalog) {
  register_sigma_tests(catalog);
  register_sigma_fields(catalog);
  register_sigma_times(catalog);
  register_sigma_encodings(catalog);
}

}  // namespace postern::exec
