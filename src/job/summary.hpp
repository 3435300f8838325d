// A job as its user sees it: what DescribeTrainingJob shows beside the request itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "job/state.hpp"

namespace holdfast::job {

struct Summary {
  Primary primary = Primary::InProgress;
  Secondary secondary = Secondary::Starting;
  Instant last_modified;
  std::optional<Instant> training_start;
  std::optional<Instant> training_end;           // once ended and if it ever started
  std::optional<std::int64_t> training_seconds;  // both once ended, never below 1: SageMaker's clamp
  std::optional<std::int64_t> billable_seconds;
  std::optional<double> savings_percent;  // (1 - billable / training) * 100
  std::string failure_reason;
};

Summary summarize(const Job& job);

}  // namespace holdfast::job
