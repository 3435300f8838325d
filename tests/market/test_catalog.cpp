#include <doctest/doctest.h>

#include "market/catalog.hpp"

using namespace holdfast;
using namespace holdfast::market;

TEST_CASE("a type without a price of its own has the default price") {
  const Price price = Catalog{}.price("ml.m5.large");
  CHECK(price.on_demand_per_hour == 1'000'000);
  CHECK(price.spot_per_hour == 300'000);
}

TEST_CASE("prices are read in dollars and kept to the micro-dollar") {
  const auto catalog = parse_catalog(R"({"ml.m5.large": {"on_demand": 0.115, "spot": 0.035}})");
  REQUIRE(catalog);
  CHECK(catalog->price("ml.m5.large").on_demand_per_hour == 115'000);
  CHECK(catalog->price("ml.m5.large").spot_per_hour == 35'000);
  CHECK(catalog->price("ml.m5.xlarge").on_demand_per_hour == 1'000'000);
}

TEST_CASE("a mistake in the prices is named with its type") {
  const auto complaint = [](const char* text) {
    const auto catalog = parse_catalog(text);
    REQUIRE_FALSE(catalog);
    CHECK(catalog.error().kind == Kind::invalid);
    return catalog.error().message;
  };
  CHECK(complaint("[").find("prices must be JSON like") != std::string::npos);
  CHECK(complaint("[]").find("prices must be JSON like") != std::string::npos);
  CHECK(complaint(R"({"m5.large": {"on_demand": 1, "spot": 1}})").find("begins with ml.") != std::string::npos);
  CHECK(complaint(R"({"ml.a": 3})").find("the price of ml.a must be") != std::string::npos);
  CHECK(complaint(R"({"ml.a": {"on_demand": 1}})") == "the price of ml.a: \"spot\" is missing");
  CHECK(complaint(R"({"ml.a": {"on_demand": 1, "spot": 0}})").find("\"spot\" must be") != std::string::npos);
  CHECK(complaint(R"({"ml.a": {"on_demand": 1000.1, "spot": 1}})").find("at most 1000") != std::string::npos);
  CHECK(complaint(R"({"ml.a": {"on_demand": 1, "spot": 1.1}})").find("above \"on_demand\"") != std::string::npos);
  CHECK(complaint(R"({"ml.a": {"on_demand": "1", "spot": 1}})").find("\"on_demand\" must be") != std::string::npos);
  CHECK(complaint(R"({"ml.a": {"on_demand": 1, "spot": 1, "spto": 1}})").find("\"spto\" is unknown") !=
        std::string::npos);
}
