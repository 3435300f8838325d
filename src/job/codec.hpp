// Job, event and effect as versioned JSON: what the store holds. A newer version must read what an older one wrote.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "job/effect.hpp"
#include "job/event.hpp"
#include "job/state.hpp"

namespace holdfast::job {

nlohmann::json spec_to_json(const JobSpec& spec);
Result<JobSpec> spec_from_json(const nlohmann::json& json);
std::string encode_spec(const JobSpec& spec);
Result<JobSpec> decode_spec(std::string_view text);

// Everything but the spec, which is stored once.
std::string encode_job(const Job& job);
Result<Job> decode_job(std::string_view text, std::shared_ptr<const JobSpec> spec);

std::string encode_event(const Event& event);
Result<Event> decode_event(std::string_view text);
std::string encode_effect(const Effect& effect);
Result<Effect> decode_effect(std::string_view text);

}  // namespace holdfast::job
