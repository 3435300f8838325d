#include "sim/checker.hpp"

#include "sim/checkers/checkers.hpp"

namespace holdfast::sim {

void Checker::violated(Instant at, std::string what) {
  if (violations_.size() < kMaxViolations) violations_.push_back({property_, at, std::move(what)});
}

std::vector<std::unique_ptr<Checker>> make_checkers(const Slack& slack) {
  std::vector<std::unique_ptr<Checker>> all;
  all.push_back(checkers::one_end());
  all.push_back(checkers::one_writer());
  all.push_back(checkers::whole_restores());
  all.push_back(checkers::no_step_back());
  all.push_back(checkers::walls(slack));
  all.push_back(checkers::the_bill(slack));
  all.push_back(checkers::no_lease_left(slack));
  all.push_back(checkers::jobs_go_on(slack));
  all.push_back(checkers::stops_and_deaths(slack));
  all.push_back(checkers::replay());
  return all;
}

void Judges::record(Record record) {
  for (const auto& checker : checkers_) checker->see(record);
}

std::vector<Violation> Judges::finish(const Ending& ending) {
  std::vector<Violation> all;
  for (const auto& checker : checkers_) {
    checker->finish(ending);
    all.insert(all.end(), checker->violations().begin(), checker->violations().end());
  }
  return all;
}

}  // namespace holdfast::sim
