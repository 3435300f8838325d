// The file of access keys, and who a signature belongs to.
#include "api/keys.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "api/authority.hpp"
#include "api/service_world.hpp"
#include "base/file.hpp"

using namespace holdfast;
using namespace holdfast::api;
using namespace holdfast::testing;

namespace {

Key team_key() {
  return {"team-a", {"HFAKTEAMA", "team-secret", ""}, {.jobs = "team-a-", .objects = {{"bkt", "", Access::write}}}};
}

Result<void> add(std::vector<Key>& keys) {
  keys.push_back(team_key());
  return {};
}

}  // namespace

TEST_CASE("keys come back as they were written") {
  const std::vector<Key> keys = {team_key(),
                                 {"boss", {"HFAKBOSS", "b", ""}, {.admin = true}},
                                 {"eyes", {"HFAKEYES", "e", ""}, {.read_only = true}}};
  const auto back = parse_keys(encode_keys(keys));
  REQUIRE(back);
  REQUIRE(back->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK((*back)[i].name == keys[i].name);
    CHECK((*back)[i].credentials.secret == keys[i].credentials.secret);
    CHECK((*back)[i].policy == keys[i].policy);
  }
}

TEST_CASE("a damaged file of keys is refused without quoting it") {
  for (const std::string text :
       {R"({"v":1,"keys":[{"name":"a","access_key":"K","secret":"hush","admin":"yes"}]})", R"({"v":2,"keys":[]})",
        "hush{", R"({"v":1,"keys":[{"name":"a b","access_key":"K","secret":"hush","admin":true}]})",
        R"({"v":1,"keys":[{"name":"a","access_key":"K","secret":"hush"}]})",
        R"({"v":1,"keys":[{"name":"a","access_key":"K","secret":"hush","admin":true},
                          {"name":"b","access_key":"K","secret":"hush","admin":true}]})"}) {
    const auto keys = parse_keys(text);
    REQUIRE_FALSE(keys);
    CHECK(keys.error().kind == Kind::invalid);
    CHECK(keys.error().message.find("hush") == std::string::npos);
  }
}

TEST_CASE("the file is its owner's alone, and a key of a name that is taken is refused") {
  const TemporaryDirectory directory;
  const auto path = directory.path / "keys.json";
  REQUIRE(change_keys(path, add));
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK_FALSE(change_keys(path, add));
  CHECK(read_keys(path)->size() == 1);
}

TEST_CASE("the key ring follows its file, and a damaged one changes nothing") {
  const TemporaryDirectory directory;
  const auto path = directory.path / "keys.json";
  KeyRing ring(path);
  CHECK_FALSE(ring.find("HFAKTEAMA"));
  REQUIRE(change_keys(path, add));
  REQUIRE(ring.find("HFAKTEAMA"));
  CHECK(ring.find("HFAKTEAMA")->name == "team-a");
  REQUIRE(write_file_atomically(path, "what is this?", 0600));
  CHECK(ring.find("HFAKTEAMA"));
  std::filesystem::remove(path);
  CHECK_FALSE(ring.find("HFAKTEAMA"));
}

TEST_CASE("a key for some jobs creates, sees and lists these and no others") {
  ServiceWorld world;
  REQUIRE(change_keys(world.directory.path / "keys.json", add));
  const auto named = [](const char* name) { return ServiceWorld::job_request(name); };
  world.create("team-b-1");
  world.signer = team_key().credentials;
  world.create("team-a-1");
  CHECK(world.error("SageMaker.CreateTrainingJob", named("team-b-2"))
            .starts_with("AccessDeniedException: User: team-a is not authorized to perform: "
                         "sagemaker:CreateTrainingJob on resource: training-job/team-b-2"));
  auto elsewhere = named("team-a-2");
  elsewhere["OutputDataConfig"]["S3OutputPath"] = "s3://other/out";
  CHECK(world.error("SageMaker.CreateTrainingJob", elsewhere).find("s3://other/out/team-a-2/") != std::string::npos);
  CHECK(world.error("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "team-b-1"}})
            .starts_with("AccessDeniedException"));
  CHECK(world.error("SageMaker.DescribeTrainingJob", json::object()).starts_with("AccessDeniedException"));
  const auto list = world.ok("SageMaker.ListTrainingJobs", json::object());
  REQUIRE(list["TrainingJobSummaries"].size() == 1);
  CHECK(list["TrainingJobSummaries"][0]["TrainingJobName"] == "team-a-1");
  world.signer = kUser;
  CHECK(world.ok("SageMaker.ListTrainingJobs", json::object())["TrainingJobSummaries"].size() == 2);
}

TEST_CASE("an attempt's key is good while that attempt runs, and names who asks") {
  ServiceWorld world;
  const JobName job{"job-1"};
  world.create(job.value);
  Authority authority(kUser, nullptr, "agents-secret", *world.store);
  const auto signed_by = [&](const aws::Credentials& credentials) {
    aws::SignedRequest probe{"GET", "/bkt/out", "", {{"Host", "h"}}, std::string(aws::kUnsignedPayload)};
    auto headers = aws::sign(probe, credentials, "us-east-1", "s3", world.clock.now());
    probe.headers.insert(probe.headers.end(), headers.begin(), headers.end());
    return probe;
  };
  const auto verify = [&](const aws::Credentials& credentials) {
    return authority.verify(signed_by(credentials), world.clock.now());
  };
  const auto stored = world.store->find(job);
  REQUIRE(stored);
  const auto* current = job::current_attempt(stored->job);
  REQUIRE(current);
  const auto mine = verify(attempt_credentials("agents-secret", job, current->fence));
  REQUIRE(mine);
  CHECK(mine->principal.name == "job/" + job.value);
  CHECK_FALSE(mine->principal.policy.admin);
  CHECK(allows_object(mine->principal.policy, Access::write, "bkt", "out/" + job.value + "/x"));
  CHECK_FALSE(verify(attempt_credentials("agents-secret", job, Fence{current->fence.value + 1})));
  CHECK_FALSE(verify(attempt_credentials("another-secret", job, current->fence)));
  CHECK(verify(kUser)->principal.policy.admin);
  for (const char* wrong : {"HFATTEMPT.", "HFATTEMPT.x.job", "HFATTEMPT..job", "HFATTEMPT.1"})
    CHECK_FALSE(verify({wrong, "s", ""}));
}
