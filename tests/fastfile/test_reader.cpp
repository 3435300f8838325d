#include "fastfile/reader.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <future>

#include "base/random.hpp"
#include "support/manual_clock.hpp"

using namespace holdfast;
using namespace holdfast::fastfile;
using holdfast::testing::ManualClock;

namespace {

std::string contents(std::uint64_t file, std::uint64_t size) {
  std::string bytes(size, '\0');
  for (std::uint64_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(mix(file, i / 64) >> (i % 8));
  return bytes;
}

// Files in memory, and a reader of them. Each get is written down, and may be refused.
struct World {
  using Before = std::function<Result<void>(const File& file, std::uint64_t offset)>;

  explicit World(Reader::Options options = {}) : reader(getter(), reporter(), clock, options) {}

  File add(std::uint64_t id, std::uint64_t size) {
    files[id] = contents(id, size);
    return {id, "bucket", fmt::format("key-{}", id), "v1", size, counters};
  }
  Reader::Get getter() {
    return [this](const File& file, std::uint64_t offset, std::uint64_t length,
                  const ports::ObjectStore::Sink& sink) -> Result<std::uint64_t> {
      {
        const std::lock_guard lock(mutex);
        gets.push_back({offset, length});
      }
      if (before) {
        if (auto fine = before(file, offset); !fine) return fail(fine.error());
      }
      const auto& bytes = files.at(file.id);
      const auto end = std::min<std::uint64_t>(bytes.size(), offset + length);
      constexpr std::uint64_t kPart = 100'000;
      for (auto at = offset; at < end; at += kPart) {
        const auto part = std::string_view(bytes).substr(at, std::min(kPart, end - at));
        if (auto taken = sink(part); !taken) return fail(taken.error());
      }
      return end - offset;
    };
  }
  Reader::Report reporter() {
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex);
      reports.push_back(line);
    };
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> all_gets() {
    const std::lock_guard lock(mutex);
    return gets;
  }
  std::vector<std::string> all_reports() {
    const std::lock_guard lock(mutex);
    return reports;
  }

  ManualClock clock;
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
  std::map<std::uint64_t, std::string> files;
  Before before;
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> gets;
  std::vector<std::string> reports;
  Reader reader;  // last: it uses all of the above
};

std::optional<std::string> read(Reader& reader, const std::shared_ptr<Reader::Handle>& handle, std::uint64_t offset,
                                std::size_t length) {
  std::promise<std::optional<std::string>> answer;
  reader.read(handle, offset, length, [&](std::optional<std::vector<Slice>> slices) {
    if (!slices) return answer.set_value(std::nullopt);
    std::string bytes;
    for (const auto& slice : *slices) bytes.append(*slice.block, slice.offset, slice.length);
    answer.set_value(std::move(bytes));
  });
  return answer.get_future().get();
}

}  // namespace

TEST_CASE("reads bring the file's bytes, across blocks and at its end") {
  World world;
  const auto size = 3 * kBlock + 777;
  const auto handle = world.reader.open(world.add(1, size));
  const auto& bytes = world.files[1];
  for (const auto& [offset, length] : std::vector<std::pair<std::uint64_t, std::size_t>>{
           {0, 1}, {kBlock - 5, 10}, {kBlock / 2, 2 * kBlock}, {3 * kBlock, 5000}, {size - 1, 1}, {0, size}}) {
    CHECK(read(world.reader, handle, offset, length) == bytes.substr(offset, length));
  }
  CHECK(read(world.reader, handle, size, 10) == "");
  CHECK(read(world.reader, handle, size + kBlock, 10) == "");
  CHECK(world.counters->bytes == size);  // each byte once, as all of them fit
}

TEST_CASE("an empty file asks the store for nothing") {
  World world;
  CHECK(read(world.reader, world.reader.open(world.add(1, 0)), 0, 100) == "");
  CHECK(world.all_gets().empty());
}

TEST_CASE("a single read far into a file fetches one block, and a stream few large pieces") {
  World world;
  const auto random = world.reader.open(world.add(1, 100 * kBlock));
  CHECK(read(world.reader, random, 50 * kBlock + 5, 10));
  CHECK(world.all_gets() == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{50 * kBlock, kBlock}});
  const auto stream = world.reader.open(world.add(2, 100 * kBlock));
  for (std::uint64_t at = 0; at < 100 * kBlock; at += kBlock / 4) {
    REQUIRE(read(world.reader, stream, at, kBlock / 4) == world.files[2].substr(at, kBlock / 4));
  }
  CHECK(world.counters->bytes == 101 * kBlock);
  CHECK(world.all_gets().size() < 50);
}

TEST_CASE("memory has a bound, however many threads read however many files") {
  Reader::Options options;
  options.cache_bytes = 6u << 20;
  World world(options);
  constexpr std::uint64_t kFiles = 5;
  std::vector<File> files;
  for (std::uint64_t id = 0; id < kFiles; ++id) files.push_back(world.add(id, (4 + id) * kBlock + id * 1000));
  std::atomic<std::uint64_t> most = 0;
  std::atomic<int> wrong = 0, right = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      threads.emplace_back([&, seed] {
        SeededRandom random(seed);
        const auto& file = files[seed % kFiles];
        const auto handle = world.reader.open(file);
        std::uint64_t stream = 0;
        for (int i = 0; i < 200; ++i) {
          const bool jump = seed % 2 == 0;
          const std::uint64_t offset = jump ? random.next() % file.size : stream;
          const std::size_t length = 1 + random.next() % (200'000);
          const auto got = read(world.reader, handle, offset, length);
          (got == world.files[file.id].substr(offset, length) ? right : wrong)++;
          stream = (stream + length) % file.size;
          most = std::max(most.load(), world.reader.bytes_in_memory());
        }
        world.reader.close(handle);
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(right == 1200);
  CHECK(most <= options.cache_bytes);
  CHECK(most > options.cache_bytes / 2);
}

TEST_CASE("an object that was replaced is an error and one line, never other bytes") {
  World world;
  const auto handle = world.reader.open(world.add(1, 8 * kBlock));
  CHECK(read(world.reader, handle, 6 * kBlock, 10) == world.files[1].substr(6 * kBlock, 10));
  world.before = [](const File&, std::uint64_t) { return fail(Kind::conflict, "it was replaced"); };
  CHECK(read(world.reader, handle, 0, 10) == std::nullopt);
  CHECK(read(world.reader, handle, 3 * kBlock, 10) == std::nullopt);
  CHECK(read(world.reader, handle, 6 * kBlock - 5, 10) == std::nullopt);  // half of it would be there
  CHECK(read(world.reader, handle, 6 * kBlock, 10) == world.files[1].substr(6 * kBlock, 10));  // of the first version
  REQUIRE(world.all_reports().size() == 1);
  CHECK(world.all_reports()[0].find("s3://bucket/key-1 was replaced") == 0);
}

TEST_CASE("a store that is away is asked again, and what had come is not fetched twice") {
  Reader::Options options;
  options.first_pause = milliseconds{1};
  World world(options);
  const auto handle = world.reader.open(world.add(1, kBlock));
  std::atomic<int> refusals = 5;
  world.before = [&](const File&, std::uint64_t) -> Result<void> {
    if (refusals-- > 0) return fail(Kind::try_again, "busy");
    return {};
  };
  CHECK(read(world.reader, handle, 10, 100) == world.files[1].substr(10, 100));
  CHECK(world.all_gets().size() == 6);
  CHECK(world.all_reports().empty());
}

TEST_CASE("a store that stays away is an error with a reason once patience is over, and is asked anew afterwards") {
  Reader::Options options;
  options.first_pause = milliseconds{1};
  World world(options);
  const auto handle = world.reader.open(world.add(1, kBlock));
  std::atomic<bool> away = true;
  world.before = [&](const File&, std::uint64_t) -> Result<void> {
    world.clock.advance(minutes{1});
    if (away) return fail(Kind::try_again, "nobody answers");
    return {};
  };
  CHECK(read(world.reader, handle, 0, 100) == std::nullopt);
  REQUIRE(world.all_reports().size() == 1);
  CHECK(world.all_reports()[0].find("s3://bucket/key-1 cannot be read") == 0);
  CHECK(world.all_reports()[0].find("nobody answers") != std::string::npos);
  away = false;
  CHECK(read(world.reader, handle, 0, 100) == world.files[1].substr(0, 100));
}

TEST_CASE("an object that is shorter than it was said to be is no shorter file") {
  Reader::Options options;
  options.first_pause = milliseconds{1};
  World world(options);
  auto file = world.add(1, 1000);
  file.size = 2000;
  world.before = [&](const File&, std::uint64_t) -> Result<void> {
    world.clock.advance(minutes{1});
    return {};
  };
  CHECK(read(world.reader, world.reader.open(file), 0, 2000) == std::nullopt);
  REQUIRE(world.all_reports().size() == 1);
  CHECK(world.all_reports()[0].find("fewer bytes came") != std::string::npos);
}

TEST_CASE("while some wait for a store, others are served") {
  Reader::Options options;
  options.first_pause = hours{1};
  World world(options);
  world.before = [](const File& file, std::uint64_t) -> Result<void> {
    if (file.id == 1) return fail(Kind::try_again, "busy");
    return {};
  };
  const auto away = world.add(1, 4 * kBlock), there = world.add(2, 50 * kBlock);
  std::atomic<int> unanswered = 0, answered = 0;
  for (std::uint64_t block : {3, 1}) {
    ++unanswered;
    world.reader.read(world.reader.open(away), block * kBlock, 10, [&](auto slices) {
      --unanswered;
      if (slices) ++answered;
    });
  }
  const auto handle = world.reader.open(there);
  for (std::uint64_t at = 0; at < there.size; at += kBlock / 2) {
    REQUIRE(read(world.reader, handle, at, 100) == world.files[2].substr(at, 100));
  }
  CHECK(unanswered == 2);
  world.reader.stop();
  CHECK(unanswered == 0);
  CHECK(answered == 0);
}

TEST_CASE("what nobody can answer any more is answered at the stop") {
  World world;
  std::mutex mutex;
  std::condition_variable changed;
  bool asked = false, go_on = false;
  world.before = [&](const File&, std::uint64_t) -> Result<void> {
    std::unique_lock lock(mutex);
    asked = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
    return {};
  };
  const auto handle = world.reader.open(world.add(1, kBlock));
  auto answer = std::async(std::launch::async, [&] { return read(world.reader, handle, 0, 100); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asked; });
  }
  world.reader.stop();
  CHECK(answer.get() == std::nullopt);
  CHECK(read(world.reader, handle, 0, 100) == std::nullopt);
  {
    const std::lock_guard lock(mutex);
    go_on = true;
  }
  changed.notify_all();
}
