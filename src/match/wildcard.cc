// Wildcard matching by segments.
//
// A sealed pattern is cut at its runs. The first segment must match at the start, the last at the
// end, and each one between takes the leftmost place after its predecessor: taking an earlier place
// never spoils a later one, so nothing is ever tried twice (the greedy argument of Krauss,
// "Matching Wildcards", Dr. Dobb's 2008, for several runs). "Any one" beside a run has moved before
// it, so every segment after a run begins with a literal and can be searched for.
//
// Case: ASCII subjects are compared in place. Others are folded into a copy, because folding can
// change the length of a character (U+212A is three bytes and folds to `k`). Tests:
// tests/unit/match/wildcard_test.cc (against a plain backtracking matcher); fuzz_wildcard.
#include "match/wildcard.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/text.h"

namespace postern::match {
namespace {

/// Comparison of a literal with bytes of the subject of the same length.
struct Exact {
  static bool equal(std::string_view subject, std::string_view literal) {
    return subject == literal;
  }

  static size_t find(std::string_view subject, std::string_view literal, size_t from) {
    const void* hit =
        memmem(subject.data() + from, subject.size() - from, literal.data(), literal.size());
    if (hit == nullptr) return std::string_view::npos;
    return static_cast<size_t>(static_cast<const char*>(hit) - subject.data());
  }
};

/// The subject is ASCII, so equal text has equal length.
struct AsciiFolded {
  static bool equal(std::string_view subject, std::string_view literal) {
    return equal_ignore_case(subject, literal);
  }

  static size_t find(std::string_view subject, std::string_view literal, size_t from) {
    return find_ignore_case(subject, literal, from);
  }
};

/// Start of the code point that ends at `end` (> 0).
size_t code_point_before(std::string_view s, size_t end) {
  for (size_t length = std::min<size_t>(4, end); length > 1; --length) {
    size_t at = end - length;
    const bool lead = (static_cast<unsigned char>(s[at]) & 0xC0) == 0xC0;
    if (!lead) continue;
    next_code_point(s, at);
    if (at == end) return end - length;
  }
  return end - 1;
}

}  // namespace

Wildcard Wildcard::of_stars(std::string_view text, bool ignore_case, char any_run, char any_one) {
  Wildcard out;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool run = text[i] == any_run;
    if (!run && (any_one == 0 || text[i] != any_one)) continue;
    if (i > begin) out.literal(text.substr(begin, i - begin));
    if (run)
      out.any_run();
    else
      out.any_one();
    begin = i + 1;
  }
  if (begin < text.size()) out.literal(text.substr(begin));
  out.seal(ignore_case);
  return out;
}

void Wildcard::literal(std::string_view text) {
  POSTERN_CHECK(!sealed_);
  if (text.empty()) return;
  if (!parts_.empty() && parts_.back().part == Part::kLiteral)
    parts_.back().text += text;
  else
    parts_.push_back({Part::kLiteral, std::string(text)});
}

void Wildcard::any_run() {
  POSTERN_CHECK(!sealed_);
  if (parts_.empty() || parts_.back().part != Part::kAnyRun) parts_.push_back({Part::kAnyRun, ""});
}

void Wildcard::any_one() {
  POSTERN_CHECK(!sealed_);
  const bool after_run = !parts_.empty() && parts_.back().part == Part::kAnyRun;
  const auto at = parts_.end() - (after_run ? 1 : 0);
  parts_.insert(at, {Part::kAnyOne, ""});
}

void Wildcard::seal(bool ignore_case) {
  POSTERN_CHECK(!sealed_);
  sealed_ = true;
  ignore_case_ = ignore_case;
  Segment segment{0, 0};
  for (size_t i = 0; i < parts_.size(); ++i) {
    Piece& piece = parts_[i];
    if (piece.part == Part::kAnyRun) {
      segment.end = i;
      segments_.push_back(segment);
      segment.begin = i + 1;
    } else if (piece.part == Part::kLiteral) {
      if (ignore_case) piece.text = fold(piece.text);
      if (piece.text.size() > longest_.size()) longest_ = piece.text;
    }
  }
  segment.end = parts_.size();
  segments_.push_back(segment);
  classify();
}

void Wildcard::classify() {
  const auto run_at = [&](size_t i) {
    return i < parts_.size() && parts_[i].part == Part::kAnyRun;
  };
  const bool run_first = run_at(0);
  const bool run_last = !parts_.empty() && run_at(parts_.size() - 1);
  const bool one_literal =
      !longest_.empty() && parts_.size() == 1u + (run_first ? 1u : 0u) + (run_last ? 1u : 0u);
  if (parts_.empty()) {
    shape_ = Shape::kExact;
  } else if (parts_.size() == 1 && run_first) {
    shape_ = Shape::kAny;
  } else if (one_literal) {
    shape_ = run_first ? (run_last ? Shape::kContains : Shape::kSuffix)
                       : (run_last ? Shape::kPrefix : Shape::kExact);
    sole_ = longest_;
  } else {
    shape_ = Shape::kGeneral;
  }
}

template <class Compare>
bool Wildcard::match_forward(std::string_view subject, Segment segment, size_t& at) const {
  for (size_t i = segment.begin; i < segment.end; ++i) {
    const Piece& piece = parts_[i];
    if (piece.part == Part::kAnyOne) {
      if (at == subject.size()) return false;
      next_code_point(subject, at);
    } else {
      if (subject.size() - at < piece.text.size() ||
          !Compare::equal(subject.substr(at, piece.text.size()), piece.text))
        return false;
      at += piece.text.size();
    }
  }
  return true;
}

template <class Compare>
bool Wildcard::match_backward(std::string_view subject, Segment segment, size_t& end) const {
  for (size_t i = segment.end; i-- > segment.begin;) {
    const Piece& piece = parts_[i];
    if (piece.part == Part::kAnyOne) {
      if (end == 0) return false;
      end = code_point_before(subject, end);
    } else {
      if (end < piece.text.size()) return false;
      end -= piece.text.size();
      if (!Compare::equal(subject.substr(end, piece.text.size()), piece.text)) return false;
    }
  }
  return true;
}

template <class Compare>
bool Wildcard::matches_general(std::string_view subject) const {
  size_t at = 0;
  if (!match_forward<Compare>(subject, segments_.front(), at)) return false;
  if (segments_.size() == 1) return at == subject.size();
  // The end next: it is anchored, cheap, and bounds where the middle may be.
  size_t end = subject.size();
  if (!match_backward<Compare>(subject, segments_.back(), end) || end < at) return false;
  const std::string_view middle = subject.substr(0, end);
  for (size_t s = 1; s + 1 < segments_.size(); ++s) {
    const Segment segment = segments_[s];
    const std::string& first = parts_[segment.begin].text;
    for (;;) {
      const size_t hit = Compare::find(middle, first, at);
      if (hit == std::string_view::npos) return false;
      at = hit;
      if (match_forward<Compare>(middle, segment, at)) break;
      at = hit + 1;
    }
  }
  return true;
}

bool Wildcard::matches(std::string_view subject) const {
  POSTERN_CHECK(sealed_);
  switch (shape_) {
    case Shape::kAny:
      return true;
    case Shape::kExact:
      return ignore_case_ ? equal_ignore_case(subject, sole_) : subject == sole_;
    case Shape::kPrefix:
      return ignore_case_ ? starts_with_ignore_case(subject, sole_) : subject.starts_with(sole_);
    case Shape::kSuffix:
      return ignore_case_ ? ends_with_ignore_case(subject, sole_) : subject.ends_with(sole_);
    case Shape::kContains:
      return (ignore_case_ ? find_ignore_case(subject, sole_) : Exact::find(subject, sole_, 0)) !=
             std::string_view::npos;
    case Shape::kGeneral:
      break;
  }
  if (!ignore_case_) return matches_general<Exact>(subject);
  if (is_ascii(subject)) return matches_general<AsciiFolded>(subject);
  return matches_general<Exact>(fold(subject));
}

}  // namespace postern::match
