#include "check/regex_sample.h"

#include <bitset>
#include <vector>

#include "base/hex_digit.h"
#include "base/text.h"

namespace postern::check {
namespace {

constexpr size_t kMaxText = size_t{64} * 1024;
constexpr int kMaxDepth = 100;

using Bytes = std::bitset<256>;

/// Preferred members of a class, so that samples look like what rules are about.
constexpr std::string_view kFavourites = "a1x_ -./\\:=Z09";

class Sampler {
 public:
  Sampler(std::string_view pattern, uint32_t seed) : text_(pattern), state_(seed * 2654435761U) {}

  std::optional<std::string> sample() {
    std::string out = alternatives(0, true);
    if (failed_ || at_ < text_.size() || out.size() > kMaxText) return std::nullopt;
    return out;
  }

 private:
  bool more() const { return !failed_ && at_ < text_.size(); }

  char peek() const { return text_[at_]; }

  bool take(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }

  uint32_t random(uint32_t below) {
    state_ = state_ * 1664525U + 1013904223U;
    return below == 0 ? 0 : (state_ >> 8) % below;
  }

  // What is not chosen is read all the same, but gives no text.
  std::string alternatives(int depth, bool wanted) {
    if (depth > kMaxDepth) failed_ = true;
    std::vector<std::string> all;
    all.push_back(sequence(depth, wanted));
    while (more() && take("|"))
      all.push_back(sequence(depth, wanted));
    return all[random(static_cast<uint32_t>(all.size()))];
  }

  std::string sequence(int depth, bool wanted) {
    std::string out;
    while (more() && peek() != '|' && peek() != ')') {
      const size_t begin = at_;
      std::string one = element(depth, wanted);
      const size_t after = at_;
      size_t least = 1;
      size_t most = 1;
      count(least, most);
      const size_t resume = at_;
      if (least == 0 && most > 0 && random(3) == 2) least = 1;
      if (one.size() * least + out.size() > kMaxText) failed_ = true;
      if (failed_ || least == 0) continue;
      out += one;
      // Each repetition is chosen anew.
      for (size_t i = 1; i < least && !failed_; ++i) {
        at_ = begin;
        out += element(depth, wanted);
        if (at_ != after) failed_ = true;
      }
      at_ = resume;
    }
    return out;
  }

  void count(size_t& least, size_t& most) {
    if (!more()) return;
    if (take("*")) {
      least = 0;
      most = kMaxText;
    } else if (take("+")) {
      most = kMaxText;
    } else if (take("?")) {
      least = 0;
    } else if (peek() == '{') {
      const size_t close = text_.find('}', at_);
      if (close == std::string_view::npos) return;
      const std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
      const size_t comma = inside.find(',');
      const auto from = parse_int(inside.substr(0, comma));
      if (!from || *from < 0) return;  // a literal brace
      at_ = close + 1;
      least = static_cast<size_t>(*from);
      most = comma == std::string_view::npos ? least : kMaxText;
      if (comma != std::string_view::npos)
        if (const auto to = parse_int(inside.substr(comma + 1))) most = static_cast<size_t>(*to);
    } else {
      return;
    }
    if (more() && (peek() == '?' || peek() == '+')) ++at_;  // lazy, possessive
  }

  std::string element(int depth, bool wanted) {
    if (take("(")) {
      if (take("?")) {
        if (more() && (peek() == '=' || peek() == '!')) failed_ = true;
        if (take("P<") || take("<")) {
          if (more() && (peek() == '=' || peek() == '!')) failed_ = true;
          at_ = std::min(text_.find('>', at_), text_.size());
          take(">");
        } else {
          while (more() && peek() != ':' && peek() != ')')
            ++at_;
          if (take(")")) return "";  // flags alone
          take(":");
        }
      }
      std::string out = alternatives(depth + 1, wanted);
      if (!take(")")) failed_ = true;
      return out;
    }
    if (take("[")) return one_of(char_class());
    if (take("^") || take("$")) return "";
    if (take(".")) return std::string(1, "xa1"[random(3)]);
    if (take("\\")) {
      if (!more()) {
        failed_ = true;
        return "";
      }
      const char c = text_[at_];
      if (c == 'b' || c == 'B' || c == 'A' || c == 'z' || c == 'Z') {
        ++at_;
        return "";
      }
      Bytes set;
      escape(set);
      return one_of(set);
    }
    return std::string(1, text_[at_++]);
  }

  static void add_range(Bytes& set, int from, int to) {
    for (int c = from; c <= to; ++c)
      set.set(static_cast<size_t>(c));
  }

  /// Adds what stands after a backslash.
  void escape(Bytes& set) {
    const char c = text_[at_++];
    Bytes known;
    switch (c) {
      case 'd':
      case 'D':
        add_range(known, '0', '9');
        break;
      case 'w':
      case 'W':
        add_range(known, '0', '9');
        add_range(known, 'a', 'z');
        add_range(known, 'A', 'Z');
        known.set('_');
        break;
      case 's':
      case 'S':
        add_range(known, '\t', '\r');
        known.set(' ');
        break;
      case 't':
        known.set('\t');
        break;
      case 'n':
        known.set('\n');
        break;
      case 'r':
        known.set('\r');
        break;
      case 'x': {
        int value = 0;
        for (int i = 0; i < 2 && more(); ++i) {
          const int digit = hex_digit(peek());
          if (digit < 0) break;
          value = value * 16 + digit;
          ++at_;
        }
        known.set(static_cast<size_t>(value));
        break;
      }
      default:
        if (ascii_alpha(c) || ascii_digit(c)) failed_ = true;
        known.set(static_cast<unsigned char>(c));
    }
    set |= c == 'D' || c == 'W' || c == 'S' ? ~known : known;
  }

  Bytes char_class() {
    Bytes set;
    const bool negated = take("^");
    bool first = true;
    while (more() && (peek() != ']' || first)) {
      first = false;
      if (take("[:")) {
        named(set);
        continue;
      }
      if (take("\\")) {
        if (more()) escape(set);
        continue;
      }
      const auto from = static_cast<unsigned char>(text_[at_++]);
      if (at_ + 1 < text_.size() && peek() == '-' && text_[at_ + 1] != ']') {
        ++at_;
        auto to = static_cast<unsigned char>(text_[at_++]);
        if (to == '\\' && more()) to = static_cast<unsigned char>(text_[at_++]);
        add_range(set, from, to);
      } else {
        set.set(from);
      }
    }
    if (!take("]")) failed_ = true;
    return negated ? ~set : set;
  }

  void named(Bytes& set) {
    const size_t end = text_.find(":]", at_);
    if (end == std::string_view::npos) {
      failed_ = true;
      return;
    }
    const std::string_view name = text_.substr(at_, end - at_);
    at_ = end + 2;
    if (name == "digit" || name == "alnum" || name == "xdigit") add_range(set, '0', '9');
    if (name == "alpha" || name == "alnum" || name == "lower") add_range(set, 'a', 'z');
    if (name == "alpha" || name == "alnum" || name == "upper") add_range(set, 'A', 'Z');
    if (name == "space") set.set(' ');
    if (name == "punct") set.set('.');
    if (name == "xdigit") add_range(set, 'a', 'f');
  }

  std::string one_of(const Bytes& set) {
    const uint32_t skip = random(3);
    std::string found;
    for (const char c : kFavourites)
      if (set.test(static_cast<unsigned char>(c))) {
        found.assign(1, c);
        if (found.size() > skip) break;
      }
    for (size_t c = 0x20; c < 256 && found.empty(); ++c)
      if (set.test(c)) found.assign(1, static_cast<char>(c));
    for (size_t c = 0; c < 0x20 && found.empty(); ++c)
      if (set.test(c)) found.assign(1, static_cast<char>(c));
    if (found.empty()) failed_ = true;
    return found;
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t state_;
  bool failed_ = false;
};

}  // namespace

std::optional<std::string> regex_sample(std::string_view pattern, uint32_t seed) {
  return Sampler(pattern, seed).sample();
}

}  // namespace postern::check
