// `holdfast jobs`: the newest jobs as a table.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/answers.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace holdfast::cli {

using nlohmann::json;

namespace {

constexpr int kPageSize = 100;  // the most that ListTrainingJobs gives

Result<std::vector<std::string>> newest_jobs(Service& service, std::size_t most) try {
  std::vector<std::string> names;
  std::string token;
  while (names.size() < most) {
    json request{{"SortBy", "CreationTime"},
                 {"SortOrder", "Descending"},
                 {"MaxResults", std::min<std::size_t>(most - names.size(), kPageSize)}};
    if (!token.empty()) request["NextToken"] = token;
    const auto page = service.call("SageMaker.ListTrainingJobs", request);
    if (!page) return fail(page.error());
    for (const json& job : page->at("TrainingJobSummaries")) names.push_back(job.at("TrainingJobName"));
    token = page->value("NextToken", "");
    if (token.empty()) break;
  }
  return names;
} catch (const json::exception& error) {
  return fail(Kind::permanent, "reading ListTrainingJobs' answer: {}", error.what());
}

}  // namespace

Result<int> list_jobs(const Session& session, const JobsOptions& options) {
  const auto names = newest_jobs(session.service, static_cast<std::size_t>(options.most));
  if (!names) return fail(names.error());
  if (names->empty()) {
    session.terminal.out << "No jobs yet: holdfast run --spot -- python3 train.py\n";
    return kExitDone;
  }
  std::vector<std::vector<std::string>> rows{{"NAME", "STATUS", "SECONDARY", "AGE", "TRAINING SECONDS"}};
  for (const std::string& name : *names) {
    const auto job = describe(session.service, name);
    if (!job) return fail(job.error());
    rows.push_back({name, job->status, job->secondary, readable(session.clock.now() - job->created),
                    job->training_seconds ? std::to_string(*job->training_seconds) : "-"});
  }
  session.terminal.out << render_table(rows);
  return kExitDone;
}

}  // namespace holdfast::cli
