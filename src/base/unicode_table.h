// Unicode tables behind text.h: generated ranges, ascending, searched by halving.
#pragma once
#include <cstdint>
#include <span>

namespace postern {

/// Every `stride`-th code point from first to last folds to itself plus `delta`.
struct FoldRange {
  uint32_t first;
  uint32_t last;
  uint32_t stride;
  int32_t delta;
};

struct CodeRange {
  uint32_t first;
  uint32_t last;
};

/// Simple case folding (CaseFolding.txt, status C and S).
extern const std::span<const FoldRange> kFoldRanges;
/// General categories L* (letters) and Nd (decimal digits).
extern const std::span<const CodeRange> kAlnumRanges;

}  // namespace postern
