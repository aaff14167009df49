#include "input/text_input.h"

#include <algorithm>
#include <memory>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/text.h"

namespace postern::input {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

enum class Encoding { kUtf8, kUtf16Little, kUtf16Big };

/// By byte order mark, else by zero bytes beside the first character, which is ASCII in every log.
Encoding encoding_of(std::string_view head) {
  if (head.size() < 2) return Encoding::kUtf8;
  if (head.substr(0, 2) == "\xFF\xFE") return Encoding::kUtf16Little;
  if (head.substr(0, 2) == "\xFE\xFF") return Encoding::kUtf16Big;
  if (head[0] != 0 && head[1] == 0) return Encoding::kUtf16Little;
  if (head[0] == 0 && head[1] != 0) return Encoding::kUtf16Big;
  return Encoding::kUtf8;
}

std::string from_utf16(std::string_view bytes, Encoding encoding) {
  bytes = bytes.substr(0, bytes.size() & ~size_t{1});
  std::string swapped;
  if (encoding == Encoding::kUtf16Big) {
    swapped.assign(bytes);
    for (size_t i = 0; i + 1 < swapped.size(); i += 2)
      std::swap(swapped[i], swapped[i + 1]);
    bytes = swapped;
  }
  if (bytes.substr(0, 2) == "\xFF\xFE") bytes.remove_prefix(2);
  std::string out;
  out.reserve(bytes.size() / 2);
  append_utf16le(out, bytes);
  return out;
}

size_t count_line_ends(std::string_view s) {
  size_t n = 0;
  size_t at = 0;
#if defined(__SSE2__)
  // Each byte of a sum counts the line ends at its place of a block, down from 0.
  constexpr size_t kBlock = 16;
  constexpr size_t kMostBlocks = 255;
  const __m128i line_end = _mm_set1_epi8('\n');
  const __m128i zero = _mm_setzero_si128();
  while (s.size() - at >= kBlock) {
    const size_t blocks = std::min(kMostBlocks, (s.size() - at) / kBlock);
    __m128i sum = zero;
    for (size_t i = 0; i < blocks; ++i, at += kBlock) {
      const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + at));
      sum = _mm_sub_epi8(sum, _mm_cmpeq_epi8(block, line_end));
    }
    const __m128i halves = _mm_sad_epu8(sum, zero);
    n += static_cast<size_t>(_mm_cvtsi128_si64(halves)) +
         static_cast<size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(halves, halves)));
  }
#endif
  for (; at < s.size(); ++at)
    n += s[at] == '\n';
  return n;
}

}  // namespace

std::string_view text_head(std::string_view head, std::string& converted) {
  const Encoding encoding = encoding_of(head);
  if (encoding != Encoding::kUtf8) {
    converted = from_utf16(head, encoding);
    return converted;
  }
  if (head.substr(0, kUtf8Mark.size()) == kUtf8Mark) head.remove_prefix(kUtf8Mark.size());
  return head;
}

bool can_cut_text(const Input& input, uint64_t slice_bytes) {
  return input.bytes.size() >= 2 * slice_bytes && encoding_of(input.bytes) == Encoding::kUtf8;
}

void LineCutter::show(std::string_view rest) {
  if (marked_ != 0 && !rest.empty() && rest[0] == marked_) line(rest);
}

// All threads wait for the next slice here.
void LineCutter::pass(size_t end) {
  constexpr size_t kPiece = 32768;  // so that what is counted is near when marks are looked for
  while (at_ < end) {
    const std::string_view piece = text_.substr(at_, std::min(kPiece, end - at_));
    lines_ += count_line_ends(piece);
    if (marked_ != 0)
      for (size_t i = 0; (i = piece.find('\n', i)) != std::string_view::npos;)
        show(text_.substr(at_ + ++i));
    at_ += piece.size();
  }
}

bool LineCutter::next(Slice& slice) {
  if (at_ >= text_.size()) return false;
  slice.begin = at_;
  slice.lines_before = lines_;
  slice.header = header_;
  if (at_ == 0) show(text_.substr(text_.substr(0, kUtf8Mark.size()) == kUtf8Mark ? 3 : 0));
  const size_t enough = at_ + static_cast<size_t>(slice_bytes_of(text_.size() - at_, slice_bytes_));
  pass(std::min(enough, text_.size()) - 1);
  for (;;) {
    const void* found = std::memchr(text_.data() + at_, '\n', text_.size() - at_);
    if (!found) break;
    at_ = static_cast<size_t>(static_cast<const char*>(found) - text_.data()) + 1;
    ++lines_;
    if (at_ == text_.size()) break;
    const std::string_view rest = text_.substr(at_);
    // The header of the next slice holds what its first line says; it is read there again, and
    // means the same.
    show(rest);
    if (may_begin_(rest)) {
      slice.end = at_;
      return true;
    }
  }
  at_ = text_.size();
  slice.end = at_;
  return true;
}

bool is_long_line(const LineReader& reader, const Input& input, DecodeContext& context) {
  const size_t size = reader.line().size();
  if (size <= kMaxLineBytes) return false;
  context.anomalies.add("text-long-line", input.path, reader.offset(),
                        "line " + std::to_string(reader.number()) + " of " + std::to_string(size) +
                            " bytes is left out");
  return true;
}

Input text_input(const Input& input) {
  const Encoding encoding = encoding_of(input.bytes);
  if (encoding == Encoding::kUtf8) return input;
  auto text = std::make_shared<const std::string>(from_utf16(input.bytes, encoding));
  return Input{input.path, *text, text};
}

}  // namespace postern::input
