// Delivers what the agent has to say, in order, for as long as it takes; and listens for orders. Two threads of its
// own, so that an absent control plane never holds up the training.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "agent/log_spool.hpp"
#include "ports/control_link.hpp"

namespace holdfast::agent {

constexpr Duration kReportRetryFirst = milliseconds{100};
constexpr Duration kReportRetryMost = seconds{5};

class Reporter {
 public:
  // `wake_fd`: an eventfd, written to when order() changes. One link for each thread: they are blocking clients.
  Reporter(ports::ControlLink& reports, ports::ControlLink& orders, LogSpool& spool, int wake_fd);
  ~Reporter();

  void say(job::Event event);
  // There are new lines in the spool.
  void lines_added();
  ports::Order order() const { return order_.load(); }
  // Waits until all is delivered, at most for `most`, or until the order is to abandon. True: delivered.
  bool drain(Duration most);

 private:
  void deliver();
  void listen();
  bool pause(Duration duration);  // false: stopping

  ports::ControlLink& reports_;
  ports::ControlLink& orders_;
  LogSpool& spool_;
  int wake_fd_;
  std::atomic<ports::Order> order_{ports::Order::go_on};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job::Event> events_;
  bool stopping_ = false;
  bool busy_ = false;

  std::thread deliverer_, listener_;
};

}  // namespace holdfast::agent
