// The command line of the one program: reads the options, then hands over to the service, the agent or a command.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

struct ServeOptions {
  std::string data = "holdfast-data";
  std::string listen = "127.0.0.1:8740";
  int slots = 1;  // filled with the number of processors
  std::string market = "open";
  std::string prices;  // a file; empty: the built-in catalogue
  std::string region = "us-east-1";
  std::string log_level = "info";
  std::vector<std::string> events_to;  // URLs that are told of status changes
  std::string s3_domain = "localhost";
  int stall_timeout_seconds = 30;
};

struct CheckHistoryOptions {
  std::string data = "holdfast-data";
  bool json = false;
};

// Where the data folder keeps the access keys beside the service's own.
constexpr const char* kKeysFile = "keys.json";

struct KeysOptions {
  enum class Action { add, list, remove };
  Action action = Action::list;
  std::string data = "holdfast-data";
  std::string name;
  bool admin = false;
  bool read_only = false;
  std::string jobs;                // the prefix of the names of its jobs; empty: none
  std::vector<std::string> write;  // s3://bucket/prefix
  std::vector<std::string> read;
};

// Where buckets are that the service does not hold itself.
struct BucketsOptions {
  enum class Action { add, list, remove };
  Action action = Action::list;
  std::string data = "holdfast-data";
  std::string name;
  std::string s3;  // a URL, or "aws"; empty: a directory
  std::string directory;
  std::string region = "us-east-1";
  std::string style = "automatic";    // or path, virtual
  std::string encryption = "bucket";  // or s3, kms
  std::string kms_key;
  std::optional<bool> bucket_key;
  bool no_checksums = false;
  int connections = 0, memory_mib = 0, part_size_mib = 0;  // 0: as it is without
  std::string ca, proxy, profile, credentials;
  bool unchecked = false;  // do not look whether it can be used
};

using ServeCommand = std::function<int(const ServeOptions&)>;
// The hidden `agent --directory DIR`, which the service starts beside each training program, and `fast-files
// --directory DIR`, which the agent starts for channels in FastFile mode.
using AgentCommand = std::function<int(const std::string& directory)>;

// `check-history`: 0 all promises held, 1 one was broken, 2 the history could not be read.
using CheckHistoryCommand = std::function<int(const CheckHistoryOptions&)>;

// What scripts may rely on; docs/cli.md says so too.
constexpr int kExitDone = 0;
constexpr int kExitJobFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitJobStopped = 3;
constexpr int kExitNoAnswer = 4;  // the service refused, or there is none
constexpr int kExitDetached = 130;

struct ConnectionOptions;
struct CheckpointsOptions;

// What needs more than the wire: the mains hand it in.
struct Mains {
  ServeCommand serve;
  AgentCommand agent;
  CheckHistoryCommand check_history;
  std::function<int(const BucketsOptions&)> buckets;
  std::function<int(const ConnectionOptions&, const CheckpointsOptions&)> checkpoints;
  AgentCommand fast_files;
};

int run_cli(int argc, char** argv, const Mains& mains);

}  // namespace holdfast::cli
