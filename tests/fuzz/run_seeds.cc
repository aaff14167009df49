// Runs the fuzz targets over their seeds and over simple damage to them, in the ordinary build:
// what a fuzzer finds is kept as a seed, and this keeps it fixed.
//
//   run_seeds CORPUS [TARGET]...
//
// The targets are compiled into this program under names of their own (tests/CMakeLists.txt).
// Damage is the same in every run.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/file.h"

#define POSTERN_SEED_TARGET(name) extern "C" int fuzz_##name(const uint8_t* data, size_t size);
POSTERN_SEED_TARGETS
#undef POSTERN_SEED_TARGET

namespace {

struct Target {
  const char* name;
  int (*run)(const uint8_t* data, size_t size);
};

#define POSTERN_SEED_TARGET(name) {#name, fuzz_##name},
constexpr Target kTargets[] = {POSTERN_SEED_TARGETS};
#undef POSTERN_SEED_TARGET

constexpr int kDamagedCopies = 64;

void run(const Target& t, const std::string& bytes) {
  t.run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

/// xorshift: the same numbers everywhere.
uint32_t next(uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

/// Cuts, changed bytes, a stretch said twice.
std::string damaged(std::string bytes, uint32_t& state) {
  if (bytes.empty()) return bytes;
  switch (next(state) % 3) {
    case 0:
      bytes.resize(next(state) % bytes.size());
      break;
    case 1:
      for (uint32_t n = 1 + next(state) % 8; n > 0; --n)
        bytes[next(state) % bytes.size()] = static_cast<char>(next(state));
      break;
    default: {
      const size_t from = next(state) % bytes.size();
      bytes.insert(next(state) % bytes.size(), bytes.substr(from, 1 + next(state) % 64));
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: run_seeds CORPUS [TARGET]...\n"), 2;
  for (const Target& t : kTargets) {
    bool wanted = argc == 2;
    for (int i = 2; i < argc; ++i)
      wanted = wanted || std::strcmp(argv[i], t.name) == 0;
    if (!wanted) continue;
    size_t seeds = 0;
    run(t, "");
    const auto files = postern::list_files(std::string(argv[1]) + "/" + t.name);
    for (const std::string& path : files ? *files : std::vector<std::string>()) {
      std::ifstream in(path, std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)), {});
      run(t, bytes);
      uint32_t state = 2463534242;
      for (int i = 0; i < kDamagedCopies; ++i)
        run(t, damaged(bytes, state));
      ++seeds;
    }
    std::printf("%s: %zu seeds\n", t.name, seeds);
    if (seeds == 0) return std::fprintf(stderr, "%s has no seeds\n", t.name), 1;
  }
  return 0;
}
