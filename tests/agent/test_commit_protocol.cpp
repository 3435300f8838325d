// The words in which a commit is asked for, and the mailbox that they end up in.
#include <doctest/doctest.h>

#include "agent/commit_protocol.hpp"

using namespace holdfast;
using namespace holdfast::agent;

using What = CommitAnswer::What;

TEST_CASE("a POST asks, in HTTP of either version, with or without headers, to any path") {
  CHECK(read_commit_head("POST / HTTP/1.0\r\n\r\n") == CommitHead::ask);
  CHECK(read_commit_head("POST /commit?x=1 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n") == CommitHead::ask);
  CHECK(read_commit_head("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}") == CommitHead::ask);
  CHECK(read_commit_head("POST / HTTP/1.0\n\n") == CommitHead::ask);
}

TEST_CASE("a head that is not whole yet is waited for, byte by byte") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t i = 0; i < head.size(); ++i) CHECK(read_commit_head(head.substr(0, i)) == CommitHead::incomplete);
  CHECK(read_commit_head(head) == CommitHead::ask);
}

TEST_CASE("what is no request, another method or without end is refused") {
  CHECK(read_commit_head("GET / HTTP/1.1\r\n\r\n") == CommitHead::not_post);
  CHECK(read_commit_head("commit please\n") == CommitHead::bad);
  CHECK(read_commit_head("POST /\r\n\r\n") == CommitHead::bad);
  CHECK(read_commit_head("post / HTTP/1.1\r\n\r\n") == CommitHead::bad);
  CHECK(read_commit_head(" / HTTP/1.1\r\n\r\n") == CommitHead::bad);
  CHECK(read_commit_head("POST / SMTP\r\n\r\n") == CommitHead::bad);
  CHECK(read_commit_head(std::string(kMaxCommitRequest, 'P')) == CommitHead::bad);
  CHECK(read_commit_head("POST / HTTP/1.1\r\n" + std::string(kMaxCommitRequest, 'a')) == CommitHead::bad);
  CHECK(commit_refusal(CommitHead::not_post).starts_with("HTTP/1.0 405 "));
  CHECK(commit_refusal(CommitHead::bad).starts_with("HTTP/1.0 400 "));
}

TEST_CASE("an answer says what became of it, in a status and in JSON of the length that it announces") {
  const auto safe = commit_answer({What::safe, GenerationId{Fence{3}, 17}, ""});
  CHECK(safe ==
        "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 46\r\nConnection: close\r\n\r\n"
        "{\"Fence\":3,\"Generation\":\"3-17\",\"Sequence\":17}\n");
  CHECK(commit_answer({What::safe, std::nullopt, ""}).starts_with("HTTP/1.0 422 "));
  CHECK(
      commit_answer({What::changed, std::nullopt, "a \"b\" changed"}).find("{\"message\":\"a \\\"b\\\" changed\"}\n") !=
      std::string::npos);
  CHECK(commit_answer({What::changed, {}, ""}).starts_with("HTTP/1.0 409 "));
  CHECK(commit_answer({What::refused, {}, ""}).starts_with("HTTP/1.0 422 "));
  CHECK(commit_answer({What::too_late, {}, ""}).starts_with("HTTP/1.0 410 "));
  CHECK(commit_answer({What::busy, {}, ""}).starts_with("HTTP/1.0 503 "));
}

TEST_CASE("requests are taken all at once, and what comes after the end is too late") {
  int woken = 0;
  std::vector<What> answers;
  CommitRequests requests([&] { ++woken; });
  const auto ask = [&] { requests.ask([&](const CommitAnswer& answer) { answers.push_back(answer.what); }); };
  ask();
  ask();
  CHECK(woken == 2);
  CHECK(requests.any());
  const auto taken = requests.take();
  CHECK(taken.size() == 2);
  CHECK_FALSE(requests.any());
  for (const auto& reply : taken) reply({What::safe, GenerationId{Fence{1}, 1}, ""});
  ask();
  requests.close();
  ask();
  CHECK(answers == std::vector{What::safe, What::safe, What::too_late, What::too_late});
}

TEST_CASE("more requests than anybody needs are turned away, each with an answer") {
  CommitRequests requests([] {});
  std::size_t busy = 0, late = 0;
  for (std::size_t i = 0; i < CommitRequests::kMost + 5; ++i) {
    requests.ask([&](const CommitAnswer& answer) { (answer.what == What::busy ? busy : late) += 1; });
  }
  CHECK(busy == 5);
  requests.close();
  CHECK(late == CommitRequests::kMost);
}
