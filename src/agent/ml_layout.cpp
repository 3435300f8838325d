#include "agent/ml_layout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "base/utf8.hpp"

namespace holdfast::agent {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kMl = "/opt/ml";
constexpr const char* kInstanceGroup = "homogeneousCluster";
constexpr const char* kNetworkInterface = "eth0";

// Ours in what SageMaker keeps for itself, or what no machine can do without.
constexpr std::array kReservedTrees{"/opt/ml/input", "/opt/ml/model", "/opt/ml/output", "/opt/ml/code", "/proc", "/sys",
                                    "/dev",          "/etc",          "/usr",           "/bin",         "/sbin", "/lib",
                                    "/lib32",        "/lib64",        "/libx32",        "/run"};
constexpr std::array kReservedPlaces{"/", "/opt", "/opt/ml", "/tmp", "/var", "/root", "/home"};

bool is_or_is_below(const fs::path& path, const fs::path& directory) {
  const auto relative = path.lexically_relative(directory);
  return !relative.empty() && *relative.begin() != "..";
}

// "/opt/ml/checkpoints/" and "/opt/ml//checkpoints" mean what they seem to.
fs::path normal(const std::string& local_path) {
  const auto path = fs::path{local_path}.lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json input_data_config(const job::JobSpec& spec) {
  auto channels = json::object();
  for (const auto& channel : spec.channels) {
    json& entry = channels[channel.name];
    entry = {{"TrainingInputMode", job::to_string(channel.mode)},
             {"S3DistributionType", channel.distribution},
             {"RecordWrapperType", channel.record_io ? "RecordIO" : "None"}};
    if (!channel.content_type.empty()) entry["ContentType"] = channel.content_type;
  }
  return channels;
}

json resource_config(const job::JobSpec& spec) {
  const auto hosts = json::array({kHostName});
  const json group{{"instance_group_name", kInstanceGroup}, {"instance_type", spec.instance_type}, {"hosts", hosts}};
  return {{"current_host", kHostName},
          {"current_instance_type", spec.instance_type},
          {"current_group_name", kInstanceGroup},
          {"hosts", hosts},
          {"instance_groups", json::array({group})},
          {"network_interface_name", kNetworkInterface}};
}

Result<void> write_configuration(const job::JobSpec& spec, const fs::path& config) {
  std::map<std::string, json> files{{"hyperparameters.json", json(spec.hyperparameters)},
                                    {"inputdataconfig.json", input_data_config(spec)},
                                    {"resourceconfig.json", resource_config(spec)}};
  if (spec.checkpoint) files["checkpointconfig.json"] = {{"LocalPath", spec.checkpoint->local_path}};
  for (const auto& [name, content] : files) {
    if (auto written = write_file_atomically(config / name, dump(content)); !written) return written;
  }
  return {};
}

// How SageMaker's toolkit reads a hyperparameter: as JSON if it is any, else as the text that it is.
json decoded(const std::string& value) {
  auto parsed = json::parse(value, nullptr, false);
  return parsed.is_discarded() ? json(value) : parsed;
}

// And how it puts one into a variable: a text without its quotes; a number as it was written.
std::string as_variable(const std::string& value) {
  const auto parsed = decoded(value);
  if (parsed.is_string()) return parsed.get<std::string>();
  if (parsed.is_null()) return "";
  return parsed.is_structured() ? dump(parsed) : value;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

bool is_for_the_platform(const std::string& hyperparameter) {
  return hyperparameter.starts_with("sagemaker_") || hyperparameter == "_tuning_objective_metric";
}

// The variables that SageMaker's training toolkit sets inside its images, for scripts that run without it.
void add_toolkit_variables(std::map<std::string, std::string>& variables, const job::JobSpec& spec,
                           const InstanceFacts& facts) {
  auto hyperparameters = json::object();
  auto arguments = json::array();
  for (const auto& [name, value] : spec.hyperparameters) {
    if (is_for_the_platform(name)) continue;
    hyperparameters[name] = decoded(value);
    variables["SM_HP_" + upper(name)] = as_variable(value);
    arguments.push_back("--" + name);
    arguments.push_back(as_variable(value));
  }
  std::set<std::string> channels;
  for (const auto& channel : spec.channels) {
    channels.insert(channel.name);
    variables["SM_CHANNEL_" + upper(channel.name)] = "/opt/ml/input/data/" + channel.name;
  }
  variables["SM_HPS"] = dump(hyperparameters);
  variables["SM_USER_ARGS"] = dump(arguments);
  variables["SM_CHANNELS"] = dump(channels);
  variables["SM_INPUT_DATA_CONFIG"] = dump(input_data_config(spec));
  variables["SM_RESOURCE_CONFIG"] = dump(resource_config(spec));
  variables["SM_HOSTS"] = dump(json::array({kHostName}));
  variables["SM_CURRENT_HOST"] = kHostName;
  variables["SM_CURRENT_INSTANCE_TYPE"] = spec.instance_type;
  variables["SM_CURRENT_INSTANCE_GROUP"] = kInstanceGroup;
  variables["SM_NETWORK_INTERFACE_NAME"] = kNetworkInterface;
  variables["SM_NUM_CPUS"] = std::to_string(facts.cpus);
  variables["SM_NUM_GPUS"] = std::to_string(facts.gpus);
  variables["SM_MODEL_DIR"] = "/opt/ml/model";
  variables["SM_MODULE_DIR"] = "/opt/ml/code";
  variables["SM_INPUT_DIR"] = "/opt/ml/input";
  variables["SM_INPUT_CONFIG_DIR"] = "/opt/ml/input/config";
  variables["SM_OUTPUT_DIR"] = "/opt/ml/output";
  variables["SM_OUTPUT_DATA_DIR"] = "/opt/ml/output/data";
  variables["SM_OUTPUT_INTERMEDIATE_DIR"] = "/opt/ml/output/intermediate";
  variables["SM_LOG_LEVEL"] = "20";
}

std::string first_characters(std::string_view text, std::size_t limit) {
  std::string kept;
  for (std::size_t count = 0; count < limit && !text.empty(); ++count) {
    const auto length = utf8_length(text);
    kept += length == 0 ? "\xEF\xBF\xBD" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return kept;
}

}  // namespace

Result<void> check_local_path(const std::string& local_path) {
  const auto refuse = [&](std::string_view why) {
    return fail(Kind::invalid, "CheckpointConfig.LocalPath '{}' {}", local_path, why);
  };
  const fs::path path = local_path;
  if (!path.is_absolute()) return refuse("is not an absolute path");
  if (local_path.find('\0') != std::string::npos) return refuse("contains a zero byte");
  if (std::ranges::find(path, fs::path{".."}) != path.end()) return refuse("must not contain '..'");
  const auto place = normal(local_path);
  const auto holds = [&](const char* tree) { return is_or_is_below(place, tree); };
  if (std::ranges::any_of(kReservedTrees, holds) ||
      std::ranges::any_of(kReservedPlaces, [&](const char* reserved) { return place == reserved; })) {
    return refuse("is reserved; the usual path is /opt/ml/checkpoints");
  }
  return {};
}

Result<MlLayout> lay_out(const job::JobSpec& spec, const fs::path& directory) {
  MlLayout layout;
  layout.ml = directory / "ml";
  layout.data = layout.ml / "input/data";
  layout.model = layout.ml / "model";
  layout.output_data = layout.ml / "output/data";
  layout.failure = layout.ml / "output/failure";
  layout.notice = layout.ml / fs::path{kNoticeFile}.lexically_relative(kMl);
  layout.mounts.push_back({layout.ml, kMl, true});

  if (spec.checkpoint) {
    if (auto checked = check_local_path(spec.checkpoint->local_path); !checked) return fail(checked.error());
    const auto place = normal(spec.checkpoint->local_path);
    if (is_or_is_below(place, kMl)) {
      layout.checkpoints = layout.ml / place.lexically_relative(kMl);
    } else {
      layout.checkpoints = directory / "checkpoints";
      layout.mounts.push_back({*layout.checkpoints, place, true});
    }
  }

  std::vector<fs::path> wanted{layout.data, layout.model, layout.output_data, layout.ml / "code",
                               layout.notice.parent_path()};
  if (layout.checkpoints) wanted.push_back(*layout.checkpoints);
  for (const auto& channel : spec.channels) {
    // SageMaker's own pattern for the name allows "..".
    if (channel.name.empty() || channel.name == "." || channel.name == ".." ||
        channel.name.find('/') != std::string::npos) {
      return fail(Kind::invalid, "channel name '{}' cannot be a directory's", channel.name);
    }
    if (channel.mode == job::InputMode::Pipe) continue;
    wanted.push_back(layout.data / channel.name);
    // Whether it is shown from elsewhere or is a copy: it cannot be written.
    if (channel.mode == job::InputMode::FastFile) {
      layout.mounts.push_back({wanted.back(), fmt::format("{}/input/data/{}", kMl, channel.name), false});
    }
  }
  for (const auto& path : wanted) {
    if (auto made = make_directories(path); !made) return fail(made.error());
  }
  if (auto written = write_configuration(spec, layout.notice.parent_path()); !written) return fail(written.error());
  return layout;
}

// Not beside credentials of the user's own, which are for another place; nor where the network cannot be reached.
void add_s3_access(std::map<std::string, std::string>& variables, const job::JobSpec& spec, const S3Access& s3) {
  constexpr const char* kTheUsersOwn[] = {"AWS_ACCESS_KEY_ID",           "AWS_PROFILE",
                                          "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
                                          "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL"};
  const bool own = std::any_of(std::begin(kTheUsersOwn), std::end(kTheUsersOwn),
                               [&](const char* name) { return spec.environment.contains(name); });
  if (own || spec.network_isolation) return;
  variables["AWS_ACCESS_KEY_ID"] = s3.access_key;
  variables["AWS_SECRET_ACCESS_KEY"] = s3.secret;
  variables["AWS_ENDPOINT_URL"] = s3.endpoint;  // newer SDKs
  variables["S3_ENDPOINT_URL"] = s3.endpoint;   // SageMaker's training toolkit
}

std::map<std::string, std::string> program_environment(const job::JobSpec& spec, const InstanceFacts& facts) {
  std::map<std::string, std::string> variables;
  add_toolkit_variables(variables, spec, facts);
  variables["AWS_REGION"] = facts.region;
  variables["AWS_DEFAULT_REGION"] = facts.region;
  if (facts.s3) add_s3_access(variables, spec, *facts.s3);
  variables["CURRENT_HOST"] = kHostName;
  variables["HOLDFAST_NOTICE_FILE"] = kNoticeFile;
  // As SageMaker's images do: or Python keeps the lines, and the metrics in them, until its buffer is full.
  variables["PYTHONUNBUFFERED"] = "1";
  for (const auto& [name, value] : spec.environment) variables[name] = value;
  variables["TRAINING_JOB_NAME"] = spec.name.value;
  variables["TRAINING_JOB_ARN"] = spec.arn;
  return variables;
}

Result<std::vector<std::string>> program_command(const job::JobSpec& spec) {
  if (!spec.entrypoint.empty()) {
    auto command = spec.entrypoint;
    command.insert(command.end(), spec.arguments.begin(), spec.arguments.end());
    return command;
  }
  if (spec.image == job::kHostImage) {
    return fail(Kind::invalid,
                "image 'local:host' has no program of its own: give AlgorithmSpecification.ContainerEntrypoint, for "
                "example [\"python3\", \"/path/to/train.py\"]");
  }
  // A directory has no entrypoint that arguments could be for, so they are the command.
  if (!spec.arguments.empty()) return spec.arguments;
  return std::vector<std::string>{"train"};
}

std::string read_failure(const MlLayout& layout) {
  // The program owns this tree and may have put a link or a pipe there; what it did not write itself is none of ours.
  const Fd ml{::open(layout.ml.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const Fd output{::openat(ml.get(), "output", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  const Fd file{::openat(output.get(), "failure", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat info = {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  std::string text(kMaxFailureCharacters * 4, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t n = ::read(file.get(), text.data() + length, text.size() - length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    length += static_cast<std::size_t>(n);
  }
  text.resize(length);
  return first_characters(text, kMaxFailureCharacters);
}

Result<void> write_notice(const MlLayout& layout, Instant deadline, const std::string& reason) {
  const json notice{{"deadline", to_iso8601(deadline)}, {"deadline_epoch_ms", to_ms(deadline)}, {"reason", reason}};
  return write_file_atomically(layout.notice, dump(notice));
}

}  // namespace holdfast::agent
