#include <doctest/doctest.h>

#include "checkpoint/manifest.hpp"
#include "checkpoint/paths.hpp"
#include "checkpoint/transfer_plan.hpp"

using namespace holdfast::checkpoint;

namespace {

std::vector<ManifestFile> files_at(const std::vector<std::string>& paths) {
  std::vector<ManifestFile> files;
  for (const auto& path : paths) files.push_back({.path = path, .object = "of " + path});
  return files;
}

std::vector<LocalFile> local_files_at(const std::vector<std::string>& paths) {
  std::vector<LocalFile> files;
  for (const auto& path : paths) files.push_back({.path = path, .identity = {}});
  return files;
}

}  // namespace

TEST_CASE("a link leads to where its target says, from the folder that it lies in") {
  CHECK(leads_to({"last.ckpt", "epoch=3.ckpt"}) == "epoch=3.ckpt");
  CHECK(leads_to({"latest", "checkpoint-500/"}) == "checkpoint-500");
  CHECK(leads_to({"a/b/c", "d"}) == "a/b/d");
  CHECK(leads_to({"a/b/c", "../d/e"}) == "a/d/e");
  CHECK(leads_to({"a/b/c", "../../d"}) == "d");
  CHECK(leads_to({"a/b/c", "./..//./d/."}) == "a/d");
  CHECK(leads_to({"a/b/c", "../.."}) == "");
  CHECK(leads_to({"itself", "."}) == "");
  CHECK(leads_to({"a", "a"}) == "a");
}

TEST_CASE("a link that leads out, or may, is none of ours") {
  for (const auto& link : {Link{"a", ".."},
                           {"a", "../b"},
                           {"a/b", "../../c"},
                           {"a/b/c", "../../../a/b/d"},
                           {"a", "/"},
                           {"a", "/b"},
                           {"a", ""},
                           {"a", "\xFF"},
                           {"a", std::string("b\0c", 3)},
                           {"a", std::string(kMaxPath + 1, 'b')}}) {
    CHECK_MESSAGE(!leads_to(link), link.target);
  }
  // Where `up` leads to the directory itself, this is the folder that the directory lies in.
  CHECK(leads_to({"a/up", ".."}));
  CHECK_FALSE(leads_to({"out", "a/up/../x"}));
  CHECK_FALSE(leads_to({"a/b", "c/.."}));
}

TEST_CASE("a link to a file is that file under another name; any other is none") {
  const auto files = files_at({"a/model", "b"});
  const auto linked = linked_files(
      files, {{"a/self", "self"}, {"best", "a/model"}, {"dangling", "gone"}, {"folder", "a"}, {"a/last", "../b"}});
  REQUIRE(linked.size() == 2);
  CHECK(linked[0].path == "best");
  CHECK(linked[0].object == "of a/model");
  CHECK(linked[1].path == "a/last");
  CHECK(linked[1].object == "of b");
}

TEST_CASE("what was seen as a folder and as a link counts as a folder") {
  const auto files = local_files_at({"a-b", "c/d", "e"});
  const std::vector<Link> links{{"a", "e"}, {"c", "e"}, {"e", "a-b"}, {"f", "e"}, {"f-g", "e"}, {"f/g", "e"}};
  CHECK(links_beside(files, links) == std::vector<Link>{{"a", "e"}, {"f-g", "e"}, {"f/g", "e"}});
}
