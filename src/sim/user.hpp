// The users of the simulated service: create jobs, look at them, and stop some, over a network that loses what they say
// and what they are told.
#pragma once

#include <map>
#include <set>
#include <string>

#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/twin_link.hpp"

namespace holdfast::sim {

constexpr const char* kBucket = "bkt";

class Users {
 public:
  Users(const Plan& plan, Scheduler& scheduler, Recorder& recorder, Network& network, Dice& dice);

  // Every job of the plan is accepted.
  bool content() const { return accepted_.size() == plan_.jobs.size(); }
  static std::string checkpoint_place(const std::string& job) { return "checkpoints/" + job + "/"; }

 private:
  void create(const JobPlan& job);
  void ask_to_create(const JobPlan& job);
  void stop(const JobPlan& job);
  void look(const JobPlan& job);
  void accepted(const JobPlan& job);
  // Calls `next` with the answer; with nothing after a while without one.
  void ask(const std::string& operation, const std::string& body, ServiceProcess::Reply next);

  const Plan& plan_;
  Scheduler& scheduler_;
  Recorder& recorder_;
  Network& network_;
  Dice& dice_;
  std::set<std::string> accepted_;
  std::shared_ptr<const bool> never_cut_ = std::make_shared<const bool>(false);
};

}  // namespace holdfast::sim
