// What bounds the S3 store: its memory, its threads, and how often it asks again.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "objects/s3_buffers.hpp"
#include "objects/s3_retry.hpp"
#include "objects/s3_workers.hpp"

using namespace holdfast;
using namespace holdfast::objects;

TEST_CASE("buffers never go beyond the limit, whoever asks for them at once") {
  constexpr std::size_t kWhole = 4u << 20;
  BufferPool pool(3 * kWhole, kWhole);
  std::atomic<std::size_t> lent = 0, most = 0, done = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < 50; ++i) {
          const auto size = (t + i) % 2 == 0 ? kWhole - i : 1000 + i;
          const auto buffer = pool.take(size);
          auto now = lent += size;
          for (auto seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          CHECK(buffer.bytes().size() == size);
          buffer.bytes().front() = buffer.bytes().back() = 'x';
          lent -= size;
          ++done;
        }
      });
  }
  CHECK(done == 400);
  CHECK(most <= 3 * kWhole);
}

TEST_CASE("work is done once each, by the caller and its helpers, and not more at once than allowed") {
  Workers workers(4);
  std::vector<std::atomic<int>> times(100);
  std::atomic<int> inside = 0, most = 0;
  const auto done = workers.each(times.size(), 3, [&](std::size_t index) -> Result<void> {
    const int now = ++inside;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    ++times[index];
    std::this_thread::yield();
    --inside;
    return {};
  });
  CHECK(done);
  for (const auto& one : times) CHECK(one == 1);
  CHECK(most <= 3);
  CHECK(workers.each(0, 3, [](std::size_t) -> Result<void> { return fail(Kind::permanent, "never called"); }));
}

TEST_CASE("after an error nothing new is begun, and the first one comes out") {
  Workers workers(2);
  std::atomic<int> begun = 0;
  const auto done = workers.each(1000, 3, [&](std::size_t index) -> Result<void> {
    ++begun;
    if (index >= 5) return fail(Kind::conflict, "it changed");
    return {};
  });
  CHECK(done.error().kind == Kind::conflict);
  CHECK(begun < 20);
}

TEST_CASE("many may ask for helpers at once, also from within their work") {
  Workers workers(2);
  std::atomic<int> done = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 6; ++i)
      callers.emplace_back([&] {
        CHECK(workers.each(10, 4, [&](std::size_t) {
          return workers.each(3, 4, [&](std::size_t) -> Result<void> {
            ++done;
            return {};
          });
        }));
      });
  }
  CHECK(done == 180);
}

TEST_CASE("pauses double, are never more than allowed, and may be nothing") {
  for (int attempt = 0; attempt < 40; ++attempt)
    for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{12345678901}, ~std::uint64_t{0}}) {
      const auto pause = pause_before(attempt, false, random);
      CHECK(pause >= Duration::zero());
      CHECK(pause <= kLongestPauseOfOurs);
      if (attempt == 0) CHECK(pause <= kFirstPause);
    }
  CHECK(pause_before(0, true, 400) == milliseconds{400});
}

TEST_CASE("retries are paid for by successes") {
  RetryBudget budget;
  int retries = 0;
  while (budget.take()) ++retries;
  CHECK(retries == RetryBudget::kCapacity / RetryBudget::kCostOfRetry);
  budget.succeeded(false);
  CHECK_FALSE(budget.take());
  budget.succeeded(true);
  CHECK(budget.take());
  for (int i = 0; i < 10'000; ++i) budget.succeeded(true);
  CHECK(budget.left() == RetryBudget::kCapacity);
}

TEST_CASE("a wait can be ended") {
  Pauses pauses;
  CHECK(pauses.wait(milliseconds{1}));
  std::jthread ender([&] { pauses.end(); });
  CHECK_FALSE(pauses.wait(hours{1}));
  CHECK_FALSE(pauses.wait(hours{1}));
}
