#include "app/check_history.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/open_buckets.hpp"
#include "base/file.hpp"
#include "sim/read_history.hpp"

namespace holdfast::app {

namespace {

namespace fs = std::filesystem;

constexpr int kHeld = 0, kBroken = 1, kUnreadable = 2;
constexpr std::size_t kMaxLocks = 16 * 1024 * 1024;

struct Promise {
  const char* property;
  const char* what;
  const char* not_recorded;  // what a real service's records do not tell about it; empty: they tell all
};
constexpr std::array kPromises{
    Promise{"P1", "every accepted job is there and ends once", ""},
    Promise{"P2", "one attempt at a time moves a checkpoint ledger", "what was cleaned up meanwhile"},
    Promise{"P3", "a restore uses the newest whole checkpoint", "what a program found in it"},
    Promise{"P4", "committed progress never goes back", "how far a program was, only which checkpoints it had"},
    Promise{"P5", "MaxRuntime, MaxWait and the time to stop hold", "when the service was down, but for its starts"},
    Promise{"P6", "the bill is the time on instances at their price", ""},
    Promise{"P7", "no instance outlives its job", "instances that came up unheard of"},
    Promise{"P8", "a job that could run does", "whether there was capacity; launches are judged"},
    Promise{"P9", "a stop is done, and nothing else ends a program", "why programs ended; stops are judged"},
    Promise{"P10", "deciding again gives what is stored", "all versions of a job but its newest"},
};

// Who holds the lock of serve.cpp. Trying to take it could stand in the way of a service that is just starting.
bool is_served(const fs::path& data) {
  struct stat status {};
  if (::stat((data / "lock").c_str(), &status) != 0) return false;
  const auto locks = read_file("/proc/locks", kMaxLocks);
  if (!locks) return false;
  const auto inode = fmt::format(":{} ", status.st_ino);
  for (std::size_t at = locks->find("FLOCK"); at != std::string::npos; at = locks->find("FLOCK", at + 1)) {
    const auto line = std::string_view(*locks).substr(at, locks->find('\n', at) - at);
    if (line.find(inode) != std::string_view::npos) return true;
  }
  return false;
}

struct Report {
  fs::path data;
  bool served = false;
  sim::ReadHistory history;
  std::vector<sim::Violation> violations;

  std::size_t broken(const std::string& property) const {
    return static_cast<std::size_t>(std::count_if(violations.begin(), violations.end(),
                                                  [&](const auto& found) { return found.property == property; }));
  }
  // Without instances on record there is nothing to judge about them.
  bool is_judged(const std::string& property) const {
    return property != "P7" || history.figures.leases > 0 || history.figures.attempts == 0;
  }
  const char* verdict(const std::string& property) const {
    if (broken(property) > 0) return "broken";
    return is_judged(property) ? "held" : "not judged";
  }
};

Result<Report> judge(const fs::path& data) {
  const auto database = data / "holdfast.db";
  if (!fs::exists(database))
    return fail(Kind::not_found, "{} is not there: is {} a data folder?", database.string(), data.string());
  SystemClock clock;
  SystemRandom random;
  auto buckets = open_buckets_of(data, {clock, random, kCallersPatience});
  if (!buckets) return fail(buckets.error());
  Report report;
  report.data = data;
  report.served = is_served(data);
  sim::Judges judges;
  sim::Ending ending;
  auto read = sim::read_history(database.string(), *buckets->all,
                                report.served ? std::optional(clock.now()) : std::nullopt, judges, ending);
  if (!read) return fail(read.error());
  report.history = std::move(*read);
  report.violations = report.history.contradictions;
  const auto found = judges.finish(ending);
  report.violations.insert(report.violations.end(), found.begin(), found.end());
  return report;
}

void print_text(const Report& report) {
  const auto& figures = report.history.figures;
  fmt::print("{} ({}, schema {})\n", report.data.string(), report.served ? "its service runs" : "no service runs",
             figures.schema);
  fmt::print("{} jobs ({} live), {} decisions, {} attempts, {} instances on record, {} starts of the service\n",
             figures.jobs, figures.live_jobs, figures.decisions, figures.attempts, figures.leases, figures.starts);
  fmt::print("{} checkpoint ledgers with {} generations, {} of them damaged\n\n", figures.ledgers, figures.generations,
             figures.damaged);
  for (const auto& promise : kPromises) {
    const std::string unknown =
        *promise.not_recorded == '\0' ? "" : fmt::format("   (not recorded: {})", promise.not_recorded);
    fmt::print("{:<4} {:<11} {}{}\n", promise.property, report.verdict(promise.property), promise.what, unknown);
  }
  for (const auto& note : report.history.notes) fmt::print("\nnote: {}", note);
  if (!report.history.notes.empty()) fmt::print("\n");
  for (const auto& violation : report.violations)
    fmt::print("\n{} broken, {}:\n  {}\n", violation.property, to_iso8601(violation.at), violation.what);
  if (report.violations.empty()) fmt::print("\nEvery promise that could be judged was kept.\n");
}

void print_json(const Report& report) {
  const auto& figures = report.history.figures;
  nlohmann::json out{
      {"data", report.data.string()},  {"service_runs", report.served},       {"schema", figures.schema},
      {"jobs", figures.jobs},          {"live_jobs", figures.live_jobs},      {"decisions", figures.decisions},
      {"attempts", figures.attempts},  {"instances", figures.leases},         {"starts", figures.starts},
      {"ledgers", figures.ledgers},    {"generations", figures.generations},  {"damaged_generations", figures.damaged},
      {"notes", report.history.notes}, {"promises", nlohmann::json::array()}, {"violations", nlohmann::json::array()}};
  for (const auto& promise : kPromises) {
    out["promises"].push_back({{"property", promise.property},
                               {"promise", promise.what},
                               {"verdict", report.verdict(promise.property)},
                               {"not_recorded", promise.not_recorded}});
  }
  for (const auto& violation : report.violations) {
    out["violations"].push_back(
        {{"property", violation.property}, {"at", to_iso8601(violation.at)}, {"what", violation.what}});
  }
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

int check_history(const cli::CheckHistoryOptions& options) {
  const auto report = judge(options.data);
  if (!report) {
    std::fprintf(stderr, "holdfast check-history: %s\n", report.error().message.c_str());
    return kUnreadable;
  }
  if (options.json) {
    print_json(*report);
  } else {
    print_text(*report);
  }
  return report->violations.empty() ? kHeld : kBroken;
}

}  // namespace holdfast::app
