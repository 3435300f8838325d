// Measures the log store alone, through its own doors: lines taken in, a time found, a stream searched; and beside each
// what the machine can do at best.
//
// Usage: log_store DIRECTORY [LINES]      DIRECTORY must not exist; it is removed in the end
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>

#include "api/filter_pattern.hpp"
#include "base/random.hpp"
#include "telemetry/file_telemetry.hpp"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBatchLines = 1000;
constexpr std::int64_t kBegin = 1'700'000'000'000;
constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();
const std::string kGroup(ports::kTrainingLogGroup);
const std::string kStream = "bench/algo-1-1";

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}
void must(Result<void> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
}

void show(const std::string& name, const std::string& value) { std::printf("%-86s %s\n", name.c_str(), value.c_str()); }

struct Store {
  explicit Store(const fs::path& directory)
      : logs(must(telemetry::FileLogs::open(directory, clock))),
        telemetry(must(telemetry::FileTelemetry::open(directory, clock, *logs))) {}
  SystemClock clock;
  std::unique_ptr<telemetry::FileLogs> logs;
  std::unique_ptr<telemetry::FileTelemetry> telemetry;
};

// About what a training prints: one line a millisecond, 90 bytes.
std::vector<ports::LogEvent> batch_of(std::size_t first) {
  std::vector<ports::LogEvent> lines;
  lines.reserve(kBatchLines);
  for (std::size_t i = first; i < first + kBatchLines; ++i) {
    const auto step = static_cast<double>(i);
    lines.push_back({kBegin + static_cast<std::int64_t>(i), 0,
                     fmt::format("epoch {:3} step {:9} loss={:.6f} accuracy={:.4f} learning_rate=1.00e-03 {:7.1f} it/s",
                                 i / 100'000, i, 1 / (1 + step), step / (1 + step), 812.5)});
  }
  return lines;
}

double take_in(Store& store, std::size_t lines, const std::string& job,
               const std::vector<job::MetricDefinition>& metrics) {
  double spent = 0;
  for (std::size_t first = 0; first < lines; first += kBatchLines) {
    const auto batch = batch_of(first);
    spent += seconds_of([&] {
      must(store.telemetry->append(JobName{job}, Fence{1}, first / kBatchLines, job + "/algo-1-1", metrics, batch));
    });
  }
  return spent;
}

double plain_write(const fs::path& path, std::uint64_t bytes) {
  const std::string block(std::size_t{100} * 1024, 'x');
  const Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  const double spent = seconds_of([&] {
    for (std::uint64_t done = 0; done < bytes; done += block.size()) must(write_all(fd.get(), block, "writing"));
  });
  fs::remove(path);
  return spent;
}

// As the store reads: pieces of 256 KiB, each byte looked at once.
double plain_search(const fs::path& path) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  return seconds_of([&] {
    std::string piece(std::size_t{256} * 1024, '\0');
    for (off_t at = 0;;) {
      const ssize_t n = ::pread(fd.get(), piece.data(), piece.size(), at);
      if (n <= 0) break;
      if (::memmem(piece.data(), static_cast<std::size_t>(n), "\x01never", 6)) std::abort();
      at += n;
    }
  });
}

void find_times(Store& store, std::size_t lines, const char* how) {
  SeededRandom dice(1);
  std::vector<double> spent;
  for (int i = 0; i < 1000; ++i) {
    const auto line = static_cast<std::int64_t>(dice.next() % lines);
    ports::LogPage page;
    spent.push_back(seconds_of([&] {
      page = must(store.logs->read({kGroup, kStream, 0, false, 100, kBegin + line, kEver}));
    }));
    if (page.events.empty() || page.events.front().timestamp_ms != kBegin + line) std::abort();
  }
  std::sort(spent.begin(), spent.end());
  show(fmt::format("100 events from a time among {} lines, {}, ms p50 / p99 / longest", lines, how),
       fmt::format("{:.2f} / {:.2f} / {:.2f}", spent[500] * 1000, spent[990] * 1000, spent.back() * 1000));
}

void search(Store& store, std::uint64_t bytes, const char* pattern) {
  const auto parsed = api::FilterPattern::parse(pattern);
  if (!parsed) std::abort();
  std::size_t found = 0, pages = 0;
  const double spent = seconds_of([&] {
    ports::LogSearch asked{
        kGroup, {kStream}, 10'000, 0, kEver, {}, [&](auto message) { return parsed->matches(message); }};
    do {
      const auto page = must(store.logs->search(asked));
      found += page.events.size();
      ++pages;
      asked.from = page.next;
    } while (asked.from);
  });
  show(fmt::format("FilterLogEvents over all of it, {}, MB/s (events found, pages)", pattern),
       fmt::format("{:.0f} ({}, {})", static_cast<double>(bytes) / 1e6 / spent, found, pages));
}

std::string memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS")) return fmt::format("{} MiB", std::stoul(line.substr(6)) / 1024);
  return "?";
}

// What `aws logs tail --follow` asks every five seconds, of a group in which nothing is new.
double poll(Store& store) {
  return seconds_of([&] {
    const auto streams = must(store.logs->stream_names(kGroup, ""));
    must(store.logs->search({kGroup, streams, 10'000, kBegin + 1'000'000'000, kEver, {}, [](auto) { return true; }}));
  });
}

void many_streams(const fs::path& directory, std::size_t count) {
  {
    Store store(directory);
    const auto lines = batch_of(0);
    for (std::size_t i = 0; i < count; ++i)
      must(store.logs->append(fmt::format("many-{:06}/algo-1-1700000000", i), {Fence{1}, 0}, lines));
  }
  Store store(directory);
  const auto before = memory();
  const double cold = poll(store);
  const double warm = poll(store);
  show(fmt::format("a poll of {} streams after a restart, and the next one, ms", count),
       fmt::format("{:.0f}, {:.0f}", cold * 1000, warm * 1000));
  show("  resident memory before and after", before + ", " + memory());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || fs::exists(argv[1])) {
    std::fprintf(stderr, "usage: log_store DIRECTORY [LINES]; DIRECTORY must not exist\n");
    return 2;
  }
  const fs::path directory = argv[1];
  const std::size_t lines = argc > 2 ? std::stoul(argv[2]) : 10'000'000;
  auto store = std::make_unique<Store>(directory);
  const double spent = take_in(*store, lines, "bench", {});
  const fs::path file = directory / (kStream + ".log");
  const auto bytes = fs::file_size(file);
  show(fmt::format("lines taken in per second ({} lines of {} bytes as kept, batches of {})", lines, bytes / lines,
                   kBatchLines),
       fmt::format("{:.0f}", static_cast<double>(lines) / spent));
  show("  as MB/s", fmt::format("{:.0f}", static_cast<double>(bytes) / 1e6 / spent));
  show("  the machine: write() of as many bytes to the same disk, MB/s",
       fmt::format("{:.0f}", static_cast<double>(bytes) / 1e6 / plain_write(directory / "plain", bytes)));
  const std::size_t fewer = lines / 10;
  const double scanned = take_in(*store, fewer, "metrics", {{"loss", "loss=([0-9.]+)"}, {"acc", "accuracy=([0-9.]+)"}});
  show("lines taken in per second with two metrics looked for",
       fmt::format("{:.0f}", static_cast<double>(fewer) / scanned));

  find_times(*store, lines, "stream open");
  const double newest = seconds_of([&] {
    must(store->logs->read({kGroup, kStream, ports::kEndOfLog, true, 10'000, 0, kEver}));
  });
  show("the newest page of 10,000 events, ms", fmt::format("{:.1f}", newest * 1000));
  store = std::make_unique<Store>(directory);
  const double first = seconds_of([&] { must(store->logs->facts(kGroup, kStream)); });
  show("the stream opened after a restart, ms", fmt::format("{:.2f}", first * 1000));
  store.reset();
  fs::remove(directory / (kStream.substr(0, kStream.find('/')) + "/algo-1-1.idx"));
  store = std::make_unique<Store>(directory);
  const double rebuilt = seconds_of([&] { must(store->logs->facts(kGroup, kStream)); });
  show("its index made again from the log, s", fmt::format("{:.2f}", rebuilt));

  search(*store, bytes, "needle");
  search(*store, bytes, "\"step   5000000 \" loss -debug");
  search(*store, bytes, "[..., rate > 900, unit]");
  search(*store, bytes, "{ $.loss < 0.1 }");
  show("  the machine: pread() of pieces and memmem() in them, MB/s",
       fmt::format("{:.0f}", static_cast<double>(bytes) / 1e6 / plain_search(file)));
  show("resident memory in the end", memory());
  store.reset();
  many_streams(directory, lines / 1000);
  fs::remove_all(directory);
}
