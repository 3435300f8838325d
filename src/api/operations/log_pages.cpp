#include "api/operations/log_pages.hpp"

#include <algorithm>
#include <deque>
#include <iterator>

namespace holdfast::api::operations {

namespace {

std::size_t bytes_of(const ports::LogPage& page) {
  std::size_t bytes = 0;
  for (const auto& event : page.events) bytes += event.message.size();
  return bytes;
}

// The newest pages seen, no more of them than one answer can need.
class Window {
 public:
  explicit Window(std::size_t limit) : limit_(limit) {}

  void add(ports::LogPage page) {
    count_ += page.events.size();
    bytes_ += bytes_of(page);
    pages_.push_back(std::move(page));
    while (pages_.size() > 1 && (count_ - pages_.front().events.size() >= limit_ || bytes_ > kMaxPageBytes)) {
      count_ -= pages_.front().events.size();
      bytes_ -= bytes_of(pages_.front());
      pages_.pop_front();
    }
  }
  const std::deque<ports::LogPage>& pages() const { return pages_; }
  std::size_t surplus() const { return count_ - std::min(count_, limit_); }

 private:
  std::size_t limit_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::deque<ports::LogPage> pages_;
};

}  // namespace

Result<ports::LogPage> page_after(ports::Telemetry& telemetry, const LogQuestion& question, std::uint64_t position) {
  return telemetry.read(question.stream, position, question.limit, question.start_ms, question.end_ms);
}

Result<ports::LogPage> page_before(ports::Telemetry& telemetry, const LogQuestion& question, std::uint64_t position) {
  Window window(question.limit);
  std::uint64_t at = 0;
  std::size_t step = question.limit;
  while (at < position) {
    auto page = telemetry.read(question.stream, at, step, question.start_ms, question.end_ms);
    if (!page) return page;
    if (page->next == at) break;
    if (page->next > position) {
      // Too far: what is wanted ends within this page.
      if (step == 1) break;
      step = std::max<std::size_t>(1, step / 2);
      continue;
    }
    at = page->next;
    if (!page->events.empty()) window.add(std::move(*page));
  }
  if (at == 0) {
    // An unknown stream is an error even where nothing was to be read.
    auto nothing = telemetry.read(question.stream, 0, 1, question.start_ms, question.end_ms);
    if (!nothing) return nothing;
  }
  const auto& pages = window.pages();
  if (pages.empty()) return ports::LogPage{{}, std::min(at, position), at};
  ports::LogPage answer{{}, pages.front().first, at};
  if (const std::size_t surplus = window.surplus(); surplus > 0) {
    const auto skipped = telemetry.read(question.stream, answer.first, surplus, question.start_ms, question.end_ms);
    if (!skipped) return fail(skipped.error());
    answer.first = skipped->next;
  }
  auto skip = static_cast<std::ptrdiff_t>(window.surplus());
  for (const auto& page : pages) {
    answer.events.insert(answer.events.end(), page.events.begin() + skip, page.events.end());
    skip = 0;
  }
  return answer;
}

}  // namespace holdfast::api::operations
