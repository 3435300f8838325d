#include "api/s3/post_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/rules.hpp"
#include "api/wire/timestamp.hpp"
#include "aws/canonical.hpp"
#include "aws/sha256.hpp"
#include "base/is_in.hpp"

namespace holdfast::api::s3 {

namespace {

using nlohmann::json;
using Kind = PolicyCondition::Kind;

tl::unexpected<S3Error> invalid(std::string_view why) {
  return tl::unexpected(S3Error{400, "InvalidPolicyDocument", fmt::format("Invalid Policy: {}", why)});
}

tl::unexpected<S3Error> denied(const std::string& why) {
  return tl::unexpected(S3Error{403, "AccessDenied", "Invalid according to Policy: " + why});
}

// What the form says about the policy, or beside it, is not for the policy to allow.
bool needs_no_condition(std::string_view field) {
  constexpr std::string_view kFree[] = {"policy", "signature", "x-amz-signature", "awsaccesskeyid"};
  return field.starts_with("x-ignore-") || is_in(kFree, field);
}

std::optional<std::uint64_t> length_of(const json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  return value.is_string() ? number_in(value.get_ref<const std::string&>()) : std::nullopt;
}

// {"acl": "private"}, {"bucket": "b"}
S3Result<void> add_equals(const json& object, PostPolicy& policy) {
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) return invalid("the value of a condition must be a string.");
    policy.conditions.push_back({Kind::equal, aws::lower_case(name), value.get<std::string>()});
  }
  return {};
}

// ["eq", "$acl", "private"], ["content-length-range", 1, 10]
S3Result<void> add_list(const json& list, PostPolicy& policy) {
  if (list.size() != 3 || !list[0].is_string()) return invalid("a condition is a list of three, or an object.");
  const auto kind = aws::lower_case(list[0].get_ref<const std::string&>());
  if (kind == "content-length-range") {
    const auto least = length_of(list[1]), most = length_of(list[2]);
    if (!least || !most || *least > *most) return invalid("content-length-range needs two lengths in their order.");
    policy.least = std::max(policy.least, *least);
    policy.most = std::min(policy.most, *most);
    return {};
  }
  if (kind != "eq" && kind != "starts-with") return invalid("a condition is eq, starts-with or content-length-range.");
  if (!list[1].is_string() || !list[2].is_string() || !list[1].get_ref<const std::string&>().starts_with('$'))
    return invalid("a condition names a field, as in $key, and a value.");
  policy.conditions.push_back({kind == "eq" ? Kind::equal : Kind::starts_with,
                               aws::lower_case(list[1].get_ref<const std::string&>().substr(1)),
                               list[2].get<std::string>()});
  return {};
}

// Of a list of content types every one must begin so.
bool all_start_with(std::string_view values, std::string_view beginning, bool list) {
  while (list && values.find(',') != std::string_view::npos) {
    const auto comma = values.find(',');
    if (!values.substr(0, comma).starts_with(beginning)) return false;
    values.remove_prefix(std::min(values.size(), values.find_first_not_of(' ', comma + 1)));
  }
  return values.starts_with(beginning);
}

bool holds(const PolicyCondition& condition, const FormFields& fields) {
  const auto found = fields.find(condition.field);
  const auto value = found == fields.end() ? std::string_view() : std::string_view(found->second);
  if (condition.kind == Kind::equal) return found != fields.end() && value == condition.value;
  return all_start_with(value, condition.value, condition.field == "content-type");
}

std::string shown(const PolicyCondition& condition) {
  const json list = {condition.kind == Kind::equal ? "eq" : "starts-with", "$" + condition.field, condition.value};
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

S3Result<PostPolicy> parse_post_policy(std::string_view base64) {
  const auto text = aws::from_base64(base64);
  if (!text) return invalid("it is not base64.");
  const auto document = parse_body(*text);
  if (!document) return invalid("it is not JSON.");
  const auto expiration = document->find("expiration"), conditions = document->find("conditions");
  if (expiration == document->end() || !expiration->is_string()) return invalid("it has no expiration.");
  if (conditions == document->end() || !conditions->is_array()) return invalid("it has no conditions.");
  if (conditions->size() > kMaxPolicyConditions) return invalid("it has too many conditions.");
  PostPolicy policy;
  const auto at = wire::parse_timestamp(expiration->get_ref<const std::string&>());
  if (!at) return invalid("its expiration is no time.");
  policy.expiration = from_ms(std::llround(*at * 1000.0));
  for (const auto& condition : *conditions) {
    if (!condition.is_object() && !condition.is_array())
      return invalid("a condition is a list of three, or an object.");
    auto added = condition.is_object() ? add_equals(condition, policy) : add_list(condition, policy);
    if (!added) return tl::unexpected(added.error());
  }
  return policy;
}

S3Result<void> check_fields(const PostPolicy& policy, const FormFields& fields, Instant now) {
  if (now >= policy.expiration) return denied("Policy expired.");
  for (const auto& condition : policy.conditions)
    if (!holds(condition, fields)) return denied("Policy Condition failed: " + shown(condition));
  for (const auto& [name, value] : fields) {
    const bool covered = std::any_of(policy.conditions.begin(), policy.conditions.end(),
                                     [&name = name](const auto& condition) { return condition.field == name; });
    if (!covered && !needs_no_condition(name)) return denied("Extra input fields: " + name);
  }
  return {};
}

S3Result<void> check_length(const PostPolicy& policy, std::uint64_t length) {
  if (length < policy.least) {
    return tl::unexpected(
        S3Error{400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size."});
  }
  if (length > policy.most)
    return tl::unexpected(S3Error{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"});
  return {};
}

}  // namespace holdfast::api::s3
