#include "agent/commit_protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace holdfast::agent {
namespace {

using nlohmann::json;

std::string answer_text(int status, std::string_view phrase, const json& body) {
  const auto text = body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return fmt::format(
      "HTTP/1.0 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
      phrase, text.size(), text);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

CommitHead read_commit_head(std::string_view bytes) {
  const auto end_of_line = bytes.find('\n');
  if (end_of_line == std::string_view::npos) {
    return bytes.size() < kMaxCommitRequest ? CommitHead::incomplete : CommitHead::bad;
  }
  auto line = bytes.substr(0, end_of_line);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !is_token(line.substr(0, first)) ||
      !line.substr(last + 1).starts_with("HTTP/1.")) {
    return CommitHead::bad;
  }
  const bool whole = bytes.find("\r\n\r\n") != std::string_view::npos || bytes.find("\n\n") != std::string_view::npos;
  if (!whole) return bytes.size() < kMaxCommitRequest ? CommitHead::incomplete : CommitHead::bad;
  return line.substr(0, first) == "POST" ? CommitHead::ask : CommitHead::not_post;
}

std::string commit_answer(const CommitAnswer& answer) {
  const json why = {{"message", answer.why}};
  switch (answer.what) {
    case CommitAnswer::What::safe:
      if (!answer.generation) break;
      return answer_text(
          200, "OK",
          {{"Fence", answer.generation->fence.value},
           {"Sequence", answer.generation->sequence},
           {"Generation", fmt::format("{}-{}", answer.generation->fence.value, answer.generation->sequence)}});
    case CommitAnswer::What::changed:
      return answer_text(409, "Conflict", why);
    case CommitAnswer::What::refused:
      return answer_text(422, "Unprocessable Content", why);
    case CommitAnswer::What::too_late:
      return answer_text(410, "Gone", why);
    case CommitAnswer::What::busy:
      return answer_text(503, "Service Unavailable", why);
  }
  return answer_text(422, "Unprocessable Content", {{"message", "there is nothing in the checkpoint directory"}});
}

std::string commit_refusal(CommitHead head) {
  if (head == CommitHead::not_post) {
    return answer_text(405, "Method Not Allowed",
                       {{"message", "POST, to any path, asks for a commit of the checkpoint directory"}});
  }
  return answer_text(400, "Bad Request", {{"message", "this is no HTTP request, or a very long one"}});
}

}  // namespace holdfast::agent
