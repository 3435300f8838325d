#include "api/agent_access.hpp"

#include "aws/sha256.hpp"

namespace holdfast::api {

std::string agent_token(std::string_view secret, const JobName& job, Fence fence) {
  // A line break is in no job's name, so no other pair makes the same text.
  const auto digest = aws::hmac_sha256(secret, "holdfast-agent\n" + job.value + "\n" + std::to_string(fence.value));
  return aws::to_hex(aws::as_view(digest));
}

bool token_matches(std::string_view token, std::string_view secret, const JobName& job, Fence fence) {
  const std::string expected = agent_token(secret, job, fence);
  if (token.size() != expected.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    difference = static_cast<unsigned char>(difference | (token[i] ^ expected[i]));
  return difference == 0;
}

}  // namespace holdfast::api
