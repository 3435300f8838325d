// The socket itself: real connections, answers that come later, and clients that misbehave.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <future>

#include "agent/commit_socket.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::agent;
using namespace holdfast::testing;

namespace {

// As a program inside the sandbox sees it: by a short path.
class Client {
 public:
  explicit Client(const std::filesystem::path& directory) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Fd place{::open(directory.c_str(), O_PATH | O_CLOEXEC)};
    const auto path = fmt::format("/proc/self/fd/{}/{}", place.get(), kCommitSocketName);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  void send(std::string_view bytes) {
    REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  // All until the other side is done.
  std::string receive() {
    std::string all;
    char block[512];
    for (;;) {
      const auto n = ::read(fd_.get(), block, sizeof block);
      CHECK(n >= 0);
      if (n <= 0) return all;
      all.append(block, static_cast<std::size_t>(n));
    }
  }
  void close() { fd_ = Fd{}; }

 private:
  Fd fd_;
};

struct Served {
  TempDir dir;
  std::filesystem::path place = dir / std::string(120, 'd');  // longer than an address of a socket may be
  SystemClock clock;
  ThreadTasks tasks;
  std::promise<void> first;
  std::atomic<int> asked = 0;
  CommitRequests requests{[this] {
    if (asked++ == 0) first.set_value();
  }};
  std::unique_ptr<CommitSocket> socket = CommitSocket::open(place, requests, tasks, clock).value();

  void answer_all() {
    for (const auto& reply : requests.take()) reply({CommitAnswer::What::safe, GenerationId{Fence{2}, 5}, ""});
  }
};

}  // namespace

TEST_CASE("a request is answered when the commit is safe, and not before") {
  Served served;
  Client client(served.place);
  client.send("POST / HTTP/1.0\r\n");
  client.send("Content-Length: 9\r\n\r\nsome body");
  served.first.get_future().wait();
  served.answer_all();
  const auto answer = client.receive();
  CHECK(answer.starts_with("HTTP/1.0 200 OK\r\n"));
  CHECK(answer.find("\"Generation\":\"2-5\"") != std::string::npos);
}

TEST_CASE("clients that send nonsense, or go away, harm nobody") {
  Served served;
  Client nonsense(served.place), gone(served.place), silent(served.place), impatient(served.place);
  nonsense.send("hello\n");
  CHECK(nonsense.receive().starts_with("HTTP/1.0 400 "));
  gone.close();
  impatient.send("POST / HTTP/1.0\r\n\r\n");
  served.first.get_future().wait();
  impatient.close();
  served.answer_all();
  Client other(served.place);
  other.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(other.receive().starts_with("HTTP/1.0 405 "));
}

TEST_CASE("at the end those that wait are told that it is too late") {
  Served served;
  Client client(served.place);
  client.send("POST / HTTP/1.0\r\n\r\n");
  served.first.get_future().wait();
  served.requests.close();
  CHECK(client.receive().starts_with("HTTP/1.0 410 "));
  served.socket.reset();
}

TEST_CASE("a socket that an earlier agent left is replaced") {
  Served served;
  served.socket.reset();
  CommitRequests requests([] {});
  const auto again = CommitSocket::open(served.place, requests, served.tasks, served.clock);
  CHECK(again);
}
