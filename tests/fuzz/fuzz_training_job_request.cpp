// The body of a CreateTrainingJob, whole, as it comes over the wire.
#include <nlohmann/json.hpp>

#include "api/rules.hpp"
#include "api/shapes/paths.hpp"
#include "api/training_job_request.hpp"
#include "fuzz/input.hpp"
#include "job/codec.hpp"
#include "job/decide.hpp"
#include "job/invariants.hpp"

namespace holdfast::fuzz {
namespace {

using nlohmann::json;

const api::RequestContext kContext{"123456789012", "us-west-2"};

void check_error(const api::ApiError& error) {
  ENSURE(error.status >= 400 && error.status < 500, "status {} for a request of theirs", error.status);
  ENSURE(!error.code.empty(), "an error without a code");
  ENSURE(json::parse(api::to_json(error)).at("__type") == error.code, "an error that is not told");
}

void check_spec(const job::JobSpec& spec) {
  ENSURE(!spec.name.empty() && spec.name.value.size() <= 63, "a job without a name that can be used");
  ENSURE(spec.max_runtime > Duration::zero(), "a job without time to run");
  ENSURE(spec.spot == spec.max_wait.has_value(), "MaxWait belongs to spot");
  if (spec.checkpoint) {
    const auto& path = spec.checkpoint->local_path;
    ENSURE(api::shapes::normal_path(path) == path, "'{}' is no normal path", path);
  }
  const auto text = job::encode_spec(spec);
  const auto again = job::decode_spec(text);
  ENSURE(again, "{}", again.error().message);
  ENSURE(job::encode_spec(*again) == text, "another specification comes back from the store");
  const auto created = job::create(std::make_shared<const job::JobSpec>(spec), from_ms(1'700'000'000'000));
  ENSURE(job::broken_invariants(created.job).empty(), "a new job is broken");
}

// What Describe echoes asks for the same job.
void check_echo(const api::NewTrainingJob& made) {
  auto echo = json::parse(made.request_json);
  if (!made.tags.empty()) {
    auto& tags = echo["Tags"] = json::array();
    for (const auto& [key, value] : made.tags) tags.push_back({{"Key", key}, {"Value", value}});
  }
  const auto again = api::make_training_job(echo, kContext);
  ENSURE(again, "{}", again.error().message);
  ENSURE(job::encode_spec(again->spec) == job::encode_spec(made.spec), "the echo asks for another job");
  ENSURE(again->request_json == made.request_json, "the echo of the echo differs");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto body = api::parse_body(fuzz::Input(bytes, size).rest());
  if (!body) return fuzz::check_error(body.error()), 0;
  const auto made = api::make_training_job(*body, fuzz::kContext);
  if (!made) return fuzz::check_error(made.error()), 0;
  fuzz::check_spec(made->spec);
  fuzz::check_echo(*made);
  return 0;
}
