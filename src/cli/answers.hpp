// DescribeTrainingJob's answer as a value, so that JSON stays at the edge.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/client.hpp"

namespace holdfast::cli {

struct StatusVisit {
  std::string status;
  Instant start;
  std::optional<Instant> end;
  std::string message;
};

struct JobAnswer {
  std::string name;
  std::string status;
  std::string secondary;
  std::string failure_reason;
  std::string image;
  std::string instance_type;
  std::string checkpoint;  // the S3Uri; empty: none
  std::string model;       // where model.tar.gz lies, or will lie
  bool spot = false;
  Instant created;
  std::optional<Instant> started;
  std::optional<Instant> ended;
  std::optional<std::int64_t> training_seconds;
  std::optional<std::int64_t> billable_seconds;
  std::vector<StatusVisit> visits;
  std::vector<std::pair<std::string, double>> final_metrics;
};

bool is_over(const JobAnswer& job);
int interruptions(const JobAnswer& job);
// Kind::permanent: not an answer of DescribeTrainingJob.
Result<JobAnswer> parse_job(const nlohmann::json& answer);
// A job that is not there is explained by its name.
Result<nlohmann::json> describe_as_json(Service& service, const std::string& job);
Result<JobAnswer> describe(Service& service, const std::string& job);

// How it ended, in the lines that SageMaker's SDK prints, and where the model lies.
std::string final_summary(const JobAnswer& job);
int exit_code(const JobAnswer& job);

}  // namespace holdfast::cli
