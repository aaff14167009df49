#include "match/sigma_pattern.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace postern::match {
namespace {

using Part = Wildcard::Part;

constexpr std::array<std::string_view, kNumSigmaDashes> kDashes = {"-", "/", "\u2013", "\u2014",
                                                                   "\u2015"};

bool word_at(std::string_view s, size_t at) {
  if (at >= s.size()) return false;
  if (s[at] == '_') return true;
  return is_alnum(next_code_point(s, at));
}

/// Bytes of the dash at s[at], or 0. `after_word`: the character before it is part of a word.
size_t dash_at(std::string_view s, size_t at, bool after_word) {
  if (after_word) return 0;
  for (const std::string_view dash : kDashes)
    if (s.compare(at, dash.size(), dash) == 0 && word_at(s, at + dash.size())) return dash.size();
  return 0;
}

/// Cuts `s` at its dashes: the texts between them, one more than there are dashes.
std::vector<std::string_view> cut_at_dashes(std::string_view s) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  bool after_word = false;
  for (size_t at = 0; at < s.size();) {
    if (const size_t size = dash_at(s, at, after_word)) {
      parts.push_back(s.substr(begin, at - begin));
      at += size;
      begin = at;
      after_word = false;
      continue;
    }
    after_word = word_at(s, at);
    next_code_point(s, at);
  }
  parts.push_back(s.substr(begin));
  return parts;
}

void put_unit(std::string& out, char32_t unit, bool big) {
  const auto high = static_cast<char>(unit >> 8);
  const auto low = static_cast<char>(unit & 0xFF);
  out.push_back(big ? high : low);
  out.push_back(big ? low : high);
}

std::string utf16(std::string_view s, bool big) {
  std::string out;
  for (size_t at = 0; at < s.size();) {
    const char32_t c = next_code_point(s, at);
    if (c < 0x10000) {
      put_unit(out, c, big);
    } else {
      put_unit(out, 0xD800 + ((c - 0x10000) >> 10), big);
      put_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), big);
    }
  }
  return out;
}

}  // namespace

SigmaPattern SigmaPattern::parse(std::string_view value) {
  SigmaPattern p;
  std::string run;
  const auto end_run = [&] {
    p.add_literal(run);
    run.clear();
  };
  for (size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    const char next = at + 1 < value.size() ? value[at + 1] : '\0';
    if (c == '\\' && (next == '\\' || next == '*' || next == '?')) {
      run.push_back(next);
      ++at;
    } else if (c == '*' || c == '?') {
      end_run();
      p.add(c == '*' ? Part::kAnyRun : Part::kAnyOne);
    } else {
      run.push_back(c);
    }
  }
  end_run();
  return p;
}

SigmaPattern SigmaPattern::literal(std::string_view text) {
  SigmaPattern p;
  p.add_literal(text);
  return p;
}

void SigmaPattern::add_literal(std::string_view text) {
  if (text.empty()) return;
  if (!pieces_.empty() && pieces_.back().part == Part::kLiteral)
    pieces_.back().text.append(text);
  else
    pieces_.push_back({Part::kLiteral, std::string(text)});
}

bool SigmaPattern::has_wildcards() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& p) { return p.part != Part::kLiteral; });
}

bool SigmaPattern::begins_with_any_run() const {
  return !pieces_.empty() && pieces_.front().part == Part::kAnyRun;
}

bool SigmaPattern::ends_with_any_run() const {
  return !pieces_.empty() && pieces_.back().part == Part::kAnyRun;
}

std::string SigmaPattern::literal_text() const {
  std::string out;
  for (const Piece& p : pieces_)
    out += p.text;
  return out;
}

Wildcard SigmaPattern::wildcard(bool open_start, bool open_end, bool ignore_case) const {
  Wildcard out;
  if (open_start) out.any_run();
  for (const Piece& piece : pieces_) {
    if (piece.part == Part::kLiteral)
      out.literal(piece.text);
    else if (piece.part == Part::kAnyRun)
      out.any_run();
    else
      out.any_one();
  }
  if (open_end) out.any_run();
  out.seal(ignore_case);
  return out;
}

std::string SigmaPattern::text() const {
  std::string out;
  for (const Piece& p : pieces_) {
    if (p.part == Part::kAnyRun) out.push_back('*');
    if (p.part == Part::kAnyOne) out.push_back('?');
    for (const char c : p.text) {
      if (c == '*' || c == '?' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  return out;
}

size_t count_sigma_dashes(const SigmaPattern& p) {
  size_t count = 0;
  for (const SigmaPattern::Piece& piece : p.pieces())
    if (piece.part == Part::kLiteral) count += cut_at_dashes(piece.text).size() - 1;
  return count;
}

std::vector<SigmaPattern> sigma_windash(const SigmaPattern& p, size_t max_alternatives) {
  std::vector<SigmaPattern> out(1);
  for (const SigmaPattern::Piece& piece : p.pieces()) {
    if (piece.part != Part::kLiteral) {
      for (SigmaPattern& o : out)
        o.add(piece.part);
      continue;
    }
    const std::vector<std::string_view> parts = cut_at_dashes(piece.text);
    for (SigmaPattern& o : out)
      o.add_literal(parts[0]);
    for (size_t i = 1; i < parts.size(); ++i) {
      if (out.size() * kNumSigmaDashes > max_alternatives) return {};
      std::vector<SigmaPattern> more;
      more.reserve(out.size() * kNumSigmaDashes);
      for (const SigmaPattern& o : out) {
        for (const std::string_view dash : kDashes) {
          more.push_back(o);
          more.back().add_literal(dash);
          more.back().add_literal(parts[i]);
        }
      }
      out = std::move(more);
    }
  }
  return out;
}

SigmaPattern sigma_utf16(const SigmaPattern& p, Utf16Form form) {
  SigmaPattern out;
  if (form == Utf16Form::kWithMark) out.add_literal("\xFF\xFE");
  for (const SigmaPattern::Piece& piece : p.pieces()) {
    if (piece.part == Part::kLiteral)
      out.add_literal(utf16(piece.text, form == Utf16Form::kBigEndian));
    else
      out.add(piece.part);
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k) {
      const bool padding = i + k > bytes.size();
      out.push_back(padding ? '=' : kAlphabet[group >> (18 - 6 * k) & 63]);
    }
  }
  return out;
}

std::vector<std::string> base64_at_offsets(std::string_view bytes) {
  std::vector<std::string> out;
  for (size_t offset = 0; offset < 3; ++offset) {
    const std::string whole = base64(std::string(offset, ' ') + std::string(bytes));
    // The first characters still hold bits of what comes before, the last ones of what follows.
    static constexpr size_t kSkipped[] = {0, 2, 3};
    static constexpr size_t kDropped[] = {0, 3, 2};
    const size_t end = whole.size() - kDropped[(bytes.size() + offset) % 3];
    out.push_back(kSkipped[offset] < end ? whole.substr(kSkipped[offset], end - kSkipped[offset])
                                         : "");
  }
  return out;
}

}  // namespace postern::match
