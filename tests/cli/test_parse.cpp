#include <doctest/doctest.h>

#include <sstream>

#include "cli/options.hpp"

using namespace holdfast;
using namespace holdfast::cli;

namespace {

struct Parsing {
  int code = 0;
  std::string out, err;
  std::optional<Request> request;
  ConnectionOptions connection;
  std::optional<ServeOptions> serve;
  std::string agent;
  std::optional<CheckHistoryOptions> check_history;
  std::optional<KeysOptions> keys;
  std::optional<BucketsOptions> buckets;
  std::optional<CheckpointsOptions> checkpoints;

  explicit Parsing(std::vector<std::string> arguments) {
    std::ostringstream to_out, to_err;
    const Handlers handlers{[&](const ServeOptions& options) { return serve = options, 0; },
                            [&](const std::string& directory) { return agent = directory, 7; },
                            [&](const ConnectionOptions& options, const Request& asked) {
                              return connection = options, request = asked, 0;
                            },
                            [&](const CheckHistoryOptions& options) { return check_history = options, 1; },
                            [&](const KeysOptions& options) { return keys = options, 0; },
                            [&](const BucketsOptions& options) { return buckets = options, 0; },
                            [&](const ConnectionOptions& options, const CheckpointsOptions& asked) {
                              return connection = options, checkpoints = asked, 0;
                            }};
    code = parse(std::move(arguments), handlers, to_out, to_err);
    out = to_out.str();
    err = to_err.str();
  }
  template <class Options>
  Options as() const {
    REQUIRE(request.has_value());
    return std::get<Options>(*request);
  }
};

}  // namespace

TEST_CASE("run takes its options before the dashes and the command, untouched, after them") {
  const Parsing parsing{{"run",
                         "--spot",
                         "--checkpoint",
                         "s3://b/p",
                         "--max-run",
                         "15m",
                         "--hyperparameter",
                         "epochs=10",
                         "--hyperparameter",
                         "rate=0.1",
                         "--metric",
                         "acc=accuracy=([0-9.]+)",
                         "--input",
                         "train=./data",
                         "--",
                         "python3",
                         "train.py",
                         "--spot",
                         "[a,b]",
                         "",
                         "--"}};
  const auto run = parsing.as<RunOptions>();
  CHECK(run.spot);
  CHECK(run.checkpoint == "s3://b/p");
  CHECK(run.max_run == minutes{15});
  CHECK_FALSE(run.max_wait.has_value());
  CHECK(run.hyperparameters == Pairs{{"epochs", "10"}, {"rate", "0.1"}});
  CHECK(run.metrics == Pairs{{"acc", "accuracy=([0-9.]+)"}});
  CHECK(run.inputs == Pairs{{"train", "./data"}});
  CHECK(run.command == std::vector<std::string>{"python3", "train.py", "--spot", "[a,b]", "", "--"});
}

TEST_CASE("run without a command says how to give one") {
  const Parsing parsing{{"run", "--spot"}};
  CHECK(parsing.code == kExitUsage);
  CHECK(parsing.err.find("-- python3 train.py") != std::string::npos);
  CHECK_FALSE(parsing.request.has_value());
}

TEST_CASE("a wait that is too short, or without spot, is refused before anything is sent") {
  CHECK(Parsing{{"run", "--max-wait", "2h", "--", "x"}}.err.find("--spot") != std::string::npos);
  CHECK(Parsing{{"run", "--spot", "--max-run", "2h", "--max-wait", "1h", "--", "x"}}.code == kExitUsage);
  CHECK(*Parsing{{"run", "--spot", "--max-wait", "1h", "--", "x"}}.as<RunOptions>().max_wait == hours{1});
}

TEST_CASE("a wrong value is named on the error stream") {
  const Parsing duration{{"run", "--max-run", "soon", "--", "x"}};
  CHECK(duration.code == kExitUsage);
  CHECK(duration.err.find("'soon'") != std::string::npos);
  const Parsing pair{{"run", "--env", "NOVALUE", "--", "x"}};
  CHECK(pair.code == kExitUsage);
  CHECK(pair.err.find("NOVALUE") != std::string::npos);
  CHECK(Parsing{{"jobs", "-n", "0"}}.code == kExitUsage);
  CHECK(Parsing{{"frobnicate"}}.code == kExitUsage);
  CHECK(Parsing{{}}.code == kExitUsage);
}

TEST_CASE("only run takes a command") { CHECK(Parsing{{"stop", "a", "--", "b"}}.code == kExitUsage); }

TEST_CASE("the small commands take a job's name, their options and the service's place") {
  const Parsing interrupt{{"interrupt", "train-1", "--notice", "0", "--data", "/d"}};
  CHECK(interrupt.as<InterruptOptions>().job == "train-1");
  CHECK(interrupt.as<InterruptOptions>().notice_seconds == 0);
  CHECK(interrupt.connection.data == "/d");
  CHECK(Parsing{{"interrupt", "train-1"}}.as<InterruptOptions>().notice_seconds == 120);
  CHECK(Parsing{{"logs", "-f", "train-1"}}.as<LogsOptions>().follow);
  CHECK(Parsing{{"describe", "train-1", "--json"}}.as<DescribeOptions>().json);
  CHECK(Parsing{{"cp", "a", "s3://b"}}.as<CopyOptions>().to == "s3://b");
  CHECK(Parsing{{"stop", "train-1", "--endpoint", "http://h:1"}}.connection.endpoint == "http://h:1");
  CHECK(Parsing{{"stop"}}.code == kExitUsage);
}

TEST_CASE("serve and agent go to their mains, whose exit codes count") {
  const Parsing serve{{"serve", "--data", "/d", "--listen", "127.0.0.1:0", "--slots", "3", "--market", "random:7"}};
  REQUIRE(serve.serve.has_value());
  CHECK(serve.serve->data == "/d");
  CHECK(serve.serve->listen == "127.0.0.1:0");
  CHECK(serve.serve->slots == 3);
  CHECK(serve.serve->market == "random:7");
  CHECK(Parsing{{"serve"}}.serve->slots >= 1);
  CHECK(Parsing{{"serve", "--log-level", "loud"}}.code == kExitUsage);
  const Parsing agent{{"agent", "--directory", "/i"}};
  CHECK(agent.agent == "/i");
  CHECK(agent.code == 7);
}

TEST_CASE("every command explains itself with an example, and the agent stays hidden") {
  for (const char* command :
       {"serve", "run", "jobs", "describe", "logs", "interrupt", "stop", "cp", "keys", "buckets", "checkpoints"}) {
    CAPTURE(command);
    const Parsing help{{command, "--help"}};
    CHECK(help.code == kExitDone);
    CHECK(help.out.find(std::string{"Example:\n  holdfast "} + command) != std::string::npos);
  }
  const Parsing help{{"--help"}};
  CHECK(help.code == kExitDone);
  CHECK(help.out.find("interrupt") != std::string::npos);
  CHECK(help.out.find("agent") == std::string::npos);
}

TEST_CASE("check-history needs a data folder and no service") {
  const Parsing parsing{{"check-history", "--data", "elsewhere", "--json"}};
  CHECK(parsing.code == 1);
  REQUIRE(parsing.check_history);
  CHECK(parsing.check_history->data == "elsewhere");
  CHECK(parsing.check_history->json);
  CHECK(!parsing.request);
}

TEST_CASE("keys are given a name and what they may do") {
  const Parsing parsing{{"keys", "add", "team-a", "--jobs", "team-a-", "--s3", "s3://a", "--s3", "s3://b/c",
                         "--s3-read", "s3://d", "--data", "elsewhere"}};
  REQUIRE(parsing.keys);
  CHECK(parsing.keys->action == KeysOptions::Action::add);
  CHECK(parsing.keys->name == "team-a");
  CHECK(parsing.keys->jobs == "team-a-");
  CHECK(parsing.keys->write == std::vector<std::string>{"s3://a", "s3://b/c"});
  CHECK(parsing.keys->read == std::vector<std::string>{"s3://d"});
  CHECK(parsing.keys->data == "elsewhere");
  CHECK(Parsing{{"keys", "remove", "team-a"}}.keys->action == KeysOptions::Action::remove);
  CHECK(Parsing{{"keys", "list"}}.keys->action == KeysOptions::Action::list);
  CHECK(Parsing{{"keys", "add", "x", "--admin", "--read-only"}}.code == kExitUsage);
  CHECK(Parsing{{"keys"}}.code == kExitUsage);
}

TEST_CASE("a bucket is said to be in an S3 or in a directory, not both") {
  const Parsing s3{{"buckets", "add", "team", "--s3", "https://h:1", "--region", "eu-1", "--encryption", "kms",
                    "--kms-key", "k", "--bucket-key", "--data", "/d"}};
  REQUIRE(s3.buckets);
  CHECK(s3.buckets->action == BucketsOptions::Action::add);
  CHECK(s3.buckets->name == "team");
  CHECK(s3.buckets->s3 == "https://h:1");
  CHECK(s3.buckets->kms_key == "k");
  CHECK(s3.buckets->bucket_key == true);
  const Parsing more{{"buckets", "add", "team", "--s3", "aws", "--bucket-key=false", "--connections", "32", "--memory",
                      "256", "--part-size", "16"}};
  REQUIRE(more.buckets);
  CHECK(more.buckets->bucket_key == false);
  CHECK(more.buckets->connections == 32);
  CHECK(more.buckets->memory_mib == 256);
  CHECK(more.buckets->part_size_mib == 16);
  CHECK_FALSE(Parsing{{"buckets", "add", "team", "--s3", "aws"}}.buckets->bucket_key);
  for (const auto& [option, value] : {std::pair{"--connections", "257"}, std::pair{"--memory", "15"},
                                      std::pair{"--part-size", "4"}, std::pair{"--part-size", "x"}})
    CHECK(Parsing{{"buckets", "add", "team", "--s3", "aws", option, value}}.code == kExitUsage);
  CHECK(s3.buckets->data == "/d");
  CHECK(Parsing{{"buckets", "add", "*", "--directory", "/mnt"}}.buckets->directory == "/mnt");
  CHECK(Parsing{{"buckets", "list"}}.buckets->action == BucketsOptions::Action::list);
  CHECK(Parsing{{"buckets", "remove", "team"}}.buckets->name == "team");
  CHECK(Parsing{{"buckets", "add", "team", "--s3", "aws", "--directory", "/mnt"}}.code == kExitUsage);
  CHECK(Parsing{{"buckets", "add", "team", "--directory", "/mnt", "--encryption", "s3"}}.code == kExitUsage);
  CHECK(Parsing{{"buckets", "add", "team", "--s3", "aws", "--encryption", "none"}}.code == kExitUsage);
  CHECK(Parsing{{"buckets"}}.code == kExitUsage);
}

TEST_CASE("checkpoints are listed, verified, exported and pruned, of a job or of a place") {
  using Action = CheckpointsOptions::Action;
  const Parsing list{{"checkpoints", "train-1", "--data", "/d", "--json"}};
  REQUIRE(list.checkpoints);
  CHECK(list.checkpoints->action == Action::list);
  CHECK(list.checkpoints->what == "train-1");
  CHECK(list.checkpoints->json);
  CHECK(list.connection.data == "/d");
  const Parsing verify{{"checkpoints", "verify", "s3://b/p", "3.7", "--quarantine", "--data", "/d"}};
  REQUIRE(verify.checkpoints);
  CHECK(verify.checkpoints->action == Action::verify);
  CHECK(verify.checkpoints->what == "s3://b/p");
  CHECK(verify.checkpoints->generation == "3.7");
  CHECK(verify.checkpoints->quarantine);
  CHECK(verify.connection.data == "/d");
  const Parsing exported{{"checkpoints", "export", "train-1", "out"}};
  REQUIRE(exported.checkpoints);
  CHECK(exported.checkpoints->directory == "out");
  CHECK(exported.checkpoints->generation.empty());
  const Parsing prune{{"checkpoints", "prune", "train-1", "--keep", "5", "--every", "10", "--best", "a:b:max",
                       "--dry-run", "--price", "0.01"}};
  REQUIRE(prune.checkpoints);
  CHECK(prune.checkpoints->keep == 5);
  CHECK(prune.checkpoints->every == 10);
  CHECK(prune.checkpoints->best == "a:b:max");
  CHECK(prune.checkpoints->dry_run);
  CHECK_FALSE(prune.checkpoints->ended);
  CHECK(Parsing{{"checkpoints", "prune", "s3://b/p", "--ended"}}.checkpoints->ended);
  CHECK(prune.checkpoints->price == 0.01);
  CHECK(Parsing{{"checkpoints", "prune", "train-1", "--keep", "1"}}.code == kExitUsage);
  CHECK(Parsing{{"checkpoints", "prune", "train-1", "--best", "loss"}}.code == kExitUsage);
  CHECK(Parsing{{"checkpoints", "train-1", "verify", "train-2"}}.code == kExitUsage);
  CHECK(Parsing{{"checkpoints", "verify", "train-1", "1.1", "train-2"}}.code == kExitUsage);
  CHECK(Parsing{{"checkpoints", "verify"}}.code == kExitUsage);
}

TEST_CASE("run says how checkpoints are uploaded") {
  const Parsing parsing{{"run", "--checkpoint-bandwidth", "12.5", "--checkpoint-markers", "off", "--", "x"}};
  CHECK(parsing.as<RunOptions>().checkpoint_bandwidth == "12.5");
  CHECK(parsing.as<RunOptions>().checkpoint_markers == "off");
  CHECK(Parsing{{"run", "--", "x"}}.as<RunOptions>().checkpoint_bandwidth.empty());
  CHECK(Parsing{{"run", "--checkpoint-bandwidth", "0", "--", "x"}}.code == kExitUsage);
  CHECK(Parsing{{"run", "--checkpoint-bandwidth", "fast", "--", "x"}}.code == kExitUsage);
  CHECK(Parsing{{"run", "--checkpoint-markers", "yes", "--", "x"}}.code == kExitUsage);
}

TEST_CASE("run says how many checkpoints stay") {
  const Parsing parsing{{"run", "--keep", "5", "--keep-every", "10", "--keep-best", "loss:min", "--", "x"}};
  CHECK(parsing.as<RunOptions>().keep == 5);
  CHECK(parsing.as<RunOptions>().keep_every == 10);
  CHECK(parsing.as<RunOptions>().keep_best == "loss:min");
  CHECK(Parsing{{"run", "--keep", "1", "--", "x"}}.code == kExitUsage);
}
