// A Unix socket in a directory of its own, which the sandbox shows to the program. One task serves all connections; a
// request waits on its connection until the commit is safe.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/commit_requests.hpp"
#include "agent/tasks.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace holdfast::agent {

constexpr const char* kCommitSocketName = "checkpoint.sock";
constexpr std::size_t kMaxCommitConnections = 64;
// Who has not sent its request by then, or not taken its answer, is not waited for.
constexpr Duration kCommitPatience = seconds{10};

class CommitSocket {
 public:
  // Makes `directory`/checkpoint.sock, over one that an earlier agent left there. `requests` must outlive it.
  static Result<std::unique_ptr<CommitSocket>> open(const std::filesystem::path& directory, CommitRequests& requests,
                                                    Tasks& tasks, Clock& clock);
  // Every connection is closed, answered or not. No reply of `requests` may be called afterwards: close them first.
  ~CommitSocket();

 private:
  struct Connection {
    Fd fd;
    std::string in, out;
    bool asked = false;
    bool told = false;  // all of `out` is sent; what still comes is thrown away until the other side closes
    Instant until;
  };

  CommitSocket(Fd listening, Fd woken, CommitRequests& requests, Clock& clock);
  static short events_for(const Connection& connection);
  static bool waits_for_other_side(const Connection& connection);
  void serve();
  void accept_one();
  void read_from(std::uint64_t number, Connection& connection);
  void write_to(Connection& connection);
  void answer(std::uint64_t number, const CommitAnswer& answer);
  void take_answers();

  Fd listening_, woken_;
  CommitRequests& requests_;
  Clock& clock_;
  std::map<std::uint64_t, Connection> connections_;  // of the serving task
  std::uint64_t next_ = 0;

  std::mutex mutex_;  // for these two
  std::map<std::uint64_t, CommitAnswer> answers_;
  bool stopping_ = false;

  std::unique_ptr<Task> task_;  // last: it uses all of the above
};

}  // namespace holdfast::agent
