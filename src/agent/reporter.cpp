#include "agent/reporter.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace holdfast::agent {

Reporter::Reporter(Tasks& tasks, Clock& clock, ports::ControlLink& reports, ports::ControlLink& orders, LogSpool& spool,
                   std::function<void()> on_order)
    : clock_(clock),
      reports_(reports),
      orders_(orders),
      spool_(spool),
      on_order_(std::move(on_order)),
      something_to_say_(tasks.signal()),
      progress_(tasks.signal()),
      end_delivering_(tasks.signal()),
      end_listening_(tasks.signal()),
      deliverer_(tasks.start([this] { deliver(); })),
      listener_(tasks.start([this] { listen(); })) {}

Reporter::~Reporter() {
  stopping_ = true;
  something_to_say_->ring();
  end_delivering_->ring();
  end_listening_->ring();
}

void Reporter::say(job::Event event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  something_to_say_->ring();
}

void Reporter::say(ports::InstanceSample sample) {
  {
    const std::lock_guard lock(mutex_);
    if (samples_.size() == kMaxSamples) samples_.pop_front();
    samples_.push_back(std::move(sample));
  }
  something_to_say_->ring();
}

void Reporter::lines_added() { something_to_say_->ring(); }

bool Reporter::delivered() {
  const std::lock_guard lock(mutex_);
  return events_.empty() && !busy_ && spool_.empty();
}

bool Reporter::drain(Duration most) {
  const Instant until = clock_.ticks() + most;
  while (!delivered() && order_.load() != ports::Order::abandon) {
    const Duration left = until - clock_.ticks();
    if (left <= Duration{0}) break;
    progress_->wait(left);
  }
  return delivered();
}

// Some of them may have made room for newer ones meanwhile.
void Reporter::forget(const std::vector<ports::InstanceSample>& told) {
  for (const auto& sample : told) {
    if (samples_.empty() || samples_.front().timestamp_ms != sample.timestamp_ms) continue;
    samples_.pop_front();
  }
}

bool Reporter::pause(Signal& cut_short, Duration duration) {
  if (!stopping_) cut_short.wait(duration);
  return !stopping_;
}

void Reporter::deliver() {
  Duration retry = kReportRetryFirst;
  for (;;) {
    if (stopping_) return;
    ports::Report report;
    {
      const std::lock_guard lock(mutex_);
      busy_ = !events_.empty() || !spool_.empty() || !samples_.empty();
      report.events.assign(events_.begin(), events_.end());
      const auto some = std::min(samples_.size(), kMaxSamplesAtOnce);
      report.samples.assign(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(some));
    }
    if (!busy_) {
      something_to_say_->wait(std::nullopt);
      continue;
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
      if (sent || refused) forget(report.samples);
    }
    progress_->ring();
    if (sent || refused) {
      retry = kReportRetryFirst;
      continue;
    }
    log_warn("reporting: {}; trying again in {} ms", sent.error().message, retry.count());
    if (!pause(*end_delivering_, retry)) return;
    retry = std::min(retry * 2, kReportRetryMost);
  }
}

void Reporter::listen() {
  while (!stopping_) {
    const auto order = orders_.wait_for_order(order_.load());
    if (!order) {
      if (!pause(*end_listening_, seconds{1})) return;
      continue;
    }
    if (*order == order_.load()) continue;
    log_info("ordered: {}", ports::to_string(*order));
    order_.store(*order);
    on_order_();
    progress_->ring();
    if (*order == ports::Order::abandon) return;  // nothing comes after it
  }
}

}  // namespace holdfast::agent
