#include "objects/file_store.hpp"

#include <sys/file.h>

#include <fstream>

#include "conformance/bucket_store_suite.hpp"
#include "objects/key_path.hpp"

using namespace holdfast;
using namespace holdfast::objects;
using holdfast::testing::TempDir;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<FileStore> store_at(const fs::path& root) {
  auto store = FileStore::open(root);
  REQUIRE(store);
  REQUIRE((*store)->create_bucket("bucket"));
  return std::move(*store);
}

std::size_t drafts_in(const fs::path& root) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().string().find(".drafts-") != std::string::npos) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("the file store is an object store") {
  const TempDir root;
  const auto store = store_at(root / "objects");
  holdfast::testing::check_object_store(*store);
}

TEST_CASE("the file store can stand behind an S3 endpoint") {
  const TempDir root;
  const auto store = store_at(root / "objects");
  holdfast::testing::check_bucket_store(*store, root);
  CHECK(drafts_in(root / "objects") == 1);
}

TEST_CASE("a taken file is renamed, a copy is linked: no bytes are written twice") {
  const TempDir root;
  const auto store = store_at(root / "objects");
  const auto file = holdfast::testing::given(root, "bytes");
  struct stat before {
  }, after{}, copied{};
  REQUIRE(::stat(file.c_str(), &before) == 0);
  REQUIRE(store->take_file("bucket", "k", file, {.etag = "e", .notes = "n"}));
  CHECK_FALSE(fs::exists(file));
  REQUIRE(::stat((root / "objects/bucket/k").c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  REQUIRE(store->copy_object(store->open_object("bucket", "k").value(), "bucket", "c", std::nullopt));
  REQUIRE(::stat((root / "objects/bucket/c").c_str(), &copied) == 0);
  CHECK(copied.st_ino == before.st_ino);
}

TEST_CASE("ETag and notes are there when the store is opened again, and go with a copy that an agent makes") {
  const TempDir root;
  REQUIRE(store_at(root / "objects")
              ->take_file("bucket", "k", holdfast::testing::given(root, "x"), {.etag = "e", .notes = "n"}));
  const auto store = store_at(root / "objects");
  REQUIRE(store->copy("bucket", "k", "c"));
  for (const char* key : {"k", "c"}) {
    CHECK(store->head("bucket", key).value().etag == "e");
    CHECK(store->head("bucket", key).value().notes == "n");
  }
}

TEST_CASE("objects are still there when the store is opened again, and drafts are not") {
  const TempDir root;
  {
    const auto store = store_at(root.path());
    REQUIRE(store->put_bytes("bucket", "a/b", "kept"));
    CHECK(drafts_in(root.path()) == 1);
  }
  CHECK(drafts_in(root.path()) == 0);
  const auto store = store_at(root.path());
  CHECK(store->get_bytes("bucket", "a/b", 10).value() == "kept");
}

TEST_CASE("half-written files of a process that died are removed at the next opening, those of a living one are not") {
  const TempDir root;
  const auto living = store_at(root.path());
  fs::create_directory(root / ".drafts-dead");
  std::ofstream(root / ".drafts-dead/half") << "half";
  const auto store = store_at(root.path());
  CHECK_FALSE(fs::exists(root / ".drafts-dead"));
  CHECK(drafts_in(root.path()) == 2);
  CHECK(living->put_bytes("bucket", "key", "still works"));
}

TEST_CASE("plain keys have plain names on disk") {
  const auto names = [](std::string_view key) { return file_of_key(key).value(); };
  CHECK(names("job-1/output/model.tar.gz") == std::vector<std::string>{"job-1+", "output+", "model.tar.gz"});
  CHECK(names("a/") == std::vector<std::string>{"a+", "%"});
  CHECK(names("..") == std::vector<std::string>{"%2E."});
}

TEST_CASE("a put that failed in the middle leaves nothing behind") {
  const TempDir root;
  const auto store = store_at(root.path());
  const auto fd = holdfast::testing::file_with(root / "source", "12345");
  holdfast::ports::FileSource longer(fd.get(), 6);
  CHECK_FALSE(store->put("bucket", "key", longer));
  CHECK(drafts_in(root.path()) == 1);  // the folder itself
}

TEST_CASE("the etag changes with the object and cannot be taken for an MD5") {
  const TempDir root;
  const auto store = store_at(root.path());
  REQUIRE(store->put_bytes("bucket", "key", "one"));
  const auto first = store->head("bucket", "key").value().etag;
  CHECK(first.ends_with("-1"));
  CHECK(store->list("bucket", "", "", 1).value().objects.at(0).etag == first);
  REQUIRE(store->copy("bucket", "key", "copy"));
  CHECK(store->head("bucket", "copy").value().etag == first);
  REQUIRE(store->put_bytes("bucket", "key", "two"));
  CHECK(store->head("bucket", "key").value().etag != first);
}
