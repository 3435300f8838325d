// What an access key may do. Deciding is pure: a policy, and what a request touches.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "job/spec.hpp"

namespace holdfast::api {

enum class Access { read, write };

// Objects of one bucket whose keys begin with `prefix`; an empty prefix is the whole bucket.
struct S3Grant {
  std::string bucket;
  std::string prefix;
  Access most = Access::read;
  bool operator==(const S3Grant&) const = default;
};

// Kind::invalid: no S3 URI.
Result<S3Grant> grant_for(std::string_view uri, Access most);

struct Policy {
  bool admin = false;      // everything
  bool read_only = false;  // everything that changes nothing
  // It may create and use the jobs whose names begin so; nothing: none.
  std::optional<std::string> jobs = {};
  std::vector<S3Grant> objects = {};
  bool operator==(const Policy&) const = default;
};

// The service's own key, which may do everything. No other has this name.
constexpr const char* kRootName = "root";

// Who asks: the key's name, for ARNs and for messages, and what it may do.
struct Principal {
  std::string name;
  Policy policy;
  std::string access_key = {};
};

// What one request touches.
struct Touches {
  enum class What {
    nothing,  // says nothing of anybody's jobs, or says only what the caller may see
    jobs,     // those named below, one at least
    account,  // all jobs, or what is common to them
  };
  What what = What::account;
  std::vector<std::string> jobs = {};
};

bool allows(const Policy& policy, Access access, const Touches& touches);
// A list shows the jobs whose names begin so; empty: all. Nothing: none.
std::optional<std::string> visible_jobs(const Policy& policy);
bool allows_object(const Policy& policy, Access access, std::string_view bucket, std::string_view key);
// Any object of it, or the name of the bucket itself.
bool allows_bucket(const Policy& policy, std::string_view bucket);
// Of a program that trains: what it could reach for its user, its user must be allowed. The first S3 URI that is not;
// empty: all are.
std::string forbidden_uri(const Policy& policy, const job::JobSpec& spec);

// What an attempt needs of S3 and no more: to read its channels and the code that script mode fetches, to write its
// checkpoints and its output.
Policy attempt_policy(const job::JobSpec& spec);

}  // namespace holdfast::api
