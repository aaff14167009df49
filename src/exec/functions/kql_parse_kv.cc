// Function behind parse-kv: the values of keys in `a=1;b=2`.
//
// parse_kv(text, keys, pair_delimiter, kv_delimiter, quotes, escape) gives an array of texts, in
// the order of the keys; a key that is not there is null, and of equal keys the first counts.
// Blanks around keys and values do not count; a value in quotes ends with them. Source: Kusto
// documentation, parse-kv operator; engine answers. Tests: tests/cases/kql/parse_kv.case.
#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

struct Delimiters {
  std::vector<std::string> keys;
  std::string pair;
  std::string value;
  std::string quotes;  // opening, closing
  std::string escape;
};

Result<std::shared_ptr<const void>> prepare(std::span<const Value* const> constants,
                                            std::span<const Type>) {
  for (size_t i = 1; i < 6; ++i)
    if (!constants[i]) return Error{Code::kInvalid, "`parse-kv` needs delimiters in writing"};
  auto out = std::make_shared<Delimiters>();
  const Dynamic keys(constants[1]->as_bytes());
  for (uint32_t i = 0; i < keys.size(); ++i)
    out->keys.emplace_back(keys.at(i).as_string());
  out->pair = constants[2]->text();
  out->value = constants[3]->text();
  out->quotes = constants[4]->text();
  if (out->quotes.size() == 1) out->quotes += out->quotes;
  out->escape = constants[5]->text();
  if (out->pair.empty() || out->value.empty())
    return Error{Code::kInvalid, "a delimiter of `parse-kv` is empty"};
  return std::shared_ptr<const void>(out);
}

/// A value in quotes that begins at s[at]; `at` then stands behind it.
std::string quoted(const Delimiters& d, std::string_view s, size_t& at) {
  std::string out;
  for (++at; at < s.size() && s[at] != d.quotes[1]; ++at) {
    if (!d.escape.empty() && d.escape.find(s[at]) != std::string::npos && at + 1 < s.size()) ++at;
    out += s[at];
  }
  at = std::min(at + 1, s.size());
  return out;
}

Column parse_kv_kernel(const KernelCall& call) {
  const auto& d = *static_cast<const Delimiters*>(call.state);
  const bool blank_pairs = trim(d.pair).empty();
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    std::vector<std::optional<std::string>> found(d.keys.size());
    size_t at = 0;
    for (;;) {
      const size_t equals = s.find(d.value, at);
      if (equals == std::string_view::npos) break;
      std::string_view key = trim(s.substr(at, equals - at));
      // What stands before the last delimiter is a pair without a value.
      if (const size_t before = key.rfind(d.pair); before != std::string_view::npos)
        key = trim(key.substr(before + d.pair.size()));
      at = equals + d.value.size();
      size_t from = at;
      while (from < s.size() && ascii_space(s[from]))
        ++from;
      std::string value;
      if (!d.quotes.empty() && from < s.size() && s[from] == d.quotes[0]) {
        at = from;
        value = quoted(d, s, at);
        const size_t end = s.find(d.pair, at);
        at = end == std::string_view::npos ? s.size() : end + d.pair.size();
      } else {
        if (blank_pairs) at = from;
        const size_t end = s.find(d.pair, at);
        value = std::string(trim(s.substr(at, end - at)));
        at = end == std::string_view::npos ? s.size() : end + d.pair.size();
      }
      for (size_t k = 0; k < d.keys.size(); ++k)
        if (d.keys[k] == key && !found[k]) found[k] = value;
    }
    DynamicWriter w;
    w.begin_array();
    for (const std::optional<std::string>& v : found) {
      if (v)
        w.string(repair_utf8(*v));
      else
        w.null();
    }
    w.end();
    out.set_copy(row, w.take());
  });
}

constexpr Spec kSpecs[] = {
    {"parse_kv", 6, 6,
     fixed<Type::kDynamic, kAnyArg, kDynamicArg, kTextArg, kTextArg, kTextArg, kTextArg>,
     parse_kv_kernel, "Values of keys in a text of pairs.", prepare},
};

}  // namespace

void register_key_values(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
