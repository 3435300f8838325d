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
  int keep = 0;  // generations of the checkpoint; 0: the service's default, as with the next two
  int keep_every = 0;
  std::string keep_best;
  std::string checkpoint_markers;    // "on", "off"; empty: as the image expects it
  std::string checkpoint_bandwidth;  // MB/s; empty: all there is
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

// `what`: a job's name, or s3://bucket/prefix.
struct CheckpointsOptions {
  enum class Action { list, verify, export_one, prune };
  Action action = Action::list;
  std::string what;
  std::string generation;  // "FENCE.SEQUENCE", as the list shows it; empty: the newest that a restore would use
  std::string directory;   // to export into
  bool json = false;
  bool all = false;         // verify every generation
  bool quarantine = false;  // those that verify finds damaged
  int keep = 3;
  int every = 0;
  std::string best;    // "METRIC:min" or "METRIC:max"
  bool ended = false;  // of an s3:// place: no attempt is at work there
  bool dry_run = false;
  double price = 0.023;  // dollars for a GB (2^30 bytes) and month
};

using Request =
    std::variant<RunOptions, JobsOptions, DescribeOptions, LogsOptions, InterruptOptions, StopOptions, CopyOptions>;

struct Handlers {
  ServeCommand serve;
  AgentCommand agent;
  std::function<int(const ConnectionOptions&, const Request&)> perform;
  CheckHistoryCommand check_history = {};
  std::function<int(const KeysOptions&)> keys = {};
  std::function<int(const BucketsOptions&)> buckets = {};
  std::function<int(const ConnectionOptions&, const CheckpointsOptions&)> checkpoints = {};
  AgentCommand fast_files = {};
};

// Reads `arguments` (without the program's name) and calls the handler that they name; wrong ones are explained on
// `err` and give kExitUsage, --help goes to `out`.
int parse(std::vector<std::string> arguments, const Handlers& handlers, std::ostream& out, std::ostream& err);

// "NAME=VALUE", split at the first equals sign; the name must not be empty.
Result<std::pair<std::string, std::string>> parse_pair(const std::string& text);

}  // namespace holdfast::cli
