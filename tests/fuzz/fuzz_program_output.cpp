// What a program prints, any bytes, behind a line with a metric's regex, which its user chose.
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/utf8.hpp"
#include "fuzz/input.hpp"
#include "telemetry/metric_scanner.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const telemetry::MetricScanner scanner({{"metric", std::string(input.line())}});
  const auto output = input.rest();
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{64}, 3 * size}) {
    const auto text = valid_utf8(output, limit);
    ENSURE(text.size() <= limit, "{} bytes, not {}", text.size(), limit);
    ENSURE(valid_utf8(text, limit) == text, "valid text is changed");
    // Strict: it throws where the text is not valid.
    ENSURE(nlohmann::json::parse(nlohmann::json(text).dump()) == text, "another text");
    for (const auto& metric : scanner.scan(text, 1)) ENSURE(std::isfinite(metric.value), "a metric that is no number");
  }
  scanner.scan(output, 1);
  return 0;
}
