// The simulation itself: that a seed is a run, that the service may die anywhere, and the seeds that once found a bug.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sim/world.hpp"

using namespace holdfast;

namespace {

std::vector<std::string> trace_of(const sim::Plan& plan, std::uint64_t& hash) {
  std::vector<std::string> lines;
  sim::RunOptions options;
  options.trace = [&](const std::string& line) { lines.push_back(line); };
  hash = sim::run(plan, options).hash;
  return lines;
}

void check_promises(const sim::RunResult& result, const std::string& where) {
  for (const auto& violation : result.violations) {
    FAIL_CHECK(where << ": " << violation.property << " at " << to_iso8601(violation.at) << ": " << violation.what);
  }
}

// Small enough to be run once for each of its boundaries.
sim::Plan small_plan() {
  auto plan = sim::steady_plan(7, 2, hours{1});
  plan.pools[0].mean_up = minutes{20};
  plan.jobs[1].stopped = minutes{50};
  for (auto& job : plan.jobs) job.program.save_every = 5;
  return plan;
}

}  // namespace

TEST_CASE("a seed is one run: the same trace, line by line, as often as it is run") {
  for (const std::uint64_t seed : {1, 2, 3, 14, 27}) {
    std::uint64_t first = 0, second = 0;
    const auto plan = sim::draw_plan(seed);
    const auto told = trace_of(plan, first);
    const auto again = trace_of(plan, second);
    CHECK(told == again);
    CHECK(first == second);
    CHECK(told.size() > 10);
  }
}

TEST_CASE("different seeds are different runs") {
  std::uint64_t one = 0, two = 0;
  trace_of(sim::draw_plan(101), one);
  trace_of(sim::draw_plan(102), two);
  CHECK(one != two);
}

TEST_CASE("the service may die at any boundary of its store, its outbox and its replies, and every promise holds") {
  const auto plan = small_plan();
  const auto whole = sim::run(plan);
  check_promises(whole, "without a death");
  REQUIRE(whole.deaths == 0);
  REQUIRE(whole.boundaries > 100);
  std::size_t deaths = 0;
  for (std::uint64_t at = 1; at <= whole.boundaries; ++at) {
    sim::RunOptions options;
    options.die_at = at;
    const auto result = sim::run(plan, options);
    deaths += result.deaths;
    check_promises(result, "death at boundary " + std::to_string(at));
  }
  MESSAGE("died at " << deaths << " of " << whole.boundaries << " boundaries");
  CHECK(deaths == whole.boundaries);
}

TEST_CASE("a program in the middle of a save is told of a notice when that save is safe") {
  auto plan = sim::steady_plan(3, 1, hours{12});
  plan.pools[0].mean_up = minutes{10};
  plan.pools[0].mean_down = minutes{1};
  auto& program = plan.jobs[0].program;
  program.step_time = seconds{20};
  program.save_every = 1;
  program.files = 3;
  program.inside_files = seconds{4};
  program.on_term = sim::OnTerm::die;
  std::uint64_t hash = 0;
  int at_rest = 0, in_a_save = 0;
  double last = 0, announced = 0;  // seconds: the last save's end or the start, and the notice
  bool measured = false, saved = false, stored = false;
  for (const auto& line : trace_of(plan, hash)) {
    const auto is = [&](const char* what) { return line.find(what) != std::string::npos; };
    const double at = std::strtod(line.c_str(), nullptr);
    if (is("ProgramBegan")) measured = false;
    if (is("ProgramBegan") || is("ProgramSaved")) last = at;
    if (is(" CheckpointSaved")) measured = true;
    if (is("ReclaimAnnounced")) {
      announced = at;
      saved = stored = false;
    }
    if (announced == 0) continue;
    saved |= is("ProgramSaved");
    stored |= saved && is("GenerationStored");
    if (!is("ProgramOver")) continue;
    // It dies of the signal: had it come in the save, there would be none.
    CHECK_MESSAGE(saved == stored, line);
    const bool was_saving = !saved && announced - last > 21;
    CHECK_FALSE_MESSAGE((measured && was_saving), line);
    ++(stored ? in_a_save : at_rest);
    announced = 0;
  }
  CHECK(at_rest > 5);
  CHECK(in_a_save > 10);
}

TEST_CASE("every seed that once found a bug holds now") {
  std::ifstream file(HOLDFAST_SOURCE_DIR "/tests/seeds.txt");
  REQUIRE(file);
  std::size_t seeds = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::uint64_t seed = 0;
    if (line.starts_with('#') || !(words >> seed)) continue;
    ++seeds;
    check_promises(sim::run(sim::draw_plan(seed)), "seed " + std::to_string(seed));
  }
  CHECK(seeds > 0);
}
