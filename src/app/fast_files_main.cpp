#include "app/fast_files_main.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <thread>

#include "agent/fast_file_messages.hpp"
#include "app/assignment.hpp"
#include "app/open_buckets.hpp"
#include "base/log.hpp"
#include "checkpoint/safety_words.hpp"
#include "fastfile/mount.hpp"
#include "telemetry/service_log.hpp"

namespace holdfast::app {
namespace {

constexpr int kLeavesWithinMs = 1000;

class AgentLine {
 public:
  // The next line; nothing: the agent has ended, or wants the end.
  std::optional<std::string> next() {
    for (;;) {
      if (const auto end = text_.find('\n', begin_); end != std::string::npos) {
        auto line = text_.substr(begin_, end - begin_);
        begin_ = end + 1;
        return line;
      }
      text_.erase(0, std::exchange(begin_, 0));
      char block[64 * 1024];
      const auto n = ::read(agent::kFastFileSocket, block, sizeof block);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return std::nullopt;
      text_.append(block, static_cast<std::size_t>(n));
    }
  }
  // From any thread; to nobody, when the agent has ended.
  void say(const agent::FastFileAnswer& answer) {
    const auto line = agent::answer_line(answer);
    const std::lock_guard lock(mutex_);
    ::send(agent::kFastFileSocket, line.data(), line.size(), MSG_NOSIGNAL);
  }

 private:
  std::string text_;
  std::size_t begin_ = 0;
  std::mutex mutex_;
};

struct ShownChannel {
  std::string name;
  std::uint64_t bytes = 0;
  std::shared_ptr<fastfile::Counters> counters;
};

Result<ShownChannel> show(fastfile::Mount& mount, agent::NamedListing channel) {
  std::vector<fastfile::Object> objects;
  for (auto& file : channel.listing.files) {
    objects.push_back({std::move(file.path), file.size, std::move(file.version), file.modified});
  }
  auto tree = fastfile::Tree::make(std::move(objects));
  if (!tree) return fail(tree.error());
  ShownChannel shown{channel.channel, tree->bytes(), std::make_shared<fastfile::Counters>()};
  auto added = mount.add({std::move(channel.channel), std::move(channel.listing.bucket),
                          std::move(channel.listing.prefix), std::move(*tree), shown.counters});
  if (!added) return fail(added.error());
  return shown;
}

// Until the agent wants no more.
std::vector<ShownChannel> show_all(fastfile::Mount& mount, AgentLine& line) {
  std::vector<ShownChannel> shown;
  agent::ListingReader reader;
  while (const auto text = line.next()) {
    auto channel = reader.take(*text);
    if (channel && !*channel) continue;
    auto added = channel ? show(mount, std::move(**channel)) : Result<ShownChannel>(fail(channel.error()));
    if (!added) {
      line.say(agent::FilesRefused{added.error()});
      continue;
    }
    shown.push_back(*added);
    line.say(agent::ChannelShown{shown.back().name});
  }
  return shown;
}

// SIGTERM to the whole machine leaves the program some seconds, and it needs its files until the end.
void end_only_with_the_agent() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
}

// Blocks come and go by the thousand. Left to itself the C library returns each to the kernel, which has to clear the
// next one page by page, and keeps a heap for each thread: twice the processor's time, and half as much memory again.
void keep_memory_for_the_next_block() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

}  // namespace

int fast_files_main(const std::string& directory) {
  keep_memory_for_the_next_block();
  end_only_with_the_agent();
  ::fcntl(agent::kFastFileSocket, F_SETFD, FD_CLOEXEC);
  telemetry::log_to_stderr(Level::info);
  AgentLine line;
  const auto refuse = [&](const Error& error) {
    log_error("{}", error.message);
    line.say(agent::FilesRefused{error});
    return 1;
  };
  auto facts = read_assignment(directory);
  if (!facts) return refuse(facts.error());
  SystemClock clock;
  SystemRandom random;
  auto buckets = open_buckets(facts->service.objects, facts->service.places, {clock, random, kAgentsPatience});
  if (!buckets) return refuse(buckets.error());

  fastfile::Reader reader(
      [&](const fastfile::File& file, std::uint64_t offset, std::uint64_t length, const auto& sink) {
        return buckets->all->get_version(file.bucket, file.key, file.version, offset, length, sink);
      },
      [&](const std::string& text) { line.say(agent::FilesNote{text}); }, clock);
  auto mount = fastfile::Mount::open(std::filesystem::path(directory) / agent::kFastFileFolder, reader, [] {
    log_error("the file system was unmounted by somebody else");
    ::_exit(1);
  });
  if (!mount) return refuse(mount.error());
  line.say(agent::FilesMounted{});
  const auto shown = show_all(**mount, line);

  (*mount)->close();
  reader.stop();
  for (const auto& channel : shown) {
    line.say(
        agent::FilesNote{fmt::format("channel '{}': {} of its {} came from the store, in {} requests", channel.name,
                                     checkpoint::readable_bytes(channel.counters->bytes),
                                     checkpoint::readable_bytes(channel.bytes), channel.counters->requests.load())});
  }
  // Whatever still waits for a store: nobody waits for that. Where nothing does, nothing is left behind.
  std::thread([] {
    ::poll(nullptr, 0, kLeavesWithinMs);
    ::_exit(0);
  }).detach();
  return 0;
}

}  // namespace holdfast::app
