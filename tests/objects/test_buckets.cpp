#include "objects/buckets.hpp"

#include "conformance/object_store_suite.hpp"
#include "objects/file_store.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::objects;
using holdfast::testing::TempDir;

namespace {

// An embedded store, and directories that stand for whatever a place leads to: its endpoint is their name.
struct Stores {
  TempDir dir;
  std::unique_ptr<FileStore> embedded = FileStore::open(dir / "embedded", Durability::process).value();
  int opened = 0;
  bool away = false;
  std::optional<std::vector<BucketPlace>> news;

  std::unique_ptr<FileStore> at(const std::string& name) {
    return FileStore::open(dir / name, Durability::process).value();
  }
  BucketPlace place(const std::string& bucket, const std::string& name) {
    return {.bucket = bucket, .directory = (dir / name).string()};
  }
  Buckets buckets(std::vector<BucketPlace> places) {
    return {*embedded, std::move(places),
            [this](const BucketPlace& place) -> Result<std::unique_ptr<ports::ObjectStore>> {
              if (away) return fail(Kind::try_again, "nobody answers");
              ++opened;
              return FileStore::open(place.directory, Durability::process).value();
            },
            [this] { return std::exchange(news, std::nullopt); }};
  }
};

bool has(ports::ObjectStore& store, const std::string& bucket, const std::string& key) {
  return store.head(bucket, key).has_value();
}

}  // namespace

TEST_CASE("buckets are an object store, wherever they are") {
  Stores stores;
  REQUIRE(stores.embedded->create_bucket("bucket"));
  auto only_embedded = stores.buckets({});
  holdfast::testing::check_object_store(only_embedded);
  Stores other;
  REQUIRE(other.at("mnt")->create_bucket("bucket"));
  auto elsewhere = other.buckets({other.place("bucket", "mnt")});
  holdfast::testing::check_object_store(elsewhere);
}

TEST_CASE("a bucket with a place is there and nowhere else; all others are where they were") {
  Stores stores;
  REQUIRE(stores.embedded->create_bucket("here"));
  REQUIRE(stores.embedded->create_bucket("team"));  // hidden from now on
  REQUIRE(stores.at("mnt")->create_bucket("team"));
  auto buckets = stores.buckets({stores.place("team", "mnt")});
  REQUIRE(buckets.put_bytes("team", "k", "there"));
  REQUIRE(buckets.put_bytes("here", "k", "here"));
  CHECK(has(*stores.at("mnt"), "team", "k"));
  CHECK_FALSE(has(*stores.embedded, "team", "k"));
  CHECK(has(*stores.embedded, "here", "k"));
  CHECK(buckets.elsewhere("team").value()->directory == (stores.dir / "mnt").string());
  CHECK_FALSE(buckets.elsewhere("here").value());
  std::vector<std::string> names;
  const auto all = buckets.buckets().value();
  for (const auto& bucket : all) names.push_back(bucket.key);
  CHECK(names == std::vector<std::string>{"here", "team"});
}

TEST_CASE("the place of all others has what nobody else has") {
  Stores stores;
  REQUIRE(stores.embedded->create_bucket("here"));
  const auto far = stores.at("far");
  REQUIRE(far->create_bucket("there"));
  REQUIRE(far->create_bucket("here"));
  auto buckets = stores.buckets({stores.place("*", "far")});
  REQUIRE(buckets.put_bytes("there", "k", "x"));
  REQUIRE(buckets.put_bytes("here", "k", "x"));
  CHECK(has(*far, "there", "k"));
  CHECK_FALSE(has(*far, "here", "k"));
  CHECK(buckets.elsewhere("there").value());
  CHECK_FALSE(buckets.elsewhere("here").value());
  CHECK_FALSE(buckets.elsewhere("nowhere").value());
  CHECK(buckets.bucket_exists("nowhere").value() == false);
  REQUIRE(buckets.create_bucket("new"));
  CHECK(stores.embedded->bucket_exists("new").value());
}

TEST_CASE("a store is opened when it is needed, once, and again after an error") {
  Stores stores;
  REQUIRE(stores.at("mnt")->create_bucket("one"));
  REQUIRE(stores.at("mnt")->create_bucket("two"));
  auto buckets = stores.buckets({stores.place("one", "mnt"), stores.place("two", "mnt")});
  CHECK(stores.opened == 0);
  stores.away = true;
  CHECK(buckets.head("one", "k").error().kind == Kind::try_again);
  stores.away = false;
  CHECK(buckets.head("one", "k").error().kind == Kind::not_found);
  REQUIRE(buckets.put_bytes("two", "k", "x"));
  CHECK(stores.opened == 1);
}

TEST_CASE("changed places hold from the next call on, and what stays open stays") {
  Stores stores;
  REQUIRE(stores.at("a")->create_bucket("team"));
  REQUIRE(stores.at("b")->create_bucket("team"));
  REQUIRE(stores.at("a")->create_bucket("other"));
  auto buckets = stores.buckets({stores.place("team", "a"), stores.place("other", "a")});
  REQUIRE(buckets.put_bytes("team", "k", "in a"));
  stores.news = {stores.place("team", "b"), stores.place("other", "a")};
  REQUIRE(buckets.put_bytes("team", "k", "in b"));
  REQUIRE(buckets.put_bytes("other", "k", "x"));
  CHECK(stores.at("a")->get_bytes("team", "k", 100).value() == "in a");
  CHECK(stores.at("b")->get_bytes("team", "k", 100).value() == "in b");
  CHECK(stores.opened == 2);
  CHECK(buckets.places().size() == 2);
  stores.news = std::vector<BucketPlace>{};
  CHECK(buckets.bucket_exists("team").value() == false);
}

TEST_CASE("a directory without the folder of its bucket is taken for one that is not mounted") {
  Stores stores;
  auto buckets = stores.buckets({stores.place("team", "mnt")});
  const auto exists = buckets.bucket_exists("team");
  REQUIRE_FALSE(exists);
  CHECK(exists.error().kind == Kind::try_again);
  CHECK(exists.error().message.find("mounted") != std::string::npos);
  CHECK_FALSE(buckets.put_bytes("team", "k", "x"));
  CHECK_FALSE(stores.at("mnt")->bucket_exists("team").value());
}

TEST_CASE("one version of an object is read wherever its bucket is, and no other") {
  Stores stores;
  REQUIRE(stores.embedded->create_bucket("here"));
  REQUIRE(stores.at("mnt")->create_bucket("team"));
  auto buckets = stores.buckets({stores.place("team", "mnt")});
  for (const auto* bucket : {"here", "team"}) {
    REQUIRE(buckets.put_bytes(bucket, "k", "the first"));
    const auto version = buckets.list(bucket, "", "", 10).value().objects.at(0).etag;
    std::string got;
    const auto sink = [&](std::string_view block) {
      got += block;
      return Result<void>{};
    };
    CHECK(buckets.get_version(bucket, "k", version, 4, 3, sink).value() == 3);
    CHECK(got == "fir");
    CHECK(buckets.get_version(bucket, "k", version, 4, 1000, sink).value() == 5);
    CHECK(got == "firfirst");
    CHECK(buckets.get_version(bucket, "k", version, 9, 10, sink).value() == 0);
    REQUIRE(buckets.put_bytes(bucket, "k", "THE OTHER"));
    CHECK(buckets.get_version(bucket, "k", version, 0, 9, sink).error().kind == Kind::conflict);
    REQUIRE(buckets.remove(bucket, "k"));
    CHECK(buckets.get_version(bucket, "k", version, 0, 9, sink).error().kind == Kind::not_found);
    CHECK(got == "firfirst");
  }
}
