// One function for each promise; make_checkers() calls them all.
#pragma once

#include <memory>

#include "sim/checker.hpp"

namespace holdfast::sim::checkers {

std::unique_ptr<Checker> one_end();                             // P1
std::unique_ptr<Checker> one_writer();                          // P2
std::unique_ptr<Checker> whole_restores();                      // P3
std::unique_ptr<Checker> no_step_back();                        // P4
std::unique_ptr<Checker> walls(const Slack& slack);             // P5
std::unique_ptr<Checker> the_bill(const Slack& slack);          // P6
std::unique_ptr<Checker> no_lease_left(const Slack& slack);     // P7
std::unique_ptr<Checker> jobs_go_on(const Slack& slack);        // P8
std::unique_ptr<Checker> stops_and_deaths(const Slack& slack);  // P9
std::unique_ptr<Checker> replay();                              // P10

}  // namespace holdfast::sim::checkers
