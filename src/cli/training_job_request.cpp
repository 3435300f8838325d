// `run`'s options in the words of CreateTrainingJob.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"

namespace holdfast::cli {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxEntrypoint = 10;  // ContainerEntrypoint's limit; what is longer goes on in the arguments
constexpr std::size_t kMaxBaseName = 40;    // of TrainingJobName's 63, the rest is the time
constexpr const char* kRole = "arn:aws:iam::000000000000:role/holdfast";

json as_object(const Pairs& pairs) {
  json object = json::object();
  for (const auto& [name, value] : pairs) object[name] = value;
  return object;
}

bool is_interpreter(const std::string& program) {
  return program.starts_with("python") || program == "bash" || program == "sh" || program == "env";
}

// Only what a TrainingJobName may hold: letters and digits, single hyphens between them.
std::string name_part(const std::string& text) {
  std::string name;
  for (const char c : text.substr(0, kMaxBaseName)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "job" : name;
}

}  // namespace

std::string name_for(const std::vector<std::string>& command, Instant now) {
  std::filesystem::path program = command.front();
  if (is_interpreter(program.filename())) {
    const auto script = std::find_if(command.begin() + 1, command.end(), [](const std::string& word) {
      return !word.starts_with('-') && word.find('=') == std::string::npos && word.find(' ') == std::string::npos;
    });
    if (script != command.end()) program = *script;
  }
  std::string time;  // 20261123-093506-123
  for (const char c : to_iso8601(now)) {
    if (c >= '0' && c <= '9') time += c;
  }
  time.insert(14, "-").insert(8, "-");
  return name_part(program.stem()) + "-" + time;
}

json training_job_request(const RunOptions& options, const std::string& name, const Pairs& inputs,
                          const std::string& working_directory) {
  const auto in_seconds = [](Duration duration) { return std::chrono::duration_cast<seconds>(duration).count(); };
  const auto middle =
      options.command.begin() + static_cast<std::ptrdiff_t>(std::min(options.command.size(), kMaxEntrypoint));
  json algorithm{{"TrainingImage", options.image},
                 {"TrainingInputMode", "File"},
                 {"ContainerEntrypoint", std::vector<std::string>{options.command.begin(), middle}}};
  if (middle != options.command.end())
    algorithm["ContainerArguments"] = std::vector<std::string>{middle, options.command.end()};
  for (const auto& [metric, regex] : options.metrics)
    algorithm["MetricDefinitions"].push_back({{"Name", metric}, {"Regex", regex}});

  json request{
      {"TrainingJobName", name},
      {"AlgorithmSpecification", std::move(algorithm)},
      {"RoleArn", kRole},
      {"OutputDataConfig", {{"S3OutputPath", options.output}}},
      {"ResourceConfig", {{"InstanceType", options.instance_type}, {"InstanceCount", 1}, {"VolumeSizeInGB", 30}}},
      {"StoppingCondition", {{"MaxRuntimeInSeconds", in_seconds(options.max_run)}}},
      {"EnableManagedSpotTraining", options.spot}};
  if (options.spot)
    request["StoppingCondition"]["MaxWaitTimeInSeconds"] = in_seconds(options.max_wait.value_or(2 * options.max_run));
  if (!options.checkpoint.empty()) request["CheckpointConfig"] = {{"S3Uri", options.checkpoint}};
  if (!options.hyperparameters.empty()) request["HyperParameters"] = as_object(options.hyperparameters);
  if (!options.environment.empty()) request["Environment"] = as_object(options.environment);
  for (const auto& [channel, uri] : inputs)
    request["InputDataConfig"].push_back(
        {{"ChannelName", channel},
         {"DataSource",
          {{"S3DataSource",
            {{"S3DataType", "S3Prefix"}, {"S3Uri", uri}, {"S3DataDistributionType", "FullyReplicated"}}}}}});
  const auto tag = [&](const char* key, std::string value) {
    request["Tags"].push_back({{"Key", key}, {"Value", std::move(value)}});
  };
  if (options.image == "local:host") tag("holdfast:working-directory", working_directory);
  if (options.keep > 0) tag("holdfast:checkpoint-keep", std::to_string(options.keep));
  if (options.keep_every > 0) tag("holdfast:checkpoint-keep-every", std::to_string(options.keep_every));
  if (!options.keep_best.empty()) tag("holdfast:checkpoint-keep-best", options.keep_best);
  if (!options.checkpoint_markers.empty()) tag("holdfast:checkpoint-markers", options.checkpoint_markers);
  if (!options.checkpoint_bandwidth.empty()) tag("holdfast:checkpoint-bandwidth", options.checkpoint_bandwidth);
  return request;
}

}  // namespace holdfast::cli
