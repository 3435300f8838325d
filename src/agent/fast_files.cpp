#include "agent/fast_files.hpp"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.hpp"
#include "base/mounts.hpp"

namespace holdfast::agent {
namespace {

// For what takes milliseconds, or a second where a channel has a million files.
constexpr Duration kAnswersWithin = minutes{1};
constexpr Duration kEndsWithin = seconds{10};
constexpr std::size_t kMaxAnswer = 64 * 1024;

Result<pid_t> spawn(std::vector<std::string> words, int socket) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, socket, kFastFileSocket);
  // The agent blocks and ignores some signals.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, usual;
  sigemptyset(&none);
  sigfillset(&usual);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &usual);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, words[0].c_str(), &actions, &attributes, arguments.data(), ::environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno("starting the process that shows FastFile channels", error);
  return pid;
}

}  // namespace

FastFiles::FastFiles(std::filesystem::path place, Note note, std::function<void()> wake)
    : place_(std::move(place)), note_(std::move(note)), wake_(std::move(wake)) {}

Result<std::unique_ptr<FastFiles>> FastFiles::start(const std::vector<std::string>& command,
                                                    const std::filesystem::path& directory, Note note,
                                                    std::function<void()> wake) {
  std::unique_ptr<FastFiles> files(new FastFiles(directory / kFastFileFolder, std::move(note), std::move(wake)));
  detach_mounts_below(directory);
  if (auto running = files->run(command, directory); !running) return fail(running.error());
  auto* const self = files.get();
  if (auto mounted = files->await("mounting", [self] { return self->mounted_; }); !mounted)
    return fail(mounted.error());
  return files;
}

Result<void> FastFiles::run(const std::vector<std::string>& command, const std::filesystem::path& directory) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("making a socket", errno);
  socket_ = Fd{ends[0]};
  const Fd other{ends[1]};
  auto words = command;
  words.insert(words.end(), {"--directory", directory.string()});
  const auto process = spawn(std::move(words), other.get());
  if (!process) return fail(process.error());
  process_ = *process;
  listener_ = std::thread([this] { listen(); });
  return {};
}

FastFiles::~FastFiles() {
  if (process_ == 0) return;
  let_go();
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kEndsWithin, [this] { return ended_; })) {
      log_warn("the process that shows FastFile channels does not end and is killed");
      ::kill(process_, SIGKILL);
    }
  }
  listener_.join();
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  detach_mounts_below(place_.parent_path());
}

std::filesystem::path FastFiles::folder_of(const std::string& channel) const { return place_ / "channels" / channel; }

std::optional<Error> FastFiles::trouble() const {
  const std::lock_guard lock(mutex_);
  // Asked at the moment when a program has failed, perhaps before its listener was told.
  pollfd end{socket_.get(), POLLRDHUP, 0};
  const bool over = ended_ || (::poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLRDHUP)) != 0);
  if (!over || leaving_) return std::nullopt;
  return Error{Kind::try_again, "the process that shows the files of FastFile channels has ended"};
}

void FastFiles::let_go() {
  const std::lock_guard lock(mutex_);
  leaving_ = true;
  ::shutdown(socket_.get(), SHUT_WR);
}

Result<void> FastFiles::show(const std::string& channel, const ChannelListing& listing) {
  const std::lock_guard one(showing_);
  const auto written = write_channel(channel, listing, [this](std::string_view piece) -> Result<void> {
    while (!piece.empty()) {
      const auto n = ::send(socket_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("naming its files", errno);
      piece.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  });
  if (!written) return fail(written.error(), "showing channel '{}'", channel);
  return await(fmt::format("showing channel '{}'", channel), [&] { return shown_.contains(channel); });
}

Result<void> FastFiles::await(const std::string& what, const std::function<bool()>& answered) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kAnswersWithin, [&] { return refused_ || ended_ || answered(); });
  if (refused_) return fail(*std::exchange(refused_, std::nullopt));
  if (answered()) return {};
  return fail(Kind::permanent, "{}: {}", what,
              ended_ ? "the process for it has ended, and agent.log says why" : "the process for it does not answer");
}

// ---- on the listener's thread

void FastFiles::listen() {
  std::string text;
  char block[4096];
  for (;;) {
    const auto n = ::recv(socket_.get(), block, sizeof block, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(block, static_cast<std::size_t>(n));
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      take(text.substr(0, end));
      text.erase(0, end + 1);
    }
    if (text.size() > kMaxAnswer) ::shutdown(socket_.get(), SHUT_RDWR);
  }
  bool wanted = false;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    wanted = !leaving_;
  }
  changed_.notify_all();
  if (wanted) wake_();
}

void FastFiles::take(const std::string& line) {
  const auto answer = parse_answer(line);
  if (!answer) return log_warn("{}", answer.error().message);
  if (const auto* note = std::get_if<FilesNote>(&*answer)) return note_(note->line);
  {
    const std::lock_guard lock(mutex_);
    if (std::holds_alternative<FilesMounted>(*answer)) mounted_ = true;
    if (const auto* refused = std::get_if<FilesRefused>(&*answer)) refused_ = refused->error;
    if (const auto* shown = std::get_if<ChannelShown>(&*answer)) shown_.insert(shown->channel);
  }
  changed_.notify_all();
}

}  // namespace holdfast::agent
