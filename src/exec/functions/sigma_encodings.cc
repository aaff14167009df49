// Sigma's encodings of values: the texts that a published value stands for.
//
// Each takes pattern text, or an array of them, and gives an array of pattern texts; literals in
// the result are escaped, so a test reads them back as they are. All arguments are literals: the
// binder folds these calls, and a test gets the array.
#include <utility>

#include "data/dynamic.h"
#include "exec/functions/kernel.h"
#include "exec/functions/sigma.h"
#include "match/sigma_pattern.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Dynamic;
using data::Type;
using data::Value;
using match::SigmaPattern;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

/// Texts that one value may become; the front end refuses rules long before.
constexpr size_t kMaxTexts = 15'625;

using Patterns = std::vector<SigmaPattern>;
using Encoder = Result<Patterns> (*)(const SigmaPattern&);

Result<Patterns> windash(const SigmaPattern& p) {
  Patterns out = match::sigma_windash(p, kMaxTexts);
  if (out.empty())
    return Error{Code::kLimit,
                 "more than " + std::to_string(kMaxTexts) + " spellings of its dashes"};
  return out;
}

Result<Patterns> base64(const SigmaPattern& p) {
  if (p.has_wildcards()) return Error{Code::kInvalid, "base64 of a text with wildcards"};
  return Patterns{SigmaPattern::literal(match::base64(p.literal_text()))};
}

Result<Patterns> base64offset(const SigmaPattern& p) {
  if (p.has_wildcards()) return Error{Code::kInvalid, "base64 of a text with wildcards"};
  if (p.literal_text().size() < 2)
    return Error{Code::kInvalid, "one byte has no base64 text at every offset"};
  Patterns out;
  for (const std::string& s : match::base64_at_offsets(p.literal_text()))
    out.push_back(SigmaPattern::literal(s));
  return out;
}

template <match::Utf16Form form>
Result<Patterns> utf16(const SigmaPattern& p) {
  return Patterns{match::sigma_utf16(p, form)};
}

/// The pattern texts of an argument: one, or an array of them.
std::vector<std::string> texts_of(const Value& v) {
  if (v.type() != Type::kDynamic) return {v.text()};
  const Dynamic d(v.as_bytes());
  if (!d.is_array()) return {d.text()};
  std::vector<std::string> out;
  for (uint32_t i = 0; i < d.size(); ++i)
    out.push_back(d.at(i).text());
  return out;
}

/// Encodes when the call is prepared: its argument is a literal.
template <Encoder encode>
Result<std::shared_ptr<const void>> prepare(std::span<const Value* const> constants,
                                            std::span<const Type>) {
  if (!constants[0] || constants[0]->is_null())
    return Error{Code::kInvalid, "an encoding of Sigma takes a literal"};
  data::DynamicWriter w;
  w.begin_array();
  size_t count = 0;
  for (const std::string& text : texts_of(*constants[0])) {
    POSTERN_TRY(const Patterns patterns, encode(SigmaPattern::parse(text)));
    count += patterns.size();
    if (count > 3 * kMaxTexts) return Error{Code::kLimit, "too many encoded texts"};
    for (const SigmaPattern& p : patterns)
      w.string(p.text());
  }
  w.end();
  return std::shared_ptr<const void>(std::make_shared<const std::string>(w.take()));
}

Column kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  for (const uint32_t row : call.rows)
    out.set_copy(row, *static_cast<const std::string*>(call.state));
  return out.finish();
}

template <Encoder encode>
void add(plan::FunctionCatalog& c, const std::string& name, const std::string& doc) {
  plan::FunctionDef f = sigma_function("sigma." + name, 1, 1, kernel, "", doc);
  f.typing = [](const TypeRequest&) { return Typing::ok(Type::kDynamic); };
  f.prepare = prepare<encode>;
  c.add(std::move(f));
}

}  // namespace

void register_sigma_encodings(plan::FunctionCatalog& c) {
  add<windash>(c, "windash", "Every spelling of the dashes that begin a word.");
  add<base64>(c, "base64", "The base64 text of the value.");
  add<base64offset>(c, "base64offset",
                    "The value within a longer base64 text, at each of the three offsets.");
  add<utf16<match::Utf16Form::kLittleEndian>>(c, "wide", "The value in UTF-16, little endian.");
  add<utf16<match::Utf16Form::kBigEndian>>(c, "utf16be", "The value in UTF-16, big endian.");
  add<utf16<match::Utf16Form::kWithMark>>(c, "utf16",
                                          "The value in UTF-16 with a byte order mark.");
}

}  // namespace postern::exec
