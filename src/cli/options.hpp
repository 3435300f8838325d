// What each command was asked to do, as plain values: made by parse(), carried out by perform().
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/cli.hpp"

namespace holdfast::cli {

// Where the service is and who we are; what stays empty is looked for by find_service().
struct ConnectionOptions {
  std::string endpoint;
  std::string data = "holdfast-data";
  std::string region = "us-east-1";
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct RunOptions {
  std::vector<std::string> command;
  std::string name;  // empty: made from the command and the time
  bool spot = false;
  std::string checkpoint;
  std::string output = "s3://holdfast/output";
  Pairs inputs;  // channel name, S3 URI or local folder
  Pairs hyperparameters;
  Pairs environment;
  Pairs metrics;
  Duration max_run = hours{1};
  std::optional<Duration> max_wait;  // only with spot, where it defaults to twice max_run
  std::string instance_type = "ml.m5.large";
  std::string image = "local:host";
  bool detach = false;
};
struct JobsOptions {
  int most = 20;
};
struct DescribeOptions {
  std::string job;
  bool json = false;
};
struct LogsOptions {
  std::string job;
  bool follow = false;
};
struct InterruptOptions {
  std::string job;
  int notice_seconds = 120;
};
struct StopOptions {
  std::string job;
};
struct CopyOptions {
  std::string from;
  std::string to;
};

using Request =
    std::variant<RunOptions, JobsOptions, DescribeOptions, LogsOptions, InterruptOptions, StopOptions, CopyOptions>;

struct Handlers {
  ServeCommand serve;
  AgentCommand agent;
  std::function<int(const ConnectionOptions&, const Request&)> perform;
  CheckHistoryCommand check_history = {};
  std::function<int(const KeysOptions&)> keys = {};
};

// Reads `arguments` (without the program's name) and calls the handler that they name; wrong ones are explained on
// `err` and give kExitUsage, --help goes to `out`.
int parse(std::vector<std::string> arguments, const Handlers& handlers, std::ostream& out, std::ostream& err);

// "NAME=VALUE", split at the first equals sign; the name must not be empty.
Result<std::pair<std::string, std::string>> parse_pair(const std::string& text);

}  // namespace holdfast::cli
