// `holdfast run`: a command as a training job, followed on the terminal.
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/text.hpp"

namespace holdfast::cli {

namespace {

Result<void> make_bucket_of(Service& service, const std::string& uri) {
  const auto place = parse_s3_place(uri);
  if (!place) return fail(place.error());
  const auto made = service.create_bucket(place->bucket);
  // Kept elsewhere: whether it is there is found out when the job is created.
  if (!made && made.error().kind == Kind::conflict) return {};
  return made;
}

// Channels given as folders go to S3 first; what is there already is named as it is.
Result<Pairs> inputs_in_s3(const Session& session, const RunOptions& options, const std::string& name) {
  Pairs inputs;
  for (const auto& [channel, source] : options.inputs) {
    if (source.starts_with("s3://")) {
      inputs.emplace_back(channel, source);
      continue;
    }
    const std::string uri = fmt::format("s3://holdfast/input/{}/{}/", name, channel);
    const auto files = upload(session.service, source, uri);
    if (!files) return fail(files.error());
    session.terminal.out << fmt::format("Channel {}: {} files from {} are at {}\n", channel, *files, source, uri);
    inputs.emplace_back(channel, uri);
  }
  return inputs;
}

}  // namespace

Result<int> run(const Session& session, const RunOptions& options) {
  const std::string name = options.name.empty() ? name_for(options.command, session.clock.now()) : options.name;
  for (const std::string& place : {options.output, options.checkpoint}) {
    if (place.empty()) continue;
    if (const auto made = make_bucket_of(session.service, place); !made) return fail(made.error());
  }
  const auto inputs = inputs_in_s3(session, options, name);
  if (!inputs) return fail(inputs.error());
  const auto created = session.service.call("SageMaker.CreateTrainingJob",
                                            training_job_request(options, name, *inputs, session.working_directory));
  if (!created) return fail(created.error(), "creating the training job {}", name);
  session.terminal.out << fmt::format("Training job {}\n", name) << std::flush;
  if (options.detach) return kExitDone;

  Follower follower{session.service, session.terminal, session.pause, name, {}};
  const auto end = follower.follow();
  if (!end) return fail(end.error());
  if (!*end) {
    session.terminal.out << fmt::format(
        "\nThe job goes on. Come back with: holdfast logs -f {0}\nStop it with:        holdfast stop {0}\n", name);
    return kExitDetached;
  }
  session.terminal.out << final_summary(**end) << std::flush;
  return exit_code(**end);
}

}  // namespace holdfast::cli
