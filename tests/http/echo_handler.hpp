// A handler for tests: tells what it was asked, and can be told to hold its answers back.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "http/server.hpp"
#include "raw_socket.hpp"

namespace holdfast::http {

// What became of a sink, after it is gone.
struct SinkReport {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::size_t> largest_block{0};
  std::atomic<bool> destroyed{false};
};

class CountingSink final : public BodySink {
 public:
  CountingSink(SinkReport& report, std::uint64_t full_after) : report_(report), full_after_(full_after) {}
  ~CountingSink() override { report_.destroyed = true; }
  Result<void> write(std::string_view block) override {
    report_.bytes += block.size();
    if (block.size() > report_.largest_block) report_.largest_block = block.size();
    if (report_.bytes > full_after_) return fail(Kind::no_space, "writing upload: the disk is full");
    return {};
  }

 private:
  SinkReport& report_;
  std::uint64_t full_after_;
};

// GET /anything           "GET /anything" and the body
// PUT /sink...            into a CountingSink; /sink-full: its disk is full after 100 000 bytes
// /refused                403, before the body
// /held                   answered by release()
// /dropped                never answered
// /throws                 throws
class EchoHandler : public Handler {
 public:
  BodyPlan plan(const RequestHead& head) override {
    ++planned;
    BodyPlan plan;
    plan.limit = 1000;
    if (head.target == "/refused") plan.refuse = plain_text(403, "not you");
    if (head.target.starts_with("/sink")) {
      plan.limit = std::numeric_limits<std::uint64_t>::max();
      plan.sink = std::make_unique<CountingSink>(report, head.target == "/sink-full" ? 100'000 : plan.limit);
    }
    return plan;
  }

  void handle(Request request, std::unique_ptr<BodySink>, Reply reply) override {
    ++handled;
    if (request.head.target == "/dropped") return;
    if (request.head.target == "/throws") throw std::runtime_error("a bug");
    if (request.head.target == "/held") {
      const std::lock_guard lock{mutex_};
      held_.push_back(std::move(reply));
      changed_.notify_all();
      return;
    }
    reply(answer ? answer(request) : plain_text(200, request.head.method + " " + request.head.target + request.body));
  }

  void wait_for_held(std::size_t count) {
    std::unique_lock lock{mutex_};
    REQUIRE(changed_.wait_for(lock, milliseconds{kTestDeadlineMs}, [&] { return held_.size() >= count; }));
  }
  void release(const std::string& text) {
    std::vector<Reply> replies;
    {
      const std::lock_guard lock{mutex_};
      replies.swap(held_);
    }
    for (auto& reply : replies) reply(plain_text(200, text));
  }

  std::function<Response(const Request&)> answer;
  SinkReport report;
  std::atomic<int> planned{0};
  std::atomic<int> handled{0};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Reply> held_;
};

struct RunningServer {
  explicit RunningServer(ServerOptions options = {}) : server(options, handler) {
    const auto started = server.start();
    REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().message));
  }
  RawSocket connect() const { return RawSocket{server.port()}; }
  std::string url(const std::string& target) const {
    return fmt::format("http://127.0.0.1:{}{}", server.port(), target);
  }

  EchoHandler handler;
  Server server;
};

// Polls for what another thread will make true.
template <class Condition>
bool eventually(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + milliseconds{kTestDeadlineMs};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace holdfast::http
