#include "agent/commit_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/commit_protocol.hpp"
#include "base/log.hpp"

namespace holdfast::agent {
namespace {

constexpr int kBacklog = 16;
constexpr int kLook = 1000;  // milliseconds, while somebody is waited for

}  // namespace

Result<std::unique_ptr<CommitSocket>> CommitSocket::open(const std::filesystem::path& directory,
                                                         CommitRequests& requests, Tasks& tasks, Clock& clock) {
  if (auto made = make_directories(directory); !made) return fail(made.error());
  const Fd place{::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!place) return fail_errno("opening " + directory.string(), errno);
  if (::unlinkat(place.get(), kCommitSocketName, 0) != 0 && errno != ENOENT) {
    return fail_errno("removing an old socket in " + directory.string(), errno);
  }
  Fd listening{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!listening) return fail_errno("making a socket", errno);
  // By way of the directory's descriptor: an address holds 107 bytes, and the path of an instance may be longer.
  const auto path = fmt::format("/proc/self/fd/{}/{}", place.get(), kCommitSocketName);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  if (::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening.get(), kBacklog) != 0) {
    return fail_errno("making a socket in " + directory.string(), errno);
  }
  Fd woken{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!woken) return fail_errno("making an eventfd", errno);
  std::unique_ptr<CommitSocket> socket(new CommitSocket(std::move(listening), std::move(woken), requests, clock));
  socket->task_ = tasks.start([raw = socket.get()] { raw->serve(); });
  return socket;
}

CommitSocket::CommitSocket(Fd listening, Fd woken, CommitRequests& requests, Clock& clock)
    : listening_(std::move(listening)), woken_(std::move(woken)), requests_(requests), clock_(clock) {}

CommitSocket::~CommitSocket() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(woken_.get(), 1);
}

// On the answering thread; the connection may be gone by then.
void CommitSocket::answer(std::uint64_t number, const CommitAnswer& answer) {
  {
    const std::lock_guard lock(mutex_);
    answers_[number] = answer;
  }
  ::eventfd_write(woken_.get(), 1);
}

short CommitSocket::events_for(const Connection& connection) {
  if (!connection.out.empty()) return POLLOUT;
  // One that waits for its commit is only looked at for its end.
  return connection.asked && !connection.told ? 0 : POLLIN;
}

bool CommitSocket::waits_for_other_side(const Connection& connection) {
  return !connection.asked || connection.told || !connection.out.empty();
}

void CommitSocket::serve() {
  for (;;) {
    std::vector<pollfd> fds = {{woken_.get(), POLLIN, 0},
                               {connections_.size() < kMaxCommitConnections ? listening_.get() : -1, POLLIN, 0}};
    std::vector<std::uint64_t> numbers;
    bool patient = false;
    for (const auto& [number, connection] : connections_) {
      fds.push_back({connection.fd.get(), events_for(connection), 0});
      numbers.push_back(number);
      patient |= waits_for_other_side(connection);
    }
    ::poll(fds.data(), fds.size(), patient ? kLook : -1);
    eventfd_t count = 0;
    ::eventfd_read(woken_.get(), &count);
    take_answers();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        // What was answered just now is still told, as far as it goes without waiting.
        for (auto& [number, connection] : connections_) write_to(connection);
        return;
      }
    }
    if (fds[1].revents != 0) accept_one();
    const Instant now = clock_.ticks();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      auto& connection = connections_.at(numbers[i]);
      const auto happened = fds[i + 2].revents;
      if ((happened & POLLIN) != 0) read_from(numbers[i], connection);
      if (!connection.out.empty()) write_to(connection);
      const bool gone = connection.out.empty() && (happened & (POLLHUP | POLLERR)) != 0;
      const bool slow = waits_for_other_side(connection) && now >= connection.until;
      if (!connection.fd || gone || slow) connections_.erase(numbers[i]);
    }
  }
}

void CommitSocket::accept_one() {
  Fd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!fd) return;
  auto& connection = connections_[next_++];
  connection.fd = std::move(fd);
  connection.until = clock_.ticks() + kCommitPatience;
}

void CommitSocket::read_from(std::uint64_t number, Connection& connection) {
  char block[4096];
  const auto n = ::read(connection.fd.get(), block, sizeof block);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    connection.fd = Fd{};
    return;
  }
  if (connection.told) return;
  connection.in.append(block, static_cast<std::size_t>(n));
  const auto head = read_commit_head(connection.in);
  if (head == CommitHead::incomplete) return;
  connection.in.clear();
  if (head != CommitHead::ask) {
    connection.out = commit_refusal(head);
    return;
  }
  connection.asked = true;
  requests_.ask([this, number](const CommitAnswer& what) { answer(number, what); });
}

void CommitSocket::write_to(Connection& connection) {
  while (!connection.out.empty()) {
    const auto n = ::send(connection.fd.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      connection.fd = Fd{};
      return;
    }
    connection.out.erase(0, static_cast<std::size_t>(n));
  }
  // Not closed yet: with a body unread, the other side would get a broken connection after the answer.
  ::shutdown(connection.fd.get(), SHUT_WR);
  connection.told = true;
}

void CommitSocket::take_answers() {
  std::map<std::uint64_t, CommitAnswer> answers;
  {
    const std::lock_guard lock(mutex_);
    answers.swap(answers_);
  }
  for (const auto& [number, answer] : answers) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) continue;
    found->second.out = commit_answer(answer);
    found->second.until = clock_.ticks() + kCommitPatience;
  }
}

}  // namespace holdfast::agent
