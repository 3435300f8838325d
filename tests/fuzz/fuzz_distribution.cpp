// A distribution as the metric store keeps it: what is read must be written as it was, and stay in order.
#include <limits>

#include "fuzz/input.hpp"
#include "metrics/distribution.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  auto read = metrics::Distribution::decode({reinterpret_cast<const char*>(bytes), size});
  if (!read) return 0;
  const auto again = metrics::Distribution::decode(read->encode());
  ENSURE(again && again->encode() == read->encode(), "written and read as the same");
  double before = -std::numeric_limits<double>::infinity();
  for (const double percent : {0.0, 50.0, 99.9, 100.0}) {
    const auto value = read->percentile(percent);
    ENSURE(!value || *value >= before, "percentiles grow");
    before = value.value_or(before);
  }
  read->add(1.5, 1);
  read->merge(*again);
  return 0;
}
