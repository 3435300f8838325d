// What the user asked for, in the words of CreateTrainingJob. Built in one place, api/training_job_request, from a
// request that passed every rule; from there on it never changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace holdfast::job {

// SageMaker's limits and defaults (CreateTrainingJob, StoppingCondition).
constexpr Duration kDefaultMaxRuntime = hours{24};
constexpr const char* kDefaultCheckpointPath = "/opt/ml/checkpoints";

enum class InputMode { File, Pipe, FastFile };
enum class SourceType { S3Prefix, ManifestFile, AugmentedManifestFile };

constexpr const char* to_string(InputMode mode) {
  switch (mode) {
    case InputMode::File:
      return "File";
    case InputMode::Pipe:
      return "Pipe";
    case InputMode::FastFile:
      return "FastFile";
  }
  return "?";
}

struct Channel {
  std::string name;
  std::string s3_uri;        // a raw key prefix, s3://bucket/prefix; for the other types one object, the list
  std::string content_type;  // empty: not given
  std::string distribution = "FullyReplicated";
  InputMode mode = InputMode::File;
  SourceType type = SourceType::S3Prefix;
  // The rest is for Pipe only.
  std::vector<std::string> attributes = {};  // of an AugmentedManifestFile, in the order of the stream
  bool gzip = false;                         // objects are decompressed on their way
  bool record_io = false;                    // each object becomes a record
  std::optional<std::int64_t> shuffle_seed = {};
};

// The image of programs of the machine itself, as they are found there.
constexpr const char* kHostImage = "local:host";

struct Checkpoint {
  std::string s3_uri;
  std::string local_path = kDefaultCheckpointPath;
  // How many generations stay, by tags; see checkpoint::RetentionPolicy.
  std::uint64_t keep = 3;
  std::uint64_t keep_every = 0;  // 0: no others
  std::string keep_best = {};    // as checkpoint::parse_keep_best() reads it; empty: no other
};

struct MetricDefinition {
  std::string name;
  std::string regex;  // RE2 syntax; the first group is the value
};

struct JobSpec {
  JobName name;
  std::string arn;
  std::string role_arn;
  std::string image;                    // kHostImage, or the directory of a root file system
  std::vector<std::string> entrypoint;  // empty: the image's own
  std::vector<std::string> arguments;   // empty: "train", unless an entrypoint is given
  std::map<std::string, std::string> hyperparameters;
  std::map<std::string, std::string> environment;
  std::vector<Channel> channels;
  std::vector<MetricDefinition> metrics;
  std::string output_path;  // s3://bucket/prefix, without a trailing slash
  std::string instance_type;
  int instance_count = 1;
  int volume_gb = 1;
  bool network_isolation = false;
  bool spot = false;
  Duration max_runtime = kDefaultMaxRuntime;
  std::optional<Duration> max_wait;  // given exactly when spot
  std::optional<Checkpoint> checkpoint;
  int max_retries = 0;            // RetryStrategy.MaximumRetryAttempts: for failures of ours, not of the program's
  std::string working_directory;  // tag holdfast:working-directory, for local:host; empty: /opt/ml
  // Tag holdfast:checkpoint-markers: SageMaker's marker files beside checkpoints. Nothing: as the image expects it.
  std::optional<bool> checkpoint_markers;
  std::uint64_t checkpoint_bandwidth =
      0;                      // tag holdfast:checkpoint-bandwidth, in bytes/s: what uploads may take; 0: all
  bool archive_model = true;  // OutputDataConfig.CompressionType GZIP: model.tar.gz; otherwise file by file
};

}  // namespace holdfast::job
