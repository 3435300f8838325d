// A server for tests that answers as a test says, and remembers what it was asked.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "http/server.hpp"
#include "objects/credential_chain.hpp"
#include "objects/s3_store.hpp"

namespace holdfast::testing {

class S3Double : public http::Handler {
 public:
  using Answer = std::function<http::Response(const http::Request&)>;

  explicit S3Double(Answer answer) : answer_(std::move(answer)), server_({}, *this) {
    const auto started = server_.start();
    REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
  }
  ~S3Double() override { server_.stop(); }

  http::BodyPlan plan(const http::RequestHead&) override {
    http::BodyPlan plan;
    plan.limit = 64u << 20;
    return plan;
  }
  void handle(http::Request request, std::unique_ptr<http::BodySink>, http::Reply reply) override {
    auto answer = answer_(request);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    reply(std::move(answer));
  }

  std::vector<http::Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t count() { return requests().size(); }
  http::Request last() {
    const std::lock_guard lock(mutex_);
    REQUIRE_FALSE(requests_.empty());
    return requests_.back();
  }
  std::string endpoint() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }

 private:
  Answer answer_;
  std::mutex mutex_;
  std::vector<http::Request> requests_;
  http::Server server_;
};

inline http::Response answer(int status, std::string body = {}, http::Headers headers = {}) {
  return {status, std::move(headers), std::move(body), {}};
}

inline http::Response refusal(int status, const std::string& code, const std::string& more = {},
                              http::Headers headers = {}) {
  return answer(status,
                fmt::format("<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>because</Message>{}"
                            "<RequestId>REQ1</RequestId></Error>",
                            code, more),
                std::move(headers));
}

// A store on that server, with a budget of seconds rather than minutes.
struct StoreOn {
  explicit StoreOn(const std::string& endpoint, objects::S3Options options = {}) {
    options.endpoint = endpoint;
    options.connections = 4;
    open(std::move(options));
  }
  void open(objects::S3Options options) {
    auto opened = objects::S3Store::open(std::move(options), objects::fixed_credentials({"AKID", "SECRET", ""}, clock),
                                         clock, random);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    store = std::move(*opened);
  }
  objects::S3Store* operator->() const { return store.get(); }

  SystemClock clock;
  SeededRandom random{1};
  std::unique_ptr<objects::S3Store> store;
};

}  // namespace holdfast::testing
