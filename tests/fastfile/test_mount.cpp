// The file system through the kernel, over objects in a directory. Where this machine has no FUSE, these tests say so.
#include "fastfile/mount.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>

#include "base/file.hpp"
#include "base/mounts.hpp"
#include "base/random.hpp"
#include "objects/file_store.hpp"
#include "objects/get_version.hpp"
#include "support/temp_dir.hpp"

// The thread sanitizer cannot see how libfuse's own threads wait for each other before the device is closed.
extern "C" const char* __tsan_default_suppressions() { return "race:libfuse3.so\n"; }

using namespace holdfast;
using namespace holdfast::fastfile;
namespace fs = std::filesystem;

namespace {

std::string random_bytes(std::uint64_t seed, std::size_t size) {
  SeededRandom random(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

bool is_mounted_below(const fs::path& directory) {
  return !mounts_below(read_file("/proc/self/mountinfo", 64u << 20).value(), directory).empty();
}

// Root in a container may lack the right to.
bool may_mount() {
  const auto status = read_file("/proc/self/status", 1u << 16).value();
  constexpr std::string_view kEffective = "CapEff:";
  const auto at = status.find(kEffective);
  constexpr unsigned kSysAdmin = 21;
  return at != std::string::npos &&
         (std::stoull(status.substr(at + kEffective.size()), nullptr, 16) >> kSysAdmin & 1) != 0;
}

struct World {
  World() { REQUIRE(store->create_bucket("bucket")); }
  ~World() {
    mount.reset();
    CHECK_FALSE(is_mounted_below(dir.path()));
  }

  void put(const std::string& path, const std::string& bytes) {
    REQUIRE(store->put_bytes("bucket", "data/" + path, bytes));
  }
  // Shows what was put. False: there is no FUSE here.
  bool show() {
    auto opened = Mount::open(dir / "mount", reader);
    if (!opened) {
      const bool must_do = ::geteuid() == 0 && ::access("/dev/fuse", R_OK | W_OK) == 0 && may_mount();
      REQUIRE_MESSAGE(!must_do, opened.error().message);
      std::cerr << "SKIPPED, nothing was tested: " << opened.error().message << "\n";
      return false;
    }
    mount = std::move(*opened);
    std::vector<Object> objects;
    const auto listed = list_all(*store, "bucket", "data/", 1000);
    for (const auto& object : listed.value()) {
      objects.push_back({object.key.substr(5), object.size, object.etag, object.modified});
    }
    REQUIRE(mount->add({"train", "bucket", "data/", Tree::make(std::move(objects)).value(), counters}));
    return true;
  }
  fs::path operator/(const fs::path& path) const { return dir / "mount" / kChannels / "train" / path; }
  std::vector<std::string> all_reports() {
    const std::lock_guard lock(mutex);
    return reports;
  }

  holdfast::testing::TempDir dir;
  std::unique_ptr<objects::FileStore> store =
      objects::FileStore::open(dir / "objects", objects::Durability::process).value();
  SystemClock clock;
  std::mutex mutex;
  std::vector<std::string> reports;
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
  Reader reader{[this](const File& file, std::uint64_t offset, std::uint64_t length, const auto& sink) {
                  return objects::get_version(*store, file.bucket, file.key, file.version, offset, length, sink);
                },
                [this](const std::string& line) {
                  const std::lock_guard lock(mutex);
                  reports.push_back(line);
                },
                clock};
  std::unique_ptr<Mount> mount;
};

std::optional<std::string> read_at(const fs::path& path, std::uint64_t offset, std::size_t length) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return std::nullopt;
  std::string bytes(length, '\0');
  const auto n = ::pread(fd.get(), bytes.data(), length, static_cast<off_t>(offset));
  if (n < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(n));
  return bytes;
}
std::set<std::string> all_below(const fs::path& folder) {
  std::set<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    found.insert(entry.path().lexically_relative(folder).string() + (entry.is_directory() ? "/" : ""));
  }
  return found;
}

}  // namespace

TEST_CASE("a channel is a tree of files with sizes and times, before a byte is fetched") {
  World world;
  world.put("a.csv", "one");
  world.put("deep/er/b", random_bytes(1, 5000));
  world.put("empty", "");
  if (!world.show()) return;
  CHECK(all_below(world / "") == std::set<std::string>{"a.csv", "deep/", "deep/er/", "deep/er/b", "empty"});
  CHECK(fs::file_size(world / "deep/er/b") == 5000);
  CHECK(fs::file_size(world / "empty") == 0);
  struct stat shown = {};
  REQUIRE(::stat((world / "a.csv").c_str(), &shown) == 0);
  const auto info = world.store->head("bucket", "data/a.csv").value();
  CHECK(shown.st_mtim.tv_sec * 1000 + shown.st_mtim.tv_nsec / 1'000'000 == to_ms(info.modified));
  CHECK((shown.st_mode & 07777) == 0444);
  CHECK_FALSE(fs::exists(world / "nothing"));
  struct statvfs disk = {};
  CHECK(::statvfs((world / "").c_str(), &disk) == 0);
  CHECK((disk.f_flag & ST_RDONLY) != 0);
  CHECK(world.counters->bytes == 0);
  CHECK(world.counters->opened == 0);
  CHECK(read_at(world / "a.csv", 0, 100) == "one");
  CHECK(read_at(world / "empty", 0, 100) == "");
  CHECK(world.counters->bytes == 3);
}

TEST_CASE("nothing can be changed") {
  World world;
  world.put("a", "one");
  world.put("deep/b", "two");
  if (!world.show()) return;
  const auto refused = [](int result) { return result < 0 ? errno : 0; };
  CHECK(refused(::open((world / "a").c_str(), O_WRONLY)) == EROFS);
  CHECK(refused(::open((world / "a").c_str(), O_RDWR | O_TRUNC)) == EROFS);
  CHECK(refused(::open((world / "new").c_str(), O_WRONLY | O_CREAT, 0644)) == EROFS);
  CHECK(refused(::unlink((world / "a").c_str())) == EROFS);
  CHECK(refused(::rmdir((world / "deep").c_str())) == EROFS);
  CHECK(refused(::mkdir((world / "new").c_str(), 0755)) == EROFS);
  CHECK(refused(::rename((world / "a").c_str(), (world / "c").c_str())) == EROFS);
  CHECK(refused(::chmod((world / "a").c_str(), 0777)) == EROFS);
  CHECK(refused(::truncate((world / "a").c_str(), 0)) == EROFS);
  CHECK(refused(::symlink("a", (world / "l").c_str())) == EROFS);
  CHECK(read_at(world / "a", 0, 10) == "one");
}

TEST_CASE("a part of a large file costs that part, and mapped memory reads the same bytes") {
  World world;
  const auto bytes = random_bytes(2, 40u << 20);
  world.put("large", bytes);
  if (!world.show()) return;
  CHECK(read_at(world / "large", 20'000'000, 70'000) == bytes.substr(20'000'000, 70'000));
  CHECK(world.counters->bytes >= 70'000);
  CHECK(world.counters->bytes <= 4 * kBlock);
  const Fd fd{::open((world / "large").c_str(), O_RDONLY | O_CLOEXEC)};
  REQUIRE(fd);
  void* const mapped = ::mmap(nullptr, bytes.size(), PROT_READ, MAP_SHARED, fd.get(), 0);
  REQUIRE(mapped != MAP_FAILED);
  const auto at = std::string_view(static_cast<const char*>(mapped), bytes.size());
  CHECK(at.substr(30'000'000, 1000) == std::string_view(bytes).substr(30'000'000, 1000));
  CHECK(world.counters->bytes <= 8 * kBlock);
  CHECK((at == bytes));
  ::munmap(mapped, bytes.size());
}

TEST_CASE("many threads read many files, at random and in order, each its right bytes") {
  World world;
  std::vector<std::string> files;
  for (std::uint64_t i = 0; i < 12; ++i) {
    files.push_back(random_bytes(i, 1 + i * i * 60'000));
    world.put(fmt::format("folder-{}/file-{}", i % 3, i), files.back());
  }
  if (!world.show()) return;
  std::atomic<int> wrong = 0, right = 0;
  std::atomic<std::uint64_t> most = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      threads.emplace_back([&, seed] {
        SeededRandom random(seed);
        for (int i = 0; i < 60; ++i) {
          const auto number = random.next() % files.size();
          const auto& bytes = files[number];
          const auto path = world / fmt::format("folder-{}/file-{}", number % 3, number);
          const bool whole = random.next() % 4 == 0;
          const auto offset = whole ? 0 : random.next() % bytes.size();
          const std::size_t length = whole ? bytes.size() : 1 + random.next() % 300'000;
          (read_at(path, offset, length) == bytes.substr(offset, length) ? right : wrong)++;
          most = std::max(most.load(), world.reader.bytes_in_memory());
        }
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(right == 480);
  CHECK(most > 0);
  CHECK(most <= kCacheBytes);
}

TEST_CASE("an object that is replaced or removed while it is read is an error, never a mixture") {
  World world;
  const auto bytes = random_bytes(3, 30u << 20);
  world.put("large", bytes);
  world.put("gone", bytes);
  if (!world.show()) return;
  const Fd fd{::open((world / "large").c_str(), O_RDONLY | O_CLOEXEC)};
  REQUIRE(fd);
  std::string got(1000, '\0');
  REQUIRE(::pread(fd.get(), got.data(), got.size(), 0) == 1000);
  CHECK(got == bytes.substr(0, 1000));
  world.put("large", random_bytes(4, 30u << 20));
  REQUIRE(world.store->remove("bucket", "data/gone"));
  CHECK(::pread(fd.get(), got.data(), got.size(), 25'000'000) == -1);
  CHECK(errno == EIO);
  CHECK(read_at(world / "gone", 0, 1000) == std::nullopt);
  const auto reports = world.all_reports();
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].find("s3://bucket/data/large was replaced") == 0);
  CHECK(reports[1].find("s3://bucket/data/gone was removed") == 0);
}

TEST_CASE("what a dead process left mounted is unmounted, and mounted anew") {
  World world;
  world.put("a", "one");
  if (!world.show()) return;
  CHECK(is_mounted_below(world.dir.path()));
  detach_mounts_below(world.dir.path());
  CHECK_FALSE(is_mounted_below(world.dir.path()));
  CHECK_FALSE(fs::exists(world / "a"));
  world.mount.reset();
  REQUIRE(world.show());
  CHECK(read_at(world / "a", 0, 100) == "one");
}
