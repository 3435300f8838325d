// holdfast-sim: the whole control plane under a seed. One seed is one run and can be had again; many seeds are a search
// for a broken promise.
#include <signal.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>

#include "sim/world.hpp"

namespace {

using namespace holdfast;
using sim::RunResult;

constexpr double kShowEvery = 0.2;  // seconds

struct Options {
  std::optional<std::uint64_t> seed;
  bool trace = false;
  bool plan = false;
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  double minutes = 0;
  unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  bool stop = false;
  bool boundaries = false;
  int steady = 0;
  double hours = 24;
};

// What this thread is at: for whoever finds it dead.
thread_local std::uint64_t seed_in_hand = 0;

void name_the_seed(int signal_number) {
  char text[64];
  const int n = std::snprintf(text, sizeof text, "holdfast-sim --seed %llu --trace    # died\n",
                              static_cast<unsigned long long>(seed_in_hand));
  if (n > 0 && ::write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) return;
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

// A line for who waits at a terminal; empty text takes it away.
void progress(const std::string& text) {
  if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r\033[K%s", text.c_str());
}

double hours_of(const RunResult& result) {
  return static_cast<double>((result.ended - result.begun).count()) / 3'600'000;
}

void print_violations(const RunResult& result) {
  for (const auto& violation : result.violations) {
    std::printf("%s broken at %s: %s\n", violation.property.c_str(), to_iso8601(violation.at).c_str(),
                violation.what.c_str());
  }
}

void print_story(std::uint64_t seed, const RunResult& result) {
  std::string ends;
  for (const auto& [how, number] : result.jobs) ends += fmt::format(", {} {}", number, how);
  std::printf(
      "seed %llu: %.1f h, %llu records, %zu programs started, %zu interruptions, the service died %zu times%s\n",
      static_cast<unsigned long long>(seed), hours_of(result), static_cast<unsigned long long>(result.records),
      result.attempts, result.interruptions, result.deaths, ends.c_str());
  std::printf("trace hash %016llx\n", static_cast<unsigned long long>(result.hash));
}

int run_one(const Options& options) {
  const auto plan = sim::draw_plan(*options.seed);
  if (options.plan || options.trace) std::printf("%s", sim::describe(plan).c_str());
  sim::RunOptions how;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // the last line before a death matters most
  if (options.trace) how.trace = [](const std::string& line) { std::puts(line.c_str()); };
  const auto result = sim::run(plan, how);
  print_story(*options.seed, result);
  print_violations(result);
  return result.violations.empty() ? 0 : 1;
}

// Each boundary of one run: the service dies there, once, and must recover.
int run_boundaries(const Options& options) {
  auto plan = sim::draw_plan(*options.seed);
  plan.faults.crash_at_boundary = 0;
  plan.faults.mean_between_crashes.reset();
  const auto whole = sim::run(plan);
  print_violations(whole);
  std::uint64_t broken = whole.violations.empty() ? 0 : 1;
  for (std::uint64_t at = 1; at <= whole.boundaries; ++at) {
    sim::RunOptions how;
    how.die_at = at;
    progress(fmt::format("boundary {} of {}, {} broken", at, whole.boundaries, broken));
    const auto result = sim::run(plan, how);
    if (result.violations.empty()) continue;
    ++broken;
    std::printf("boundary %llu:\n", static_cast<unsigned long long>(at));
    print_violations(result);
  }
  progress("");
  std::printf("seed %llu: died at each of %llu boundaries, %llu runs broke a promise\n",
              static_cast<unsigned long long>(*options.seed), static_cast<unsigned long long>(whole.boundaries),
              static_cast<unsigned long long>(broken));
  return broken == 0 ? 0 : 1;
}

int run_steady(const Options& options) {
  const auto plan = sim::steady_plan(1, options.steady, Duration{static_cast<std::int64_t>(options.hours * 3'600'000)});
  const auto begin = std::chrono::steady_clock::now();
  const auto result = sim::run(plan);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  print_story(1, result);
  print_violations(result);
  std::printf("%.2f s for %.1f h: %.0f times as fast as time, with %d jobs\n", took, hours_of(result),
              hours_of(result) * 3600 / took, options.steady);
  return result.violations.empty() ? 0 : 1;
}

// Many seeds on all cores, each run on one thread of its own.
class Search {
 public:
  explicit Search(const Options& options) : options_(options), next_(options.first) {}

  int run() {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < options_.threads; ++i) workers.emplace_back([this] { work(); });
    workers.clear();
    progress("");
    const double took = seconds();
    std::printf("%llu seeds from %llu, %zu broke a promise; %.0f h of simulated time in %.1f s, %.0f seeds a minute\n",
                static_cast<unsigned long long>(done_), static_cast<unsigned long long>(options_.first), broken_.size(),
                hours_, took, static_cast<double>(done_) * 60 / took);
    for (const auto seed : broken_) {
      std::printf("  holdfast-sim --seed %llu --trace\n", static_cast<unsigned long long>(seed));
    }
    return broken_.empty() ? 0 : 1;
  }

 private:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }
  bool more(std::uint64_t seed) const {
    if (stopped_) return false;
    if (options_.minutes > 0) return seconds() < options_.minutes * 60;
    return seed < options_.first + options_.count;
  }
  void work() {
    for (;;) {
      const auto seed = next_++;
      if (!more(seed)) return;
      seed_in_hand = seed;
      take(seed, sim::run(sim::draw_plan(seed)));
    }
  }
  void take(std::uint64_t seed, const RunResult& result) {
    const std::lock_guard lock(mutex_);
    ++done_;
    hours_ += hours_of(result);
    if (!result.violations.empty()) {
      broken_.push_back(seed);
      std::printf("seed %llu:\n", static_cast<unsigned long long>(seed));
      print_violations(result);
      std::fflush(stdout);
      if (options_.stop) stopped_ = true;
    }
    if (seconds() < shown_ + kShowEvery) return;
    shown_ = seconds();
    progress(fmt::format("{} seeds, {} broken, {:.0f} a minute", done_, broken_.size(),
                         static_cast<double>(done_) * 60 / shown_));
  }

  const Options& options_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> next_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::uint64_t done_ = 0;
  double hours_ = 0;
  double shown_ = 0;
  std::vector<std::uint64_t> broken_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Runs Holdfast's real control plane and agents in a simulated world and checks every promise."};
  app.add_option("--seed", options.seed, "Run this seed once");
  app.add_flag("--trace", options.trace, "with --seed: tell the story, a line for each thing that happens");
  app.add_flag("--plan", options.plan, "with --seed: say what was drawn from it");
  app.add_flag("--boundaries", options.boundaries, "with --seed: kill the service at each boundary, one run for each");
  app.add_option("--first", options.first, "First seed of a search")->capture_default_str();
  app.add_option("--count", options.count, "Search so many seeds");
  app.add_option("--minutes", options.minutes, "Search for so long");
  app.add_option("--threads", options.threads, "Runs at a time")->check(CLI::Range(1U, 256U))->capture_default_str();
  app.add_flag("--stop", options.stop, "End the search at the first broken promise");
  app.add_option("--steady", options.steady, "Measure speed with so many jobs that stay alive, without faults");
  app.add_option("--hours", options.hours, "with --steady: simulated hours")->capture_default_str();
  app.footer("Exit status: 0 all promises held, 1 one was broken, 2 bad arguments.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  seed_in_hand = options.seed.value_or(0);
  for (const int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(signal_number, name_the_seed);
  if (options.seed && options.boundaries) return run_boundaries(options);
  if (options.seed) return run_one(options);
  if (options.steady > 0) return run_steady(options);
  if (options.count > 0 || options.minutes > 0) return Search(options).run();
  std::fprintf(stderr, "holdfast-sim: give --seed, --count, --minutes or --steady; --help says more\n");
  return 2;
}
