#include "agent/reporter.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"

namespace holdfast::agent {

Reporter::Reporter(ports::ControlLink& reports, ports::ControlLink& orders, LogSpool& spool, int wake_fd)
    : reports_(reports),
      orders_(orders),
      spool_(spool),
      wake_fd_(wake_fd),
      deliverer_([this] { deliver(); }),
      listener_([this] { listen(); }) {}

Reporter::~Reporter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  deliverer_.join();
  listener_.join();
}

void Reporter::say(job::Event event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  changed_.notify_all();
}

void Reporter::lines_added() { changed_.notify_all(); }

bool Reporter::drain(Duration most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] {
    return (events_.empty() && !busy_ && spool_.empty()) || order_.load() == ports::Order::abandon;
  });
  return events_.empty() && !busy_ && spool_.empty();
}

bool Reporter::pause(Duration duration) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, duration, [&] { return stopping_; });
  return !stopping_;
}

void Reporter::deliver() {
  Duration retry = kReportRetryFirst;
  for (;;) {
    ports::Report report;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !events_.empty() || !spool_.empty(); });
      if (stopping_) return;
      busy_ = true;
      report.events.assign(events_.begin(), events_.end());
    }
    if (auto batch = spool_.next()) report.logs.push_back(std::move(*batch));
    // The last word comes with the last lines: a job that has ended takes no more.
    const bool ending = !report.events.empty() && std::holds_alternative<job::AttemptEnded>(report.events.back());
    if (ending && !report.logs.empty() && spool_.more_behind()) report.events.pop_back();

    const auto sent = reports_.report(report);
    // What is refused for good must not hold up the rest: the lines go first, then one event at a time.
    const bool refused = !sent && sent.error().kind == Kind::invalid;
    if (refused) log_error("reporting: refused for good: {}", sent.error().message);
    const bool drop_lines = refused && !report.logs.empty();
    const std::size_t done = sent ? report.events.size() : refused && !drop_lines ? 1 : 0;
    if ((sent && !report.logs.empty()) || drop_lines) spool_.acknowledged();
    {
      const std::lock_guard lock(mutex_);
      busy_ = false;
      events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(done));
    }
    changed_.notify_all();
    if (sent || refused) {
      retry = kReportRetryFirst;
      continue;
    }
    log_warn("reporting: {}; trying again in {} ms", sent.error().message, retry.count());
    if (!pause(retry)) return;
    retry = std::min(retry * 2, kReportRetryMost);
  }
}

void Reporter::listen() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const auto order = orders_.wait_for_order(order_.load());
    if (!order) {
      if (!pause(seconds{1})) return;
      continue;
    }
    if (*order == order_.load()) continue;
    log_info("ordered: {}", ports::to_string(*order));
    order_.store(*order);
    const std::uint64_t one = 1;
    if (::write(wake_fd_, &one, sizeof one) < 0) log_warn("waking the agent failed");
    changed_.notify_all();
    if (*order == ports::Order::abandon) return;  // nothing comes after it
  }
}

}  // namespace holdfast::agent
