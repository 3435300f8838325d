// What each command does, given a service to do it with. They print to the terminal and return the exit code; an Error
// is printed by perform(), with kExitNoAnswer.
#pragma once

#include <iosfwd>

#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"

namespace holdfast::cli {

struct Session {
  Service& service;
  const Terminal& terminal;
  Pause& pause;
  Clock& clock;
  std::string working_directory;  // where the user stands
};

Result<int> run(const Session& session, const RunOptions& options);
Result<int> list_jobs(const Session& session, const JobsOptions& options);
Result<int> describe_job(const Session& session, const DescribeOptions& options);
Result<int> show_logs(const Session& session, const LogsOptions& options);
Result<int> interrupt_job(const Session& session, const InterruptOptions& options);
Result<int> stop_job(const Session& session, const StopOptions& options);
Result<int> copy(const Session& session, const CopyOptions& options);

// Needs no service: it changes what is in the data folder.
int keys(const KeysOptions& options, std::ostream& out, std::ostream& err);

int perform(const Session& session, const Request& request);

// A file, or everything in a folder, below `to`; returns how many files. A file keeps its name when `to` ends in a
// slash or names only a bucket.
Result<int> upload(Service& service, const std::string& from, const std::string& to);
// One object to a file, or into a folder under its own name; returns the file.
Result<std::string> download(Service& service, const std::string& from, const std::string& to);

// CreateTrainingJob's request; the inputs are in S3 by now.
nlohmann::json training_job_request(const RunOptions& options, const std::string& name, const Pairs& inputs,
                                    const std::string& working_directory);
// "train-20261123-093506-123" for `python3 train.py`.
std::string name_for(const std::vector<std::string>& command, Instant now);

}  // namespace holdfast::cli
