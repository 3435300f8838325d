// Who asks, and what that key may do: the service's own key, the keys of the key ring, and the key that an attempt has
// for its own places in S3 while it runs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/access.hpp"
#include "api/keys.hpp"
#include "aws/signed_policy.hpp"
#include "aws/sigv4.hpp"
#include "base/ids.hpp"
#include "ports/job_store.hpp"

namespace holdfast::api {

// "HFATTEMPT.17.my-job" and a secret that only the service can make, and can make again at any time.
aws::Credentials attempt_credentials(std::string_view agent_secret, const JobName& job, Fence fence);

struct Authenticated {
  aws::Identity identity;
  Principal principal;
};

// Thread-safe.
class Authority {
 public:
  // `root` may do everything. `keys` may be null: then there are no others.
  Authority(aws::Credentials root, KeyRing* keys, std::string agent_secret, ports::JobStore& store);

  // The signature of `request`, and whose it is. An attempt's key is unknown as soon as another attempt has begun, or
  // the job has ended.
  aws::AuthResult<Authenticated> verify(const aws::SignedRequest& request, Instant now);
  // Of a form.
  aws::AuthResult<Principal> verify(const aws::SignedPolicy& policy, Instant now);

 private:
  struct Known {
    std::string secret;
    Principal principal;
  };
  std::optional<Known> find(std::string_view access_key);
  std::optional<Known> find_attempt(std::string_view access_key);

  const aws::Credentials root_;
  KeyRing* const keys_;
  const std::string agent_secret_;
  ports::JobStore& store_;
  aws::Verifier verifier_;
};

}  // namespace holdfast::api
