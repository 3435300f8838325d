#include <doctest/doctest.h>

#include "market/choose.hpp"

using namespace holdfast;
using namespace holdfast::market;

namespace {

WaitingJob waiting(const char* name, const char* type, bool spot, int since) {
  return {JobName{name}, type, spot, from_ms(since)};
}
Offer offer(const char* pool, const char* type, bool spot, int free, MicroDollars price) {
  return {PoolId{pool}, type, "local", spot, free, price, 1'000'000};
}

using Names = std::vector<std::string>;
Names names(const std::vector<std::pair<JobName, job::Placement>>& chosen) {
  Names result;
  for (const auto& [job, placement] : chosen) result.push_back(job.value + " on " + placement.pool.value);
  return result;
}

}  // namespace

TEST_CASE("the oldest job gets the last slot") {
  const auto chosen =
      choose({waiting("young", "ml.a", true, 2), waiting("old", "ml.a", true, 1)}, {offer("p", "*", true, 1, 300'000)});
  CHECK(names(chosen) == Names{"old on p"});
}

TEST_CASE("jobs of the same age are taken by name, so that a replay gives the same") {
  const auto chosen =
      choose({waiting("b", "ml.a", true, 1), waiting("a", "ml.a", true, 1)}, {offer("p", "*", true, 1, 300'000)});
  CHECK(names(chosen) == Names{"a on p"});
}

TEST_CASE("spot jobs run only on spot offers, others only on on-demand offers") {
  const std::vector<WaitingJob> jobs{waiting("s", "ml.a", true, 1), waiting("d", "ml.a", false, 2)};
  CHECK(names(choose(jobs, {offer("spot", "*", true, 9, 3)})) == Names{"s on spot"});
  CHECK(names(choose(jobs, {offer("od", "*", false, 9, 9)})) == Names{"d on od"});
}

TEST_CASE("the cheapest fitting offer wins until it is full, then the next") {
  const std::vector<WaitingJob> jobs{waiting("1", "ml.a", true, 1), waiting("2", "ml.a", true, 2),
                                     waiting("3", "ml.a", true, 3)};
  const std::vector<Offer> offers{offer("dear", "ml.a", true, 1, 5), offer("cheap", "ml.a", true, 1, 2),
                                  offer("other", "ml.b", true, 9, 1)};
  CHECK(names(choose(jobs, offers)) == Names{"1 on cheap", "2 on dear"});
}

TEST_CASE("offers of one pool share its slots, and a type's own price counts even if it is the higher one") {
  const std::vector<Offer> offers{offer("p", "*", true, 2, 3), offer("p", "ml.b", true, 2, 8),
                                  offer("q", "ml.b", true, 1, 5)};
  const auto chosen = choose({waiting("1", "ml.b", true, 1), waiting("2", "ml.b", true, 2),
                              waiting("3", "ml.a", true, 3), waiting("4", "ml.a", true, 4)},
                             offers);
  CHECK(names(chosen) == Names{"1 on q", "2 on p", "3 on p"});
  CHECK(chosen[1].second.price_per_hour == 8);
  CHECK(chosen[2].second.price_per_hour == 3);
}

TEST_CASE("a placement says what was chosen, with the job's own type") {
  const auto chosen = choose({waiting("j", "ml.m5.large", true, 1)}, {offer("p", "*", true, 1, 300'000)});
  REQUIRE(chosen.size() == 1);
  const auto& placement = chosen[0].second;
  CHECK(placement.instance_type == "ml.m5.large");
  CHECK(placement.zone == "local");
  CHECK(placement.spot);
  CHECK(placement.price_per_hour == 300'000);
  CHECK(placement.on_demand_per_hour == 1'000'000);
}

TEST_CASE("nothing is chosen where nothing waits, nothing is offered or nothing is free") {
  CHECK(choose({}, {offer("p", "*", true, 1, 1)}).empty());
  CHECK(choose({waiting("j", "ml.a", true, 1)}, {}).empty());
  CHECK(choose({waiting("j", "ml.a", true, 1)}, {offer("p", "*", true, 0, 1)}).empty());
}
