// Delivers what the agent has to say, in order, for as long as it takes; and listens for orders. Two tasks of its own,
// so that an absent control plane never holds up the training.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "agent/log_spool.hpp"
#include "agent/tasks.hpp"
#include "ports/control_link.hpp"

namespace holdfast::agent {

constexpr Duration kReportRetryFirst = milliseconds{100};
constexpr Duration kReportRetryMost = seconds{5};
constexpr std::size_t kMaxSamples = 1440;       // a day of them
constexpr std::size_t kMaxSamplesAtOnce = 100;  // in one report

class Reporter {
 public:
  // `on_order`: called on another task when order() changes. One link for each task: they are blocking clients.
  Reporter(Tasks& tasks, Clock& clock, ports::ControlLink& reports, ports::ControlLink& orders, LogSpool& spool,
           std::function<void()> on_order);
  ~Reporter();

  void say(job::Event event);
  // Samples are no events: while nobody listens the newest kMaxSamples are kept, and nobody waits for their delivery.
  void say(ports::InstanceSample sample);
  // There are new lines in the spool.
  void lines_added();
  ports::Order order() const { return order_.load(); }
  // Waits until all is delivered, at most for `most`, or until the order is to abandon. True: delivered.
  bool drain(Duration most);

 private:
  void deliver();
  void listen();
  bool delivered();
  void forget(const std::vector<ports::InstanceSample>& told);  // with mutex_ held
  // False: stopping.
  bool pause(Signal& cut_short, Duration duration);

  Clock& clock_;
  ports::ControlLink& reports_;
  ports::ControlLink& orders_;
  LogSpool& spool_;
  std::function<void()> on_order_;
  std::atomic<ports::Order> order_{ports::Order::go_on};
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;  // for these three
  std::deque<job::Event> events_;
  std::deque<ports::InstanceSample> samples_;
  bool busy_ = false;

  const std::unique_ptr<Signal> something_to_say_, progress_, end_delivering_, end_listening_;
  // Last: they use all of the above.
  std::unique_ptr<Task> deliverer_, listener_;
};

}  // namespace holdfast::agent
