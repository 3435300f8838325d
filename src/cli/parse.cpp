// The options of every command. CLI11's header is heavy: it is included in parse*.cpp and nowhere else.
#include <algorithm>
#include <optional>
#include <thread>

#include "cli/options.hpp"
#include "cli/parse_parts.hpp"
#include "cli/text.hpp"

namespace holdfast::cli {

namespace {

using Words = std::vector<std::string>;

// What run's options are before they are looked at.
struct RawRun {
  Words inputs, hyperparameters, environment, metrics;
  std::string max_run = "1h";
  std::string max_wait;
};

struct Parsed {
  ServeOptions serve;
  std::string agent_directory;
  ConnectionOptions connection;
  RunOptions run;
  RawRun raw_run;
  JobsOptions jobs;
  DescribeOptions describe;
  LogsOptions logs;
  InterruptOptions interrupt;
  StopOptions stop;
  CopyOptions copy;
  CheckHistoryOptions check_history;
  KeysOptions keys;
  BucketsOptions buckets;
  CheckpointsOptions checkpoints;
};

CLI::Validator is_duration() {
  return {[](std::string& text) {
            const auto parsed = parse_duration(text);
            return parsed ? std::string{} : parsed.error().message;
          },
          ""};
}
CLI::Validator is_pair() {
  return {[](std::string& text) {
            const auto parsed = parse_pair(text);
            return parsed ? std::string{} : parsed.error().message;
          },
          ""};
}

CLI::Option* add_pairs(CLI::App* app, const char* name, Words& words, const char* form, const char* help) {
  // One value each, or an option would swallow the words after it.
  return app->add_option(name, words, help)->allow_extra_args(false)->check(is_pair())->type_name(form);
}

void add_job(CLI::App* command, std::string& job) {
  command->add_option("job", job, "The job's name, as `holdfast jobs` shows it")->required()->type_name("JOB");
}

void add_serve(CLI::App& app, ServeOptions& options) {
  CLI::App* serve = add_command(app, "serve", "Start the service; Ctrl-C ends it, and the training goes on",
                                "holdfast serve --data ./holdfast-data --listen 127.0.0.1:8740");
  options.slots = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  serve->add_option("--data", options.data, "Everything it keeps; made when missing")
      ->envname("HOLDFAST_DATA")
      ->capture_default_str()
      ->type_name("DIR");
  serve->add_option("--listen", options.listen, "Address and port; port 0 takes a free one")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  serve->add_option("--slots", options.slots, "How many instances this machine may be at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
  serve->add_option("--market", options.market, "When spot capacity exists: open, random:SEED or trace:FILE")
      ->capture_default_str()
      ->type_name("MARKET");
  serve->add_option("--prices", options.prices, "A file of instance types and their prices")->type_name("FILE");
  serve->add_option("--region", options.region, "The region that it is, in ARNs and signatures")
      ->capture_default_str()
      ->type_name("NAME");
  serve
      ->add_option("--events-to", options.events_to, "A URL that is told of each change of a job's status (repeatable)")
      ->envname("HOLDFAST_EVENTS_TO")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("URL");
  serve->add_option("--s3-domain", options.s3_domain, "A bucket may be the first part of the host: BUCKET.DOMAIN")
      ->capture_default_str()
      ->type_name("DOMAIN");
  serve
      ->add_option("--stall-timeout", options.stall_timeout_seconds,
                   "A connection is closed when no byte of a body moves for so long")
      ->capture_default_str()
      ->check(CLI::Range(1, 3600))
      ->type_name("SECONDS");
  serve->add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->type_name("LEVEL");
}

void add_run(CLI::App& app, RunOptions& options, RawRun& raw, ConnectionOptions& connection) {
  CLI::App* run =
      add_command(app, "run", "Run a command as a training job and follow it: holdfast run [OPTIONS] -- COMMAND",
                  "holdfast run --spot --checkpoint s3://holdfast/ckpt --input training=./data \\\n"
                  "    --hyperparameter epochs=10 --metric 'accuracy=accuracy=([0-9.]+)' -- python3 train.py\n\n"
                  "The program finds its data in /opt/ml/input/data/NAME, saves into /opt/ml/checkpoints\n"
                  "and leaves its model in /opt/ml/model. Ctrl-C leaves the job running.\n"
                  "Exit code: 0 Completed, 1 Failed, 2 wrong usage, 3 Stopped, 4 no answer, 130 Ctrl-C.");
  run->add_flag("--spot", options.spot, "On capacity that may be taken away, at its lower price");
  run->add_option("--name", options.name, "The job's name; otherwise made from the command and the time")
      ->type_name("NAME");
  run->add_option("--checkpoint", options.checkpoint,
                  "Where /opt/ml/checkpoints is kept; the bucket is made if missing")
      ->type_name("S3URI");
  run->add_option("--keep", options.keep, "How many checkpoints to keep, from 2 on (default: 3)")
      ->check(CLI::Range(2, 1000))
      ->type_name("N");
  run->add_option("--keep-every", options.keep_every, "Keep each Nth checkpoint for good, too")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  run->add_option("--keep-best", options.keep_best, "Keep the checkpoint with the best value of a --metric, too")
      ->check(is_best())
      ->type_name("METRIC:min|max");
  run->add_option("--checkpoint-bandwidth", options.checkpoint_bandwidth,
                  "What uploads of checkpoints may take, until a notice comes (default: all there is)")
      ->check(CLI::Range(0.1, 1e6))
      ->type_name("MB/S");
  run->add_option("--checkpoint-markers", options.checkpoint_markers,
                  "SageMaker's marker files beside checkpoints (default: on, but for local:host)")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  add_pairs(run, "--input", raw.inputs, "NAME=S3URI|DIR", "An input channel; a folder is uploaded first (repeatable)");
  run->add_option("--output", options.output, "Below it: JOB/output/model.tar.gz")
      ->capture_default_str()
      ->type_name("S3URI");
  run->add_option("--max-run", raw.max_run, "The longest time of training")
      ->capture_default_str()
      ->check(is_duration())
      ->type_name("TIME");
  run->add_option("--max-wait", raw.max_wait,
                  "With --spot: of training and waiting together (default: twice --max-run)")
      ->check(is_duration())
      ->type_name("TIME");
  run->add_option("--instance-type", options.instance_type, "What a slot is called and costs")
      ->capture_default_str()
      ->type_name("TYPE");
  add_pairs(run, "--hyperparameter", raw.hyperparameters, "KEY=VALUE",
            "In /opt/ml/input/config/hyperparameters.json (repeatable)");
  add_pairs(run, "--env", raw.environment, "KEY=VALUE", "A variable of the program's environment (repeatable)");
  add_pairs(run, "--metric", raw.metrics, "NAME=REGEX", "A metric: the regex's first group, in the log (repeatable)");
  run->add_option("--image", options.image, "local:host is this machine's software; or a root folder")
      ->capture_default_str()
      ->type_name("IMAGE");
  run->add_flag("--detach", options.detach, "Create the job, print its name, and do not follow it");
  add_connection(run, connection);
}

void add_rest(CLI::App& app, Parsed& parsed) {
  CLI::App* jobs = add_command(app, "jobs", "List the newest jobs", "holdfast jobs -n 5");
  jobs->add_option("-n", parsed.jobs.most, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  CLI::App* describe = add_command(app, "describe", "Show one job: statuses, attempts, where its time went",
                                   "holdfast describe train-20261123-093506-123");
  add_job(describe, parsed.describe.job);
  describe->add_flag("--json", parsed.describe.json, "DescribeTrainingJob's answer as it is");
  CLI::App* logs = add_command(app, "logs", "Show what the program printed, over all its attempts",
                               "holdfast logs -f train-20261123-093506-123");
  add_job(logs, parsed.logs.job);
  logs->add_flag("-f,--follow", parsed.logs.follow, "Go on until the job is over");
  CLI::App* interrupt = add_command(app, "interrupt", "Take the job's instance away, as a spot market would",
                                    "holdfast interrupt train-20261123-093506-123 --notice 0");
  add_job(interrupt, parsed.interrupt.job);
  interrupt
      ->add_option("--notice", parsed.interrupt.notice_seconds,
                   "Seconds of warning: 120 (AWS), 30 (GCP, Azure), 0 (none)")
      ->capture_default_str()
      ->check(CLI::Range(0, 3600))
      ->type_name("SECONDS");
  CLI::App* stop = add_command(app, "stop", "Stop a job: SIGTERM, 120 s of grace, its model is kept",
                               "holdfast stop train-20261123-093506-123");
  add_job(stop, parsed.stop.job);
  CLI::App* cp =
      add_command(app, "cp", "Upload a file or a folder, the bucket is made if missing; or download an object",
                  "holdfast cp ./data s3://holdfast/data\n"
                  "  holdfast cp s3://holdfast/output/JOB/output/model.tar.gz .");
  cp->add_option("from", parsed.copy.from, "A file, a folder, or an object's s3://bucket/key")
      ->required()
      ->type_name("FROM");
  cp->add_option("to", parsed.copy.to, "s3://bucket/prefix; or a file or a folder")->required()->type_name("TO");
  for (CLI::App* command : {jobs, describe, logs, interrupt, stop, cp}) add_connection(command, parsed.connection);
}

void add_check_history(CLI::App& app, CheckHistoryOptions& options) {
  CLI::App* check =
      add_command(app, "check-history", "Look whether every promise was kept in all that this service ever did",
                  "holdfast check-history --data ./holdfast-data\n\n"
                  "Reads the database and the checkpoints, whether the service runs or not, and changes nothing.\n"
                  "Exit code: 0 all held, 1 one was broken, 2 the history cannot be read.");
  check->add_option("--data", options.data, "The service's data folder")
      ->envname("HOLDFAST_DATA")
      ->capture_default_str()
      ->type_name("DIR");
  check->add_flag("--json", options.json, "The same for programs");
}

Pairs as_pairs(const Words& words) {
  Pairs pairs;
  for (const std::string& word : words) pairs.push_back(*parse_pair(word));
  return pairs;
}

// What CLI11 cannot check option by option.
Result<void> finish(RunOptions& run, const RawRun& raw, Words command) {
  if (command.empty())
    return fail(Kind::invalid, "run needs a command after `--`: holdfast run --spot -- python3 train.py");
  run.command = std::move(command);
  run.inputs = as_pairs(raw.inputs);
  run.hyperparameters = as_pairs(raw.hyperparameters);
  run.environment = as_pairs(raw.environment);
  run.metrics = as_pairs(raw.metrics);
  run.max_run = *parse_duration(raw.max_run);
  if (raw.max_wait.empty()) return {};
  if (!run.spot) return fail(Kind::invalid, "--max-wait is for spot jobs: say --spot too");
  run.max_wait = *parse_duration(raw.max_wait);
  if (*run.max_wait < run.max_run) return fail(Kind::invalid, "--max-wait must not be less than --max-run");
  return {};
}

std::optional<Request> chosen(const CLI::App& app, const Parsed& parsed) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (name == "run") return parsed.run;
  if (name == "jobs") return parsed.jobs;
  if (name == "describe") return parsed.describe;
  if (name == "logs") return parsed.logs;
  if (name == "interrupt") return parsed.interrupt;
  if (name == "stop") return parsed.stop;
  if (name == "cp") return parsed.copy;
  return std::nullopt;
}

}  // namespace

Result<std::pair<std::string, std::string>> parse_pair(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return fail(Kind::invalid, "'{}' is not of the form NAME=VALUE", text);
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

int parse(std::vector<std::string> arguments, const Handlers& handlers, std::ostream& out, std::ostream& err) {
  // The user's command is not ours to read: it is cut off before CLI11 sees it.
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  Words command;
  if (dashes != arguments.end()) command.assign(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());

  Parsed parsed;
  CLI::App app{"Holdfast: SageMaker's managed spot training on your own machines.", "holdfast"};
  app.require_subcommand(1);
  app.footer("holdfast COMMAND --help says more. Start with `holdfast serve`.");
  add_serve(app, parsed.serve);
  add_run(app, parsed.run, parsed.raw_run, parsed.connection);
  add_rest(app, parsed);
  add_check_history(app, parsed.check_history);
  add_keys(app, parsed.keys);
  add_buckets(app, parsed.buckets);
  add_checkpoints(app, parsed.checkpoints, parsed.connection);
  CLI::App* agent = app.add_subcommand("agent", "")->group("");
  agent->add_option("--directory", parsed.agent_directory)->required();
  CLI::App* fast_files = app.add_subcommand("fast-files", "")->group("");
  fast_files->add_option("--directory", parsed.agent_directory)->required();

  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? kExitDone : kExitUsage;
  }
  if (agent->parsed()) return handlers.agent(parsed.agent_directory);
  if (fast_files->parsed()) return handlers.fast_files(parsed.agent_directory);
  if (app.got_subcommand("serve")) return handlers.serve(parsed.serve);
  if (app.got_subcommand("check-history")) return handlers.check_history(parsed.check_history);
  if (app.got_subcommand("keys")) return handlers.keys(parsed.keys);
  if (app.got_subcommand("buckets")) return handlers.buckets(parsed.buckets);
  if (app.got_subcommand("checkpoints")) return handlers.checkpoints(parsed.connection, parsed.checkpoints);
  if (app.got_subcommand("run")) {
    if (const auto fine = finish(parsed.run, parsed.raw_run, std::move(command)); !fine) {
      err << "holdfast: " << fine.error().message << '\n';
      return kExitUsage;
    }
  } else if (!command.empty()) {
    err << "holdfast: only `run` takes a command after `--`\n";
    return kExitUsage;
  }
  return handlers.perform(parsed.connection, *chosen(app, parsed));
}

}  // namespace holdfast::cli
