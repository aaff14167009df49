#include "exec/row_gate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "exec/number_text.h"
#include "exec/text_gate.h"
#include "exec/text_witness.h"

namespace postern::exec {

using data::RowGate;
using plan::Expr;
using plan::ExprPtr;
using Place = match::LiteralIndex::Place;

namespace {

constexpr size_t kShortest = 3;    // bytes of a literal that is looked for anywhere
constexpr size_t kLong = 6;        // bytes of one that few records have by chance
constexpr size_t kMostWhole = 16;  // bytes of a whole value that is no literal to look for anywhere

/// What a filter needs of the value of one column: one of these.
struct ValueNeed {
  int slot = -1;
  std::vector<TextWitness::Literal> literals;
  std::vector<double> numbers;
};

/// One of the things of which a filter needs any: a literal that may lie anywhere, or a value, or
/// two values.
struct Alternative {
  std::string literal;
  std::optional<ValueNeed> first;
  std::optional<ValueNeed> second;
};

struct Need {
  std::vector<Alternative> any;
  size_t rareness = SIZE_MAX;  ///< as guessed, of the least rare one

  void add(Alternative a, size_t rare) {
    any.push_back(std::move(a));
    rareness = std::min(rareness, rare);
  }

  /// Nothing but one value of one column.
  bool is_one_value() const { return any.size() == 1 && any[0].first && !any[0].second; }
};

/// How seldom records have this by chance, as a guess: literals in bytes.
size_t rareness_of(std::string_view literal) {
  constexpr size_t kEnough = 12;
  return std::min(literal.size(), kEnough);
}

size_t rareness_of(const ValueNeed& v) {
  constexpr size_t kWhole = 7;
  size_t least = kWhole;
  for (const TextWitness::Literal& l : v.literals)
    if (l.place != Place::kWhole) least = std::min(least, l.text.size() + 1);
  return least;
}

class NeedFinder {
 public:
  NeedFinder(const data::Layout& layout, const KnownTexts& known)
      : layout_(layout), known_(known) {}

  /// nullopt: `e` may hold whatever is in the record.
  std::optional<Need> need_of(const ExprPtr& e) const {
    if (e->is_call("and")) return of_all(*e);
    if (!e->is_call("or")) return of_test(*e);
    Need all;
    for (const ExprPtr& a : e->args) {
      std::optional<Need> one = need_of(a);
      if (!one) return std::nullopt;
      for (Alternative& x : one->any)
        all.add(std::move(x), one->rareness);
    }
    return all;
  }

 private:
  /// Of parts that must all hold the rarest, and where it asks for a value, one more besides.
  std::optional<Need> of_all(const Expr& e) const {
    std::vector<Need> parts;
    for (const ExprPtr& a : e.args)
      if (std::optional<Need> one = need_of(a)) parts.push_back(std::move(*one));
    if (parts.empty()) return std::nullopt;
    std::stable_sort(parts.begin(), parts.end(), [](const Need& a, const Need& b) {
      return a.rareness != b.rareness ? a.rareness > b.rareness : a.any.size() < b.any.size();
    });
    Need best = std::move(parts[0]);
    for (size_t i = 1; i < parts.size(); ++i)
      if (parts[i].is_one_value())
        for (Alternative& a : best.any)
          if (a.first && !a.second && a.first->slot != parts[i].any[0].first->slot)
            a.second = parts[i].any[0].first;
    return best;
  }

  std::optional<Need> of_test(const Expr& test) const {
    const auto witness = text_witness(test);
    if (!witness) return std::nullopt;
    Need need;
    if (std::all_of(test.args.begin(), test.args.begin() + static_cast<long>(witness->num_columns),
                    [](const ExprPtr& c) { return data::is_pseudo_column(c->name); })) {
      if (!witness->numbers.empty()) return std::nullopt;
      for (const TextWitness::Literal& l : witness->literals)
        if (!add_literal(need, l.text)) return std::nullopt;
      return need;
    }
    ValueNeed value;
    value.slot = layout_.slot(test.args[0]->name);
    if (witness->num_columns != 1) return std::nullopt;
    if (test.args[0]->name == known_.column) return of_known(*witness);
    if (value.slot < 0) return std::nullopt;
    // Of other types values are read in their own ways, and an array may be looked at as a whole.
    const data::Type type = layout_.fields()[static_cast<size_t>(value.slot)].type;
    if (type != data::Type::kString && !(type == data::Type::kDynamic && witness->takes_members))
      return std::nullopt;
    value.numbers = witness->numbers;
    for (const TextWitness::Literal& l : witness->literals)
      if (l.text.size() < (l.place == Place::kWhole ? kMostWhole : kLong))
        value.literals.push_back(l);
      else
        add_literal(need, l.text);
    if (!value.literals.empty() || !value.numbers.empty()) {
      const size_t rare = rareness_of(value);
      need.add({"", std::move(value), std::nullopt}, rare);
    }
    return need;
  }

  /// Of a test that holds for all of these records, nothing; of another one nothing will do.
  std::optional<Need> of_known(const TextWitness& test) const {
    const auto may_be = [&](const TextWitness::Literal& l) {
      return l.place != Place::kWhole || known_.may_be(l.text);
    };
    if (!test.numbers.empty() || std::any_of(test.literals.begin(), test.literals.end(), may_be))
      return std::nullopt;
    return Need{};
  }

  static bool add_literal(Need& need, const std::string& text) {
    if (text.size() < kShortest) return false;
    need.add({text, std::nullopt, std::nullopt}, rareness_of(text));
    return true;
  }

  const data::Layout& layout_;
  const KnownTexts& known_;
};

constexpr size_t kWord = sizeof(uint64_t);

uint64_t word_at(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, kWord);
  return word;
}

/// is_ascii() of what is short, as nearly all values are.
bool is_plain(std::string_view s) {
  if (s.size() > 2 * kWord) return is_ascii(s);
  constexpr uint64_t kBeyondAscii = 0x8080'8080'8080'8080;
  if (s.size() >= kWord)
    return ((word_at(s.data()) | word_at(s.data() + s.size() - kWord)) & kBeyondAscii) == 0;
  return std::all_of(s.begin(), s.end(), [](char c) { return c >= 0; });
}

/// Lower case of ASCII.
void lower(std::string_view s, char* out) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101;
  const auto put = [&](size_t at) {
    const uint64_t word = word_at(s.data() + at);
    // The high bit marks what is at least 'A' and not beyond 'Z'.
    const uint64_t from_a = word + kOnes * (0x80 - 'A');
    const uint64_t beyond_z = word + kOnes * (0x7F - 'Z');
    const uint64_t low = word | (((from_a ^ beyond_z) & (kOnes * 0x80)) >> 2);
    std::memcpy(out + at, &low, kWord);
  };
  if (s.size() < kWord) {
    std::transform(s.begin(), s.end(), out, ascii_lower);
    return;
  }
  for (size_t at = 0; at + kWord <= s.size(); at += kWord)
    put(at);
  put(s.size() - kWord);
}

/// Texts in lower case, of whose size, first and last byte a bit is known: it tells most others
/// apart from them, in whatever case they are.
class WholeTexts {
 public:
  void add(const std::string& text, const RowGate::Touched& touched) {
    texts_.emplace_back(text, touched);
    const uint32_t bit = bit_of(text);
    bits_[bit / 64] |= uint64_t{1} << (bit % 64);
  }

  /// Of ASCII.
  bool may_have(std::string_view text) const {
    const uint32_t bit = bit_of(text);
    return (bits_[bit / 64] >> (bit % 64) & 1) != 0;
  }

  /// `text`: folded.
  void touch(std::string_view text, RowGate::Touched& out) const {
    for (const auto& [whole, touched] : texts_)
      if (whole == text) out.add(touched);
  }

 private:
  static uint32_t bit_of(std::string_view text) {
    if (text.empty()) return 0;
    const uint32_t edges = static_cast<uint8_t>(text.front()) |
                           static_cast<uint32_t>(static_cast<uint8_t>(text.back())) << 8 | 0x2020U;
    return ((edges | static_cast<uint32_t>(text.size()) << 16) * 0x9E37'79B1U) >> (32 - 10);
  }

  std::vector<std::pair<std::string, RowGate::Touched>> texts_;
  std::array<uint64_t, 16> bits_{};
};

/// What values of one column are good for. Most are good for nothing, which is to be told without a
/// copy of them.
class ValueTable {
 public:
  void add(const ValueNeed& need, const RowGate::Touched& touched) {
    for (const double n : need.numbers)
      numbers_.push_back({n, touched});
    for (const TextWitness::Literal& l : need.literals)
      if (l.place == Place::kWhole)
        whole_.add(l.text, touched);
      else
        others_.push_back({l, touched});
  }

  RowGate::Touched touched(std::string_view value) const {
    RowGate::Touched out;
    if (!is_plain(value)) {
      add_texts(fold(value), out);
    } else if (!others_.empty()) {
      char text[kMostBytes];
      if (value.size() <= sizeof text) {
        lower(value, text);
        add_texts({text, value.size()}, out);
      } else {
        add_texts(fold(value), out);
      }
    } else if (whole_.may_have(value)) {
      whole_.touch(fold(value), out);
    }
    if (!numbers_.empty() && may_be_number(value))
      if (const auto number = number_of(value))
        for (const auto& [n, touched] : numbers_)
          if (n == *number) out.add(touched);
    return out;
  }

 private:
  static constexpr size_t kMostBytes = 128;

  /// `text`: folded.
  void add_texts(std::string_view text, RowGate::Touched& out) const {
    if (whole_.may_have(text)) whole_.touch(text, out);
    for (const auto& [literal, touched] : others_)
      if (is_in(text, literal)) out.add(touched);
  }

  static bool is_in(std::string_view text, const TextWitness::Literal& literal) {
    const std::string& l = literal.text;
    if (text.size() < l.size()) return false;
    switch (literal.place) {
      case Place::kPrefix:
        return text[0] == l[0] && text.starts_with(l);
      case Place::kSuffix:
        return text.back() == l.back() && text.ends_with(l);
      default:
        // The call costs more than the look, in texts as short as these.
        for (size_t at = 0; at + l.size() <= text.size(); ++at)
          if (text[at] == l[0] && text.substr(at, l.size()) == l) return true;
        return false;
    }
  }

  /// False of most texts that are none, which takes number_of() longer to tell.
  static bool may_be_number(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
      return ascii_digit(c) || ascii_space(c) || c == '.' || c == '-' || c == '+' || c == 'e' ||
             c == 'E';
    });
  }

  WholeTexts whole_;
  std::vector<std::pair<TextWitness::Literal, RowGate::Touched>> others_;
  std::vector<std::pair<double, RowGate::Touched>> numbers_;
};

class Gate final : public RowGate {
 public:
  Gate(const std::vector<Alternative>& alternatives, size_t num_slots) : tables_(num_slots) {
    std::vector<std::string> literals;
    uint64_t bit = 1;
    for (const Alternative& a : alternatives) {
      if (!a.first) {
        literals.push_back(a.literal);
        continue;
      }
      constexpr uint64_t kLast = uint64_t{1} << 63;  // of all that there is no bit for
      const bool pairs = a.second && bit != kLast;
      table(a.first->slot).add(*a.first, {bit, 0});
      if (pairs)
        table(a.second->slot).add(*a.second, {0, bit});
      else
        start_.second |= bit;
      if (bit != kLast) bit <<= 1;
    }
    has_literals_ = !literals.empty();
    texts_ = text_gate(std::move(literals));
  }

  bool usable() const { return texts_ || !has_literals_; }

  bool may_hold(std::string_view text) const override {
    return texts_ && texts_->may_hold_plain(text);
  }

  Touched start() const override { return start_; }

  bool asks(int slot) const override {
    return slot >= 0 && tables_[static_cast<size_t>(slot)] != nullptr;
  }

  Touched touched(int slot, std::string_view value) const override {
    return tables_[static_cast<size_t>(slot)]->touched(value);
  }

 private:
  ValueTable& table(int slot) {
    std::unique_ptr<ValueTable>& t = tables_[static_cast<size_t>(slot)];
    if (!t) t = std::make_unique<ValueTable>();
    return *t;
  }

  std::vector<std::unique_ptr<ValueTable>> tables_;  // by slot; null: not asked
  Touched start_;
  bool has_literals_ = false;
  std::shared_ptr<const data::TextGate> texts_;  // null: no literals
};

}  // namespace

std::shared_ptr<const RowGate> row_gate(const std::vector<ExprPtr>& filters,
                                        const data::Layout& layout,
                                        const KnownTexts& known) {
  const NeedFinder finder(layout, known);
  std::vector<Alternative> alternatives;
  for (const ExprPtr& f : filters) {
    std::optional<Need> need = f ? finder.need_of(f) : std::nullopt;
    if (!need) return nullptr;
    std::move(need->any.begin(), need->any.end(), std::back_inserter(alternatives));
  }
  auto gate = std::make_shared<Gate>(alternatives, layout.fields().size());
  return gate->usable() ? gate : nullptr;
}

}  // namespace postern::exec
