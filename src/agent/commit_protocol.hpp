// The few words of HTTP that a commit is asked for with: POST to any path, without a body or with one that is not read.
// Pure. Programs may send anything.
#pragma once

#include <string>
#include <string_view>

#include "agent/commit_requests.hpp"

namespace holdfast::agent {

constexpr std::size_t kMaxCommitRequest = 8192;  // bytes of a request's head

enum class CommitHead {
  incomplete,  // more may come
  ask,         // a POST: the commit is asked for
  not_post,    // another method
  bad,         // no HTTP request, or its head is too long
};
// `bytes`: all that came so far.
CommitHead read_commit_head(std::string_view bytes);

// Whole answers, after which the connection is closed.
std::string commit_answer(const CommitAnswer& answer);
std::string commit_refusal(CommitHead head);

}  // namespace holdfast::agent
