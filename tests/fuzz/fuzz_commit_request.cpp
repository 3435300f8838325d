// What a program sends to the socket that commits are asked for at. It comes in pieces: what a head is said to be must
// not depend on what follows it, nor change once it is said.
#include "agent/commit_protocol.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast::agent;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  auto so_far = CommitHead::incomplete;
  for (std::size_t length = 0; length <= std::min(size, kMaxCommitRequest + 2); ++length) {
    const auto head = read_commit_head(text.substr(0, length));
    ENSURE(so_far == CommitHead::incomplete || head == so_far || head == CommitHead::bad, "it changed its mind");
    ENSURE(head != CommitHead::incomplete || length < kMaxCommitRequest, "a head without end is waited for");
    ENSURE(head != CommitHead::ask || text.starts_with("POST "), "no POST, and it asks");
    so_far = head;
    if (head != CommitHead::incomplete) break;
  }
  ENSURE(read_commit_head(text) == so_far || size > kMaxCommitRequest, "what follows a head changes it");
  const auto answer = commit_answer({CommitAnswer::What::refused, std::nullopt, std::string(text.substr(0, 1000))});
  ENSURE(answer.find("\r\n\r\n") == answer.rfind("\r\n\r\n"), "a message breaks out of its answer");
  return 0;
}
