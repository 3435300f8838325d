#include <doctest/doctest.h>

#include "job/codec.hpp"

namespace holdfast::job::test {
namespace {

// As the first version wrote it: members in the order of their names, a kind among them.
const std::string kOlder =
    R"({"accounts":{"billable_millionths":7,"cost":6,"lost_ms":5,"restoring_ms":4,"saving_ms":0,"starting_ms":3,)"
    R"("stopping_ms":2,"training_ms":1,"waiting_ms":9},"attempts":2,"booked_until":300,"created":100,)"
    R"("failures_in_a_row":0,"first_started":null,"interruptions":1,"last_generation":{"fence":4,"sequence":2},)"
    R"("retries":0,"state":{"attempt":{"fence":5,"instance":"i-1","notice":null,"placement":{"instance_type":)"
    R"("ml.m5.large","on_demand_per_hour":9,"pool":"p","price_per_hour":3,"spot":true,"zone":"z"},"program_since":250,)"
    R"("requested":200,"restored":{"fence":4,"sequence":2},"saved":null},"is":"Training"},"transitions":[{"end":200,)"
    R"("message":"a \"b\"","start":100,"status":"Starting"},{"end":null,"message":"","start":200,)"
    R"("status":"Training"}],"v":1,"version":11})";

std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}
bool is_read(const std::string& text) { return decode_job(text, nullptr).has_value(); }

}  // namespace

TEST_CASE("a job that an older version stored is read, and written so that it is read as the same again") {
  const auto job = decode_job(kOlder, nullptr);
  REQUIRE_MESSAGE(job, job.error().message);
  CHECK(job->version == 11);
  CHECK(job->accounts.cost == 6);
  CHECK(job->last_generation == GenerationId{Fence{4}, 2});
  const auto& attempt = std::get<Training>(job->state).attempt;
  CHECK(attempt.fence == Fence{5});
  CHECK(attempt.instance == InstanceId{"i-1"});
  CHECK_FALSE(attempt.notice);
  CHECK(attempt.placement.spot);
  CHECK(attempt.program_since == from_ms(250));
  CHECK(attempt.save_takes == Duration{0});  // that version did not have it
  REQUIRE(job->transitions.size() == 2);
  CHECK(job->transitions[0].message == "a \"b\"");
  CHECK(job->transitions[0].end == from_ms(200));
  CHECK(job->transitions[1].status == Secondary::Training);
  const auto again = decode_job(encode_job(*job), nullptr);
  REQUIRE(again);
  CHECK(encode_job(*again) == encode_job(*job));
}

TEST_CASE("a stored job that cannot be trusted is not read") {
  CHECK_FALSE(is_read(with(kOlder, R"("v":1)", R"("v":2)")));
  CHECK_FALSE(is_read(with(kOlder, R"("v":1,)", "")));
  CHECK_FALSE(is_read(with(kOlder, R"("retries":0,)", "")));
  CHECK_FALSE(is_read(with(kOlder, R"("attempts":2)", R"("attempts":2.0)")));
  CHECK_FALSE(is_read(with(kOlder, R"("attempts":2)", R"("attempts":4294967296)")));
  CHECK_FALSE(is_read(with(kOlder, R"("is":"Training")", R"("is":"Dreaming")")));
  CHECK_FALSE(is_read(kOlder + "x"));
  CHECK_FALSE(is_read(kOlder + std::string(1, '\0')));
  CHECK_FALSE(is_read(with(kOlder, R"("v":1)", R"("v":1,"name":"\udc00")")));
  CHECK(is_read(with(kOlder, R"("v":1)", R"("v":1,"of_a_later_version":[{}])")));
}

TEST_CASE("events and effects are named; a name of an enumeration that is not known is its first") {
  const auto ended = decode_event(R"({"is":"AttemptEnded","fence":3,"outcome":"stopped"})");
  REQUIRE(ended);
  CHECK(std::get<AttemptEnded>(*ended).outcome == Outcome::stopped);
  CHECK(std::get<AttemptEnded>(*decode_event(R"({"is":"AttemptEnded","outcome":"?"})")).outcome == Outcome::failed);
  CHECK(encode_event(StopRequested{}) == R"({"is":"StopRequested"})");
  CHECK(encode_effect(ReleaseInstance{Fence{7}}) == R"({"is":"ReleaseInstance","fence":7})");
  CHECK_FALSE(decode_event(R"({"fence":3})"));
  CHECK_FALSE(decode_effect(R"({"is":"AttemptEnded"})"));
}

}  // namespace holdfast::job::test
