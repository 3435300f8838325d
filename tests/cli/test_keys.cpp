// `holdfast keys`, on a data folder without a service.
#include <doctest/doctest.h>

#include <sstream>

#include "api/keys.hpp"
#include "cli/commands.hpp"
#include "cli/temporary_folder.hpp"

using namespace holdfast;
using namespace holdfast::cli;
using Action = KeysOptions::Action;

namespace {

struct Answer {
  int code;
  std::string out, err;
};

Answer ask(const KeysOptions& options) {
  std::ostringstream out, err;
  const int code = keys(options, out, err);
  return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("a key is made, shown without its secret, and taken away") {
  const holdfast::test::TemporaryFolder folder;
  KeysOptions options;
  options.data = folder.path().string();
  options.action = Action::add;
  options.name = "team-a";
  options.jobs = "team-a-";
  options.write = {"s3://team-a/out"};
  options.read = {"s3://data"};
  const auto added = ask(options);
  CHECK(added.code == kExitDone);
  const auto kept = api::read_keys(folder.path() / kKeysFile);
  REQUIRE(kept);
  REQUIRE(kept->size() == 1);
  const auto& key = kept->front();
  CHECK(added.out == "[team-a]\naws_access_key_id = " + key.credentials.access_key +
                         "\naws_secret_access_key = " + key.credentials.secret + "\n");
  CHECK(added.err.find("may: jobs team-a-*, write s3://team-a/out*, read s3://data/*") != std::string::npos);
  CHECK(key.policy.jobs == "team-a-");
  CHECK(ask(options).err.find("there are two keys 'team-a'") != std::string::npos);

  options.action = Action::list;
  const auto list = ask(options);
  CHECK(list.out.find(key.credentials.access_key) != std::string::npos);
  CHECK(list.out.find(key.credentials.secret) == std::string::npos);

  options.action = Action::remove;
  CHECK(ask(options).code == kExitDone);
  CHECK(api::read_keys(folder.path() / kKeysFile)->empty());
  CHECK(ask(options).err.find("there is no key 'team-a'") != std::string::npos);
}

TEST_CASE("a key that may do nothing, and a folder that is not there, are refused") {
  const holdfast::test::TemporaryFolder folder;
  KeysOptions options;
  options.data = folder.path().string();
  options.action = Action::add;
  options.name = "idle";
  CHECK(ask(options).code == kExitUsage);
  options.read = {"data/without/scheme"};
  CHECK(ask(options).code == kExitUsage);
  options.data = (folder.path() / "nowhere").string();
  CHECK(ask(options).err.find("start `holdfast serve` once") != std::string::npos);
}
