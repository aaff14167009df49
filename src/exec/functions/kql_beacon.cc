// beacon_score: how regularly something happens, as a bag of the score and its parts.
//
// Not Kusto's own: rules of the project and of its users call it on lists that make_list gave. The
// formula is in exec/beacon.h. Tests: tests/cases/kql/beacon_score.case,
// tests/unit/exec/beacon_test.cc.
#include "exec/beacon.h"
#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

double seconds_of(int64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(kTicksPerSecond);
}

/// Seconds since 1970: a list of times may hold datetimes, or numbers that count so.
double unix_seconds(int64_t ticks) {
  return seconds_of(ticks - kUnixEpochTicks);
}

/// Numbers of an array; datetimes as seconds since 1970.
std::vector<double> numbers_of(Dynamic array) {
  std::vector<double> out;
  for (uint32_t i = 0; array.is_array() && i < array.size(); ++i) {
    const Dynamic v = array.at(i);
    if (v.is_number())
      out.push_back(v.as_real());
    else if (v.kind() == Dynamic::Kind::kDatetime)
      out.push_back(unix_seconds(v.as_long()));
    else if (v.kind() == Dynamic::Kind::kTimespan)
      out.push_back(seconds_of(v.as_long()));
  }
  return out;
}

Column beacon_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::vector<double> times = numbers_of(args[0].dynamic(row));
    const std::vector<double> sizes = numbers_of(args[1].dynamic(row));
    const std::optional<int64_t> from = args[2].datetime(row);
    const std::optional<int64_t> to = args[3].datetime(row);
    if (!from || !to) return;
    const std::optional<BeaconScore> score =
        beacon_score(times, sizes, unix_seconds(*from), unix_seconds(*to));
    if (!score) return;
    DynamicWriter w;
    w.begin_object();
    for (const auto& [name, value] : {std::pair{"score", score->score},
                                      {"timing", score->timing},
                                      {"sizes", score->sizes},
                                      {"histogram", score->histogram},
                                      {"duration", score->duration}}) {
      w.key(name);
      w.real(value);
    }
    w.end();
    set_made_dynamic(out, row, w);
  });
}

constexpr Spec kSpecs[] = {
    {"beacon_score", 4, 4,
     fixed<Type::kDynamic, kDynamicArg, kDynamicArg, kDatetimeArg, kDatetimeArg>, beacon_kernel,
     "How regular the times in a list are, with the bytes in another, within a span: a bag of "
     "score, "
     "timing, sizes, histogram and duration, each 0 to 1 (RITA's formula); null with fewer than "
     "four."},
};

}  // namespace

void register_beacons(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
