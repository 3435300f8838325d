// S3 through a proxy that loses, breaks, cuts and spoils what passes: every object is byte-exact, or the call says that
// it failed; nothing is ever half. HOLDFAST_TEST_S3_FAULTY is the proxy, HOLDFAST_TEST_S3_ENDPOINT the server behind
// it.
#include <map>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "s3/environment.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

bool may_fail_with(const Error& error) {
  // Spoilt bytes that a server has no checksum for come out as what they look like.
  return error.kind == Kind::try_again || error.kind == Kind::conflict;
}

// Every attempt, for whoever looks into a failure.
void log_if_asked() {
  if (given("LOG", "").empty()) return;
  set_log_sink([](Level, const std::string& line) { fmt::print(stderr, "{}\n", line); });
}

struct Walk {
  OpenStore& faulty;
  OpenStore& sound;
  SeededRandom random;
  std::string prefix;
  // What may be at a key, or nothing: more than one where a call failed, since it may have been done all the same.
  std::map<std::string, std::vector<std::optional<std::string>>> possible = {};
  int puts = 0, failures = 0, wrong = 0;

  std::uint64_t draw(std::uint64_t below) { return random.next() % below; }
  std::string key() { return prefix + std::to_string(draw(6)); }

  void expect(bool right, const std::string& what) {
    if (right) return;
    ++wrong;
    MESSAGE(what);
  }
  template <class T>
  bool done(const Result<T>& result, const std::string& what) {
    if (result) return true;
    ++failures;
    expect(may_fail_with(result.error()), what + ": " + result.error().message);
    return false;
  }

  void put() {
    const auto where = key();
    const auto size = draw(3) == 0 ? 5 * kMiB + draw(8 * kMiB) : draw(50'000);
    MemorySource source(size, random.next());
    ++puts;
    auto& may = possible.try_emplace(where, 1, std::nullopt).first->second;
    if (done(faulty->put("bucket", where, source), "put"))
      may = {source.bytes()};
    else
      may.push_back(source.bytes());
  }

  void get() {
    const auto where = key();
    if (!possible.contains(where)) return;
    std::string got;
    const auto offset = draw(2) == 0 ? 0 : draw(60'000);
    const auto length = draw(2) == 0 ? ports::kToTheEnd : draw(3 * kMiB);
    const auto read = faulty->get("bucket", where, offset, length, [&](std::string_view block) {
      got += block;
      return Result<void>{};
    });
    if (!read && read.error().kind == Kind::not_found)
      return expect(is_possible(where, std::nullopt), "gone: " + where);
    if (!done(read, "get")) return;
    bool right = false;
    for (const auto& bytes : possible[where])
      right = right || (bytes && got == (offset < bytes->size() ? bytes->substr(offset, length) : ""));
    expect(right, "wrong bytes of " + where);
  }

  bool is_possible(const std::string& where, const std::optional<std::string>& bytes) {
    const auto& may = possible[where];
    return std::find(may.begin(), may.end(), bytes) != may.end();
  }

  // By a straight road, what is really there.
  void look() {
    for (const auto& entry : possible) {
      const auto& where = entry.first;
      const auto info = sound->head("bucket", where);
      if (!info) {
        expect(info.error().kind == Kind::not_found && is_possible(where, std::nullopt), "gone: " + where);
        continue;
      }
      const auto bytes = sound.bytes_of(where);
      expect(is_possible(where, bytes), "half an object at " + where);
    }
  }
};

}  // namespace

TEST_CASE("whatever happens on the way, an object is there whole or not at all") {
  log_if_asked();
  auto options = small_options(given("FAULTY"));
  options.patience = seconds{8};
  options.stall_timeout = seconds{5};
  OpenStore faulty(options), sound(given("ENDPOINT"));
  std::atomic<int> wrong = 0, puts = 0, failures = 0;
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        Walk walk{faulty, sound, SeededRandom{std::strtoull(given("SEED", "1").c_str(), nullptr, 10) * 100 + t},
                  fmt::format("walk-{}/", t)};
        for (int i = 0; i < std::stoi(given("STEPS", "40")); ++i) walk.draw(2) == 0 ? walk.put() : walk.get();
        walk.look();
        wrong += walk.wrong;
        puts += walk.puts;
        failures += walk.failures;
      });
  }
  CHECK(wrong == 0);
  CHECK(puts > 0);
  // The client is there to get through: with faults in every few requests, hardly a call should fail.
  CHECK(failures <= puts / 4);
  MESSAGE(puts.load() << " puts, " << failures.load() << " calls failed");
}

TEST_CASE("lists, copies and removals get through") {
  log_if_asked();
  OpenStore faulty(given("FAULTY"));
  for (int i = 0; i < 20; ++i) {
    const auto key = fmt::format("through/{:02}", i);
    REQUIRE(ok(faulty->put_bytes("bucket", key, key)));
    REQUIRE(ok(faulty->copy("bucket", key, "through/copy")));
    CHECK(faulty->get_bytes("bucket", "through/copy", 100).value() == key);
    REQUIRE(ok(faulty->remove("bucket", "through/copy")));
    CHECK(faulty->list("bucket", "through/", "", 1000).value().objects.size() == static_cast<std::size_t>(i + 1));
  }
}
