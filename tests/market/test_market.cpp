#include <doctest/doctest.h>

#include "market/market.hpp"

using namespace holdfast;
using namespace holdfast::market;

namespace {

const Instant kBegin = from_ms(1'800'000'000'000);

Result<std::string> no_file(const std::string& path) { return fail(Kind::not_found, "opening {}: gone", path); }

Result<Market> parse(std::string_view description, std::string trace = "") {
  return parse_market(description, kBegin, [&](const std::string& path) -> Result<std::string> {
    if (trace.empty()) return no_file(path);
    return trace;
  });
}

constexpr const char* kTrace = R"({"metadata": {"gap_seconds": 195}, "data": [0, 1, 1, 0]})";

}  // namespace

TEST_CASE("the open market never changes") {
  const auto market = parse("open");
  REQUIRE(market);
  CHECK(market->open(kBegin));
  CHECK(market->open(kBegin + hours{10'000}));
  CHECK_FALSE(market->next_change(kBegin));
  CHECK(market->notice() == seconds{120});
}

TEST_CASE("a random market begins open and is the same for the same seed") {
  const auto one = parse("random:7"), two = parse("random:7"), other = parse("random:8");
  REQUIRE((one && two && other));
  CHECK(one->open(kBegin));
  Instant at = kBegin;
  int different = 0;
  bool open = true;
  for (int change = 0; change < 1000; ++change) {
    const auto next = one->next_change(at);
    REQUIRE(next);
    REQUIRE(*next > at);
    CHECK(two->next_change(at) == next);
    different += other->next_change(at) != next;
    CHECK(one->open(*next - milliseconds{1}) == open);
    CHECK(one->open(*next) != open);
    open = !open;
    at = *next;
  }
  CHECK(different > 900);
}

TEST_CASE("a random market keeps its means") {
  const auto market = parse("random:1,up=10,down=2,notice=30");
  REQUIRE(market);
  CHECK(market->notice() == seconds{30});
  Duration up{}, down{};
  Instant at = kBegin;
  for (int change = 0; change < 4000; ++change) {
    const Instant next = *market->next_change(at);
    (market->open(at) ? up : down) += next - at;
    at = next;
  }
  CHECK(up.count() / 2000 == doctest::Approx(600'000).epsilon(0.1));
  CHECK(down.count() / 2000 == doctest::Approx(120'000).epsilon(0.1));
}

TEST_CASE("a market knows how long it stays open on average, unless it never closes") {
  CHECK_FALSE(Market{}.mean_up());
  CHECK(*Market{RandomPeriods{1, minutes{7}, minutes{2}, kBegin}}.mean_up() == minutes{7});
  const auto trace = [](std::vector<bool> samples) {
    return Market{Trace{std::move(samples), seconds{60}, kBegin}}.mean_up();
  };
  CHECK(*trace({true, true, false, true, false}) == seconds{90});
  // The one at the end goes on at the beginning.
  CHECK(*trace({true, false, false, true}) == seconds{120});
  CHECK_FALSE(trace({true, true}));
  CHECK_FALSE(trace({false}));
}

TEST_CASE("a random market answers about the past as it did then") {
  const auto market = parse("random:3,up=1,down=1");
  std::vector<bool> forward, backward;
  for (int minute = 0; minute < 500; ++minute) forward.push_back(market->open(kBegin + minutes{minute}));
  for (int minute = 499; minute >= 0; --minute)
    backward.insert(backward.begin(), market->open(kBegin + minutes{minute}));
  CHECK(forward == backward);
  CHECK(market->open(kBegin - hours{1}) == market->open(kBegin));
}

TEST_CASE("a trace is followed sample by sample and begins again at its end") {
  const auto market = parse("trace:us-west-2a.json,notice=0", kTrace);
  REQUIRE(market);
  const Duration gap = seconds{195};
  CHECK(market->notice() == seconds{0});
  CHECK_FALSE(market->open(kBegin));
  CHECK_FALSE(market->open(kBegin + gap - milliseconds{1}));
  CHECK(market->open(kBegin + gap));
  CHECK(market->open(kBegin + 3 * gap - milliseconds{1}));
  CHECK_FALSE(market->open(kBegin + 3 * gap));
  CHECK_FALSE(market->open(kBegin + 4 * gap));
  CHECK(market->open(kBegin + 5 * gap));
  CHECK(market->next_change(kBegin) == kBegin + gap);
  CHECK(market->next_change(kBegin + gap) == kBegin + 3 * gap);
  CHECK(market->next_change(kBegin + 3 * gap) == kBegin + 5 * gap);
}

TEST_CASE("a trace of one value never changes, and a trace of several nodes is open while there is one") {
  const auto closed = parse("trace:f", R"({"metadata": {"gap_seconds": 1}, "data": [0, 0]})");
  CHECK_FALSE(closed->open(kBegin));
  CHECK_FALSE(closed->next_change(kBegin));
  const auto nodes = parse("trace:f", R"({"metadata": {"gap_seconds": 1}, "data": [4, 1, 0]})");
  CHECK(nodes->next_change(kBegin) == kBegin + seconds{2});
}

TEST_CASE("the file of a trace may have commas in its name") {
  std::string asked;
  const auto market = parse_market("trace:a,b.json,notice=5", kBegin, [&](const std::string& path) {
    asked = path;
    return Result<std::string>{kTrace};
  });
  REQUIRE(market);
  CHECK(asked == "a,b.json");
}

TEST_CASE("a market that cannot be read says what is allowed") {
  for (const auto* description :
       {"", "opne", "random:", "random:x", "random:-1", "random:1,up", "random:1,up=0", "random:1,up=inf",
        "random:1,sideways=3", "random:1,notice=-1", "random:1,notice=1e9", "trace:", "trace:f,notice=x"}) {
    CAPTURE(description);
    const auto market = parse(description, kTrace);
    REQUIRE_FALSE(market);
    CHECK(market.error().kind == Kind::invalid);
    CHECK(market.error().message.find("random:SEED[,up=MINUTES]") != std::string::npos);
  }
}

TEST_CASE("a trace that cannot be read says what is wrong with it") {
  CHECK(parse("trace:f").error().message == "market \"trace:f\": opening f: gone");
  const auto complaint = [](std::string trace) { return parse("trace:f", std::move(trace)).error().message; };
  CHECK(complaint("{").find("gap_seconds") != std::string::npos);
  CHECK(complaint(R"({"metadata": 3, "data": [1]})").find("gap_seconds") != std::string::npos);
  CHECK(complaint(R"({"metadata": {"gap_seconds": 0}, "data": [1]})").find("above 0") != std::string::npos);
  CHECK(complaint(R"({"metadata": {"gap_seconds": 1}, "data": []})").find("1 to") != std::string::npos);
  CHECK(complaint(R"({"metadata": {"gap_seconds": 1}, "data": [1, "x"]})").find("sample 1") != std::string::npos);
  CHECK(complaint(R"({"metadata": {"gap_seconds": 1}, "data": [1, -1]})").find("sample 1") != std::string::npos);
}
