// `holdfast describe`: one job on one page, with the honest ledger of where its time went.
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/answers.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace holdfast::cli {

using nlohmann::json;

namespace {

std::string statuses(const JobAnswer& job, Instant now) {
  std::vector<std::vector<std::string>> rows{{"SINCE (UTC)", "STATUS", "FOR", "MESSAGE"}};
  for (const StatusVisit& visit : job.visits) {
    const bool last_of_all = is_over(job) && &visit == &job.visits.back();
    rows.push_back({readable(visit.start), visit.status,
                    last_of_all ? "" : readable(visit.end.value_or(now) - visit.start), visit.message});
  }
  return render_table(rows);
}

std::string megabytes(double bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

// "12s old, 31.5 MB at risk, safe in 2.4s": as the agent last said.
std::string safety(const json& run) {
  const auto told = run.find("CheckpointSafety");
  if (told == run.end() || !told->is_object()) return "";
  const auto at_risk = told->value("BytesAtRisk", std::uint64_t{0});
  std::string text = fmt::format("               {:.0f}s old", told->value("AgeInSeconds", 0.0));
  if (at_risk > 0) text += fmt::format(", {} at risk", megabytes(static_cast<double>(at_risk)));
  if (at_risk > 0 && told->contains("SecondsToSafe"))
    text += fmt::format(", safe in {:.1f}s", told->value("SecondsToSafe", 0.0));
  if (told->contains("UploadBytesPerSecond")) {
    text += fmt::format(", uploads at {}/s", megabytes(told->value("UploadBytesPerSecond", 0.0)));
  }
  return text + "\n";
}

// What our own DescribeTrainingRun adds to SageMaker's answer.
std::string ledger(const json& run) {
  std::string text =
      fmt::format("Attempts       {}, interrupted {} times\n", run.value("Attempts", 0), run.value("Interruptions", 0));
  const auto generation = run.find("LastGeneration");
  if (generation != run.end() && generation->is_object())
    text += fmt::format("Checkpoint     the newest complete one is {}.{} (fence.sequence)\n",
                        generation->value("Fence", 0), generation->value("Sequence", 0));
  text += safety(run);
  if (run.contains("CostInDollars"))
    text += fmt::format("Cost           ${:.6f}\n", run["CostInDollars"].get<double>());
  const auto account = run.find("LedgerInSeconds");
  if (account == run.end()) return text;
  std::vector<std::vector<std::string>> rows;
  for (const char* part : {"Waiting", "Starting", "Restoring", "Training", "Lost", "Saving", "Stopping"}) {
    if (account->contains(part))
      rows.push_back({fmt::format("  {}", part), fmt::format("{:.1f}s", account->at(part).get<double>()),
                      std::string{part} == "Lost" ? "(of Training: since the last checkpoint, done again)" : ""});
  }
  return text + "\nWhere the time went\n" + render_table(rows);
}

std::string heading(const JobAnswer& job, Instant now) {
  std::string text = fmt::format("{}: {}{}\n", job.name, job.status,
                                 job.secondary == job.status ? "" : fmt::format(" ({})", job.secondary));
  text += fmt::format("Created        {} UTC, {} ago\n", readable(job.created), readable(now - job.created));
  text +=
      fmt::format("Runs on        {}, {}, image {}\n", job.instance_type, job.spot ? "spot" : "on demand", job.image);
  if (!job.checkpoint.empty()) text += fmt::format("Checkpoints    {}\n", job.checkpoint);
  return text;
}

}  // namespace

Result<int> describe_job(const Session& session, const DescribeOptions& options) try {
  const auto answer = describe_as_json(session.service, options.job);
  if (!answer) return fail(answer.error());
  if (options.json) {
    session.terminal.out << answer->dump(2) << '\n';
    return kExitDone;
  }
  const auto job = parse_job(*answer);
  if (!job) return fail(job.error());
  const auto run = session.service.call("Holdfast.DescribeTrainingRun", {{"TrainingJobName", options.job}});
  if (!run) return fail(run.error());
  const Instant now = session.clock.now();
  session.terminal.out << heading(*job, now) << ledger(*run) << '\n' << statuses(*job, now);
  if (const std::string summary = final_summary(*job); is_over(*job) && !summary.empty())
    session.terminal.out << '\n' << summary;
  return kExitDone;
} catch (const json::exception& error) {
  return fail(Kind::permanent, "reading the description of {}: {}", options.job, error.what());
}

}  // namespace holdfast::cli
