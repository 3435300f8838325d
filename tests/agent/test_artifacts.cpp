#include "agent/artifacts.hpp"

#include <archive.h>
#include <archive_entry.h>

#include "agent/checkpoint_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const JobName kJob{"job-1"};
const ports::S3Location kOutput{"bucket", "out"};

// What the archive holds: files with their bytes, folders as "", links as "-> target".
Files unpack(const std::string& bytes) {
  Files files;
  archive* in = archive_read_new();
  archive_read_support_filter_gzip(in);
  archive_read_support_format_tar(in);
  REQUIRE(archive_read_open_memory(in, bytes.data(), bytes.size()) == ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
    const std::string path = archive_entry_pathname(entry);
    if (const auto* target = archive_entry_symlink(entry)) {
      files[path] = std::string("-> ") + target;
      continue;
    }
    std::string contents(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    REQUIRE(archive_read_data(in, contents.data(), contents.size()) == static_cast<la_ssize_t>(contents.size()));
    files[path] = contents;
  }
  archive_read_free(in);
  return files;
}

std::string stored(World& world, const std::string& key) {
  return world.files->get_bytes("bucket", key, 1 << 24).value();
}

}  // namespace

TEST_CASE("the model's files lie at the root of model.tar.gz") {
  World world;
  write_in_place(world.dir / "model/weights.bin", std::string(2'500'000, 'w'));
  write_in_place(world.dir / "model/deep/config.json", "{}");
  write_in_place(world.dir / ("model/" + std::string(200, 'n') + "ö"), "long");
  fs::create_symlink("weights.bin", world.dir / "model/latest");
  fs::create_symlink("/etc/passwd", world.dir / "model/outside");
  REQUIRE(::mkfifo((world.dir / "model/fifo").c_str(), 0600) == 0);
  const auto artifact = store_model(world.store, kOutput, kJob, world.dir / "model", world.dir / "scratch").value();
  CHECK(artifact.location.bucket == "bucket");
  CHECK(artifact.location.key == "out/job-1/output/model.tar.gz");
  const auto bytes = stored(world, artifact.location.key);
  CHECK(bytes.size() == artifact.bytes);
  CHECK(unpack(bytes) == Files{{"weights.bin", std::string(2'500'000, 'w')},
                               {"deep/", ""},
                               {"deep/config.json", "{}"},
                               {std::string(200, 'n') + "ö", "long"},
                               {"latest", "-> weights.bin"},
                               {"outside", "-> /etc/passwd"}});
  CHECK(fs::is_empty(world.dir / "scratch"));
}

TEST_CASE("the same files make the same archive") {
  World world;
  for (int i = 0; i < 20; ++i) write_in_place(world.dir / fmt::format("model/{}", i), fmt::format("{}", i));
  for (const auto* job : {"one", "two"}) {
    REQUIRE(store_model(world.store, kOutput, JobName{job}, world.dir / "model", world.dir / "scratch"));
  }
  CHECK(stored(world, "out/one/output/model.tar.gz") == stored(world, "out/two/output/model.tar.gz"));
}

TEST_CASE("there is always a model.tar.gz, if need be an empty one") {
  World world;
  for (const auto* path : {"missing", "empty"}) {
    if (path == std::string("empty")) fs::create_directory(world.dir / path);
    REQUIRE(store_model(world.store, kOutput, kJob, world.dir / path, world.dir / "scratch"));
    CHECK(unpack(stored(world, "out/job-1/output/model.tar.gz")).empty());
  }
}

TEST_CASE("output.tar.gz is there only when the program wrote output") {
  World world;
  CHECK_FALSE(store_output_data(world.store, kOutput, kJob, world.dir / "missing", world.dir / "scratch").value());
  fs::create_directory(world.dir / "data");
  CHECK_FALSE(store_output_data(world.store, kOutput, kJob, world.dir / "data", world.dir / "scratch").value());
  CHECK(world.keys("").empty());
  write_in_place(world.dir / "data/eval.json", "{}");
  const auto artifact =
      store_output_data(world.store, kOutput, kJob, world.dir / "data", world.dir / "scratch").value();
  REQUIRE(artifact);
  CHECK(artifact->location.key == "out/job-1/output/output.tar.gz");
  CHECK(unpack(stored(world, artifact->location.key)) == Files{{"eval.json", "{}"}});
}

TEST_CASE("a model is stored file by file where no archive is wanted") {
  World world;
  write_in_place(world.dir / "model/weights.bin", std::string(2'500'000, 'w'));
  write_in_place(world.dir / "model/deep/config.json", "{}");
  write_in_place(world.dir / "outside", "secret");
  write_in_place(
      world.dir / ("model/" + std::string(200, 'd') + "/" + std::string(200, 'd') + "/" + std::string(200, 'd') + "/" +
                   std::string(200, 'd') + "/" + std::string(200, 'd') + "/" + std::string(200, 'd')),
      "a path that no key can have");
  fs::create_symlink("deep/config.json", world.dir / "model/latest");
  fs::create_symlink("../../weights.bin", world.dir / "model/deep/too-far");
  fs::create_symlink("../outside", world.dir / "model/out");
  fs::create_symlink("/etc/passwd", world.dir / "model/passwd");
  fs::create_directory_symlink("deep", world.dir / "model/folder");
  REQUIRE(::mkfifo((world.dir / "model/pipe").c_str(), 0600) == 0);
  const auto passed_over = store_model_files(world.store, kOutput, kJob, world.dir / "model").value();
  CHECK(world.keys("out/job-1/output/") ==
        std::vector<std::string>{"model/deep/config.json", "model/latest", "model/weights.bin"});
  CHECK(stored(world, "out/job-1/output/model/latest") == "{}");
  CHECK(stored(world, "out/job-1/output/model/weights.bin") == std::string(2'500'000, 'w'));
  REQUIRE(passed_over.size() == 6);
  CHECK(passed_over[0].starts_with(std::string(200, 'd')));
  CHECK(passed_over[1] == "deep/too-far: a link that leads nowhere");
  CHECK(passed_over[2] == "folder: a link to a folder");
  CHECK(passed_over[3] == "out: a link that leads out of the model");
  CHECK(passed_over[4] == "passwd: a link that leads out of the model");
  CHECK(passed_over[5] == "pipe: no file");
}

TEST_CASE("an empty model without an archive is nothing, and trouble is told from it") {
  World world;
  fs::create_directory(world.dir / "model");
  CHECK(store_model_files(world.store, kOutput, kJob, world.dir / "model").value().empty());
  CHECK(world.keys("").empty());
  write_in_place(world.dir / "model/a", "a");
  world.store.before = trouble("put", "model/a");
  CHECK(store_model_files(world.store, kOutput, kJob, world.dir / "model").error().kind == Kind::try_again);
}

TEST_CASE("an output path may end in a slash, or be a bucket") {
  CHECK(artifact_location({"b", ""}, kJob, "model.tar.gz").key == "job-1/output/model.tar.gz");
  CHECK(artifact_location({"b", "x/"}, kJob, "model.tar.gz").key == "x/job-1/output/model.tar.gz");
}

TEST_CASE("an upload that fails says what failed") {
  World world;
  world.store.before = trouble("put", "model.tar.gz");
  const auto artifact = store_model(world.store, kOutput, kJob, world.dir / "missing", world.dir / "scratch");
  CHECK(artifact.error().kind == Kind::try_again);
  CHECK(artifact.error().message.find("s3://bucket/out/job-1/output/model.tar.gz") != std::string::npos);
}
