// What an access key may do, decided from its policy alone.
#include "api/access.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::api;
using What = Touches::What;

namespace {

Touches job_named(std::string name) { return {What::jobs, {std::move(name)}}; }

const Policy kAdmin{.admin = true};
const Policy kReader{.read_only = true};
const Policy kTeam{.jobs = "team-a-", .objects = {{"team-a", "", Access::write}, {"data", "public/", Access::read}}};

job::JobSpec spec() {
  job::JobSpec spec;
  spec.name = JobName{"team-a-1"};
  spec.channels = {{"train", "s3://data/public/set", "", "FullyReplicated"}};
  spec.output_path = "s3://team-a/out";
  spec.checkpoint = job::Checkpoint{"s3://team-a/ckpt", "/opt/ml/checkpoints"};
  return spec;
}

}  // namespace

TEST_CASE("an admin may do everything, a reader may change nothing") {
  for (const auto& touches : {Touches{}, Touches{What::nothing}, job_named("x")}) {
    CHECK(allows(kAdmin, Access::write, touches));
    CHECK(allows(kReader, Access::read, touches));
    CHECK_FALSE(allows(kReader, Access::write, touches));
  }
  CHECK(allows_object(kReader, Access::read, "any", "key"));
  CHECK_FALSE(allows_object(kReader, Access::write, "any", "key"));
}

TEST_CASE("a key for a prefix of job names reaches these jobs and nothing common") {
  CHECK(allows(kTeam, Access::write, job_named("team-a-1")));
  CHECK_FALSE(allows(kTeam, Access::read, job_named("team-b-1")));
  CHECK_FALSE(allows(kTeam, Access::read, job_named("team-a")));
  CHECK_FALSE(allows(kTeam, Access::read, {What::jobs, {"team-a-1", "team-b-1"}}));
  CHECK_FALSE(allows(kTeam, Access::read, {What::jobs, {}}));
  CHECK_FALSE(allows(kTeam, Access::read, {What::account}));
  CHECK(allows(kTeam, Access::read, {What::nothing}));
}

TEST_CASE("objects are reached by bucket and prefix, and written only where that is granted") {
  CHECK(allows_object(kTeam, Access::write, "team-a", "x"));
  CHECK(allows_object(kTeam, Access::read, "data", "public/x"));
  CHECK_FALSE(allows_object(kTeam, Access::write, "data", "public/x"));
  CHECK_FALSE(allows_object(kTeam, Access::read, "data", "private/x"));
  CHECK_FALSE(allows_object(kTeam, Access::read, "team-ab", "x"));
  CHECK(allows_bucket(kTeam, "data"));
  CHECK_FALSE(allows_bucket(kTeam, "other"));
}

TEST_CASE("a key reaches through its jobs no more than it reaches itself") {
  CHECK(forbidden_uri(kTeam, spec()).empty());
  auto reads = spec();
  reads.channels.push_back({"secret", "s3://data/private", "", "FullyReplicated"});
  CHECK(forbidden_uri(kTeam, reads) == "s3://data/private");
  auto writes = spec();
  writes.output_path = "s3://data/public";
  CHECK(forbidden_uri(kTeam, writes) == "s3://data/public/team-a-1/");
  auto saves = spec();
  saves.checkpoint->s3_uri = "s3://team-b/ckpt";
  CHECK(forbidden_uri(kTeam, saves) == "s3://team-b/ckpt");
  auto code = spec();
  code.hyperparameters["sagemaker_submit_directory"] = "\"s3://team-b/code.tar.gz\"";
  CHECK(forbidden_uri(kTeam, code) == "s3://team-b/code.tar.gz");
  CHECK(forbidden_uri(kAdmin, code).empty());
  auto lists = spec();
  lists.channels[0].type = job::SourceType::ManifestFile;
  CHECK(forbidden_uri(kTeam, lists) == "s3://data/public/set");
}

TEST_CASE("an attempt reads its channels and its code, and writes its checkpoints and its own output") {
  auto job = spec();
  job.hyperparameters["sagemaker_submit_directory"] = "\"s3://code/sourcedir.tar.gz\"";
  const auto policy = attempt_policy(job);
  CHECK(allows_object(policy, Access::read, "data", "public/set/1"));
  CHECK_FALSE(allows_object(policy, Access::write, "data", "public/set/1"));
  CHECK(allows_object(policy, Access::read, "code", "sourcedir.tar.gz"));
  CHECK(allows_object(policy, Access::write, "team-a", "ckpt/1.pt"));
  CHECK(allows_object(policy, Access::write, "team-a", "out/team-a-1/output/model.tar.gz"));
  CHECK_FALSE(allows_object(policy, Access::read, "team-a", "out/team-a-10/output/model.tar.gz"));
  CHECK_FALSE(allows(policy, Access::read, Touches{What::jobs, {"team-a-1"}}));
}
