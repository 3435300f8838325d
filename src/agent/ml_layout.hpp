// The file tree and the environment that SageMaker's contract promises to a training program: /opt/ml with its
// configuration files, made under a directory of the host.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "job/spec.hpp"
#include "ports/runtime.hpp"

namespace holdfast::agent {

constexpr const char* kHostName = "algo-1";
// Inside the sandbox; appears when an interruption is announced. Its name is in HOLDFAST_NOTICE_FILE.
constexpr const char* kNoticeFile = "/opt/ml/input/config/interruption-notice.json";
constexpr std::size_t kMaxFailureCharacters = 1024;

// Where everything lies on the host. Each directory exists.
struct MlLayout {
  std::filesystem::path ml;    // becomes /opt/ml
  std::filesystem::path data;  // one directory per channel below; of a channel in Pipe mode its pipes instead
  std::filesystem::path model;
  std::filesystem::path output_data;
  std::filesystem::path failure;  // written by the program, if at all
  std::filesystem::path notice;
  std::optional<std::filesystem::path> checkpoints;  // only with a CheckpointConfig
  // /opt/ml; what in it is read-only; and the checkpoints where they lie outside it.
  std::vector<ports::Mount> mounts;
};

// What the instance knows and the job's request does not say.
// The key with which a program reaches its job's own places in S3, and where.
struct S3Access {
  std::string endpoint;
  std::string access_key;
  std::string secret;
};

struct InstanceFacts {
  std::string region = "us-east-1";
  int cpus = 1;
  int gpus = 0;
  std::optional<S3Access> s3 = {};
};

// Kind::invalid unless programs can keep checkpoints there: absolute, without "..", not a path that SageMaker or the
// system needs for something else.
Result<void> check_local_path(const std::string& local_path);

// Makes the tree below `directory` (made too, if need be). Twice does no harm: what a program left there stays.
Result<MlLayout> lay_out(const job::JobSpec& spec, const std::filesystem::path& directory);

// The platform's variables, those that SageMaker's images would set for a script (SM_...), and the user's, which win
// over all but TRAINING_JOB_NAME and TRAINING_JOB_ARN.
std::map<std::string, std::string> program_environment(const job::JobSpec& spec, const InstanceFacts& facts);

// Kind::invalid when there is nothing to run: this machine, as an image, has no entrypoint of its own.
Result<std::vector<std::string>> program_command(const job::JobSpec& spec);

// What the program wrote to output/failure, cut to kMaxFailureCharacters, made valid UTF-8; empty if nothing.
std::string read_failure(const MlLayout& layout);

// Tells the program, in a file, until when it can save. Replaced as a whole, so it can be read at any moment.
Result<void> write_notice(const MlLayout& layout, Instant deadline, const std::string& reason);

}  // namespace holdfast::agent
