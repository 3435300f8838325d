#include "objects/credential_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36, which forgot that C++ exists
}

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/poll.hpp"
#include "objects/credential_services.hpp"

namespace holdfast::objects {

namespace {

constexpr std::size_t kMaxOutput = 64 * 1024;

// A process and its output, ended and collected whatever becomes of us.
class Child {
 public:
  Child(pid_t pid, Fd output) : pid_(pid), handle_(::pidfd_open(pid, 0)), output_(std::move(output)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) collect(true);
  }

  // All that it prints, and its status; nothing: it took longer than until `end`, or printed too much.
  std::optional<std::pair<std::string, int>> finish(Clock& clock, Instant end) {
    const auto left = [&] { return static_cast<int>(std::max<std::int64_t>((end - clock.ticks()).count(), 0)); };
    std::string text;
    for (std::array<char, 4096> block;;) {
      if (!is_readable(output_.get(), left())) return std::nullopt;
      const auto n = ::read(output_.get(), block.data(), block.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      text.append(block.data(), static_cast<std::size_t>(n));
      if (text.size() > kMaxOutput) return std::nullopt;
    }
    if (!handle_ || !is_readable(handle_.get(), left())) return std::nullopt;
    return std::pair{std::move(text), collect(false)};
  }

 private:
  int collect(bool kill) {
    if (kill) ::kill(-pid_, SIGKILL);  // and what it started: it has a group of its own
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

  pid_t pid_;
  Fd handle_, output_;
};

// 0, or why it could not be started.
int spawn(std::vector<std::string>& words, int output, pid_t& pid) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // What it complains of may hold a secret, and would stand in our log.
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, usual;
  ::sigemptyset(&none);
  ::sigemptyset(&usual);
  ::sigaddset(&usual, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &usual);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  // It finds its way with the variables that we were started with, as it would from AWS's tools.
  const int error = ::posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), ::environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;  // a word, perhaps an empty one in quotes
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      inside = false;
      continue;
    }
    if (!std::exchange(inside, true)) words.emplace_back();
    const bool escapes =
        c == '\\' && quote != '\'' && i + 1 < line.size() && (quote == 0 || line[i + 1] == '"' || line[i + 1] == '\\');
    if (escapes) {
      words.back() += line[++i];
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return fail(Kind::invalid, "a quote is not closed");
  if (words.empty() || words.front().empty()) return fail(Kind::invalid, "no program is named");
  return words;
}

Result<TimedCredentials> parse_process_credentials(std::string_view text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object() || object.value("Version", nlohmann::json()) != 1)
    return fail(Kind::permanent, "what it printed is no JSON object with \"Version\": 1");
  auto found = parse_credentials_json(text);
  if (!found) return fail(Kind::permanent, "what it printed has no whole credentials");
  return found;
}

Result<TimedCredentials> process_credentials(std::string_view command_line, Duration limit) {
  auto words = split_words(command_line);
  if (!words) return fail(Kind::permanent, "credential_process: {}", words.error().message);
  const auto what = "credential_process (" + words->front() + ")";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe", errno);
  Fd output{ends[0]}, input{ends[1]};
  pid_t pid = 0;
  if (const int error = spawn(*words, input.get(), pid); error != 0)
    return fail(error == EAGAIN || error == ENOMEM ? Kind::try_again : Kind::permanent, "{}: {}", what,
                std::strerror(error));
  Child child(pid, std::move(output));
  input.reset();
  SystemClock clock;
  const auto finished = child.finish(clock, clock.ticks() + limit);
  if (!finished)
    return fail(Kind::try_again, "{}: it took longer than {} s, or printed too much", what, limit.count() / 1000);
  const auto& [text, status] = *finished;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(Kind::try_again, "{}: it failed, with {} {}: run it by hand to see why", what,
                WIFEXITED(status) ? "exit status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  auto found = parse_process_credentials(text);
  return found ? std::move(found) : fail(found.error(), "{}", what);
}

}  // namespace holdfast::objects
