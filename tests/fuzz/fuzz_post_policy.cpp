// The policy of a browser's upload, in plain text, and then the form's fields, "name=value" a line: none that the
// policy does not speak of may pass.
#include "api/s3/post_policy.hpp"
#include "aws/sha256.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  using namespace holdfast::api::s3;
  fuzz::Input input(bytes, size);
  const auto document = input.line();
  static_cast<void>(parse_post_policy(document));  // rarely base64
  const auto policy = parse_post_policy(aws::to_base64(document));
  if (!policy) return 0;
  FormFields fields;
  while (!input.empty()) {
    const auto line = input.line();
    const auto equals = std::min(line.find('='), line.size());
    fields.emplace(line.substr(0, equals), line.substr(std::min(line.size(), equals + 1)));
  }
  const bool allowed = check_fields(*policy, fields, Instant{}).has_value();
  fields.insert_or_assign("a field that nobody speaks of", "");
  bool spoken_of = false;
  for (const auto& condition : policy->conditions) spoken_of |= condition.field == "a field that nobody speaks of";
  if (!spoken_of) ENSURE(!check_fields(*policy, fields, Instant{}), "a field that nobody signed passed");
  if (allowed) ENSURE(policy->expiration > Instant{}, "an expired policy allows");
  ENSURE(policy->least <= policy->most || !check_length(*policy, policy->least), "no length is within both");
  return 0;
}
