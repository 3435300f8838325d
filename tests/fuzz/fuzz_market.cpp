// A market's description in a line, then the file that it names: a trace, or a list of prices.
#include "fuzz/input.hpp"
#include "market/catalog.hpp"
#include "market/market.hpp"

namespace holdfast::fuzz {
namespace {

constexpr Instant kBegins = from_ms(1'700'000'000'000);
constexpr int kChanges = 20;

void check_market(const market::Market& market) {
  ENSURE(market.notice() >= Duration::zero() && market.notice() <= market::kLongestNotice, "a notice of {} ms",
         market.notice().count());
  market.open(kBegins - hours{1});
  auto at = kBegins;
  for (int i = 0; i < kChanges; ++i) {
    const bool open = market.open(at);
    const auto next = market.next_change(at);
    if (!next) return;
    ENSURE(*next > at, "time does not go on");
    ENSURE(market.open(*next) != open, "a change that changes nothing");
    ENSURE(market.open(*next - Duration{1}) == open, "a change that was not told");
    at = *next;
  }
}

void check_prices(const market::Catalog& catalog) {
  // The longest that SageMaker lets a job take, at these prices, must fit into the books: see account() in job/decide.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / Duration{hours{24 * 30}}.count();
  for (const auto& [type, price] : catalog.types) {
    ENSURE(type.starts_with("ml."), "'{}'", type);
    for (const auto micros : {price.on_demand_per_hour, price.spot_per_hour})
      ENSURE(micros > 0 && micros <= kMost, "{} for {}", micros, type);
    ENSURE(price.spot_per_hour * 1'000'000 / price.on_demand_per_hour <= kMost, "{}: more is billed than fits", type);
    ENSURE(catalog.price(type).spot_per_hour == price.spot_per_hour, "another price");
  }
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const auto description = input.line();
  const auto file = input.rest();
  const auto read = [&](const std::string&) -> Result<std::string> { return std::string(file); };
  if (const auto market = market::parse_market(description, fuzz::kBegins, read))
    fuzz::check_market(*market);
  else
    ENSURE(market.error().kind == Kind::invalid, "{}", market.error().message);
  if (const auto catalog = market::parse_catalog(file))
    fuzz::check_prices(*catalog);
  else
    ENSURE(catalog.error().kind == Kind::invalid, "{}", catalog.error().message);
  return 0;
}
