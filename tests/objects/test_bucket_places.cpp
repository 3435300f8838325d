#include "objects/bucket_places.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/file.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::objects;

namespace {

BucketPlace directory(const std::string& bucket, const std::string& path) {
  return {.bucket = bucket, .directory = path};
}
BucketPlace s3(const std::string& bucket, const std::string& endpoint) {
  BucketPlace place{.bucket = bucket};
  place.s3.endpoint = endpoint;
  return place;
}
std::string said(const BucketPlace& place) {
  const auto fine = check_places({place});
  return fine ? "" : fine.error().message;
}
bool names(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("places are read as they were written") {
  auto all = s3("team", "https://ceph.example.org:7480");
  all.s3.region = "eu-1";
  all.s3.style = AddressStyle::virtual_host;
  all.s3.ca_file = "/etc/ssl/ours.pem";
  all.s3.proxy = "http://proxy:3128";
  all.s3.encryption = Encryption::kms;
  all.s3.kms_key = "arn:aws:kms:eu-1:1:key/k";
  all.s3.bucket_key = false;
  all.s3.checksums = Checksums::never;
  all.s3.connections = 32;
  all.s3.memory = 256u << 20;
  all.s3.part_size = 16u << 20;
  all.credentials = {"/etc/holdfast/credentials", "team"};
  const std::vector<BucketPlace> places{all, s3("on-aws", ""), directory("shared", "/mnt/nfs"), s3("*", "http://b:1")};
  const auto text = encode_places(places);
  const auto read = parse_places(text);
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  CHECK(encode_places(*read) == text);
  REQUIRE(read->size() == 4);
  CHECK((*read)[0].s3.bucket_key == false);
  CHECK((*read)[0].s3.connections == 32);
  CHECK((*read)[0].s3.memory == 256u << 20);
  CHECK((*read)[0].s3.part_size == 16u << 20);
  CHECK((*read)[1].s3.connections == S3Options{}.connections);
  CHECK((*read)[0].credentials.profile == "team");
  CHECK((*read)[1].s3.endpoint.empty());
  CHECK((*read)[1].s3.region == "us-east-1");
  CHECK((*read)[2].is_directory());
  CHECK(to_string((*read)[0]) == "https://ceph.example.org:7480");
  CHECK(to_string((*read)[1]) == "AWS (us-east-1)");
  CHECK(to_string((*read)[2]) == "/mnt/nfs");
}

TEST_CASE("what is wrong with a place is said, and never a password") {
  CHECK(said(directory("shared", "/mnt/nfs")).empty());
  CHECK(names(said(directory("Shared", "/mnt")), "'Shared' is no bucket's name"));
  CHECK(names(said(directory("shared", "mnt")), "not an absolute path"));
  CHECK(names(said(s3("team", "ceph.example.org")), "such as https://"));
  CHECK(names(said(s3("team", "https://ceph.example.org/team")), "ends after its host and port"));
  const auto secret = said(s3("team", "https://user:hunter2@ceph.example.org"));
  CHECK(names(secret, "must not hold a password"));
  CHECK_FALSE(names(secret, "hunter2"));
  auto keyed = s3("team", "");
  keyed.s3.kms_key = "k";
  CHECK(names(said(keyed), "--encryption kms"));
  const auto twice = check_places({s3("team", ""), directory("team", "/a")});
  REQUIRE_FALSE(twice);
  CHECK(names(twice.error().message, "stands twice"));
}

TEST_CASE("words that nobody knows are refused, or they would become a default that nobody wanted") {
  const auto in_list = [](const char* place) {
    return parse_places(std::string(R"({"v": 1, "buckets": [)") + place + "]}");
  };
  CHECK(in_list(R"({"bucket": "abc", "s3": "aws"})"));
  CHECK(in_list(R"({"bucket": "abc", "s3": "aws", "connections": 256, "memory_mib": 65536, "part_size_mib": 5120})"));
  for (const char* bad :
       {R"({"bucket": "abc", "s3": "aws", "regoin": "eu"})", R"({"bucket": "abc", "s3": "aws", "style": "paths"})",
        R"({"bucket": "abc", "s3": "aws", "encryption": "none"})",
        R"({"bucket": "abc", "directory": "/a", "region": "eu"})", R"({"bucket": "abc"})",
        R"({"bucket": 1, "s3": "aws"})", R"({"bucket": "abc", "s3": "aws", "connections": 0})",
        R"({"bucket": "abc", "s3": "aws", "connections": 257})",
        R"({"bucket": "abc", "s3": "aws", "connections": "8"})", R"({"bucket": "abc", "s3": "aws", "memory_mib": 15})",
        R"({"bucket": "abc", "s3": "aws", "memory_mib": -1})",
        R"({"bucket": "abc", "s3": "aws", "memory_mib": 17592186044417})",
        R"({"bucket": "abc", "s3": "aws", "part_size_mib": 4})",
        R"({"bucket": "abc", "s3": "aws", "part_size_mib": 5.5})", "[]"}) {
    CAPTURE(bad);
    const auto read = in_list(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == Kind::invalid);
  }
  CHECK_FALSE(parse_places("not JSON"));
  CHECK_FALSE(parse_places(R"({"v": 2, "buckets": []})"));
}

TEST_CASE("the file is changed in one piece, or stays as it was") {
  const holdfast::testing::TempDir dir;
  const auto file = dir / "buckets.json";
  CHECK(read_places(file).value().empty());
  const auto add = [&](BucketPlace place) {
    return change_places(file, [&](std::vector<BucketPlace>& places) {
      places.push_back(place);
      return Result<void>();
    });
  };
  REQUIRE(add(directory("shared", "/mnt/nfs")));
  CHECK_FALSE(add(directory("shared", "/elsewhere")));
  CHECK(read_places(file).value().size() == 1);
  REQUIRE(write_file_atomically(file, "{"));
  CHECK_FALSE(add(directory("other", "/mnt")));
  CHECK(read_file(file, 100).value() == "{");
}

TEST_CASE("places are of one store when all but the bucket is the same") {
  CHECK(same_store(s3("one", "http://a:1"), s3("two", "http://a:1")));
  CHECK_FALSE(same_store(s3("one", "http://a:1"), s3("one", "http://a:2")));
  auto with_profile = s3("one", "http://a:1");
  with_profile.credentials.profile = "p";
  CHECK_FALSE(same_store(s3("one", "http://a:1"), with_profile));
  CHECK(same_store(directory("one", "/a"), directory("two", "/a")));
}
