// What the operations of CloudWatch Logs share: how a group is named, what users may not do to the trainings' group,
// and the words of their errors.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/protocol.hpp"
#include "api/rules.hpp"
#include "ports/log_store.hpp"

namespace holdfast::api::operations {

template <class T>
using CheckedLogs = tl::expected<T, ApiError>;

ApiError no_such_log_group();
ApiError no_such_log_stream();
// Logs has a name of its own for what SageMaker calls a ValidationException.
ApiError invalid_parameter(std::string message);
ApiError in_words_of_logs(ApiError error);
// Of a call about a stream, or about events, of a group that is there; and of one about a group.
ApiError log_failure(const Error& error);
ApiError group_failure(const Error& error);

CheckedLogs<void> validate_for_logs(const nlohmann::json& request, const Shape& input);

// The group that a valid request names, by name or by ARN, and that is there.
CheckedLogs<ports::LogGroup> group_of(const Call& call);

// The one whose ARN is the request's resourceArn.
CheckedLogs<ports::LogGroup> tagged_group(const Call& call);
// Of "arn:aws:logs:us-east-1:000000000000:log-group:NAME"; else the identifier is the name.
std::string name_of_group(const std::string& identifier);

// A page of `logGroups`, by name: those that are wanted, each as it is shown. Its token belongs to the question, and to
// every member of it.
using WantedGroup = std::function<bool(const ports::LogGroup&)>;
using ShownGroup = std::function<nlohmann::json(const ports::LogGroup&)>;
CheckedLogs<nlohmann::json> page_of_groups(const Call& call, std::size_t most, const WantedGroup& wanted,
                                           const ShownGroup& shown);

// All there are.
constexpr const char* kGroupClass = "STANDARD";

// Of a list of groups: it asks for those of no account, or of ours among others.
bool asks_for_our_account(const Call& call);

// The group's streams whose names begin so, as far as the caller may see them: who may see some jobs only, sees the
// streams of those. In order.
CheckedLogs<std::vector<std::string>> visible_streams(const Call& call, const std::string& group,
                                                      const std::string& prefix);

// What only trainings may do.
CheckedLogs<void> refuse_trainings_group(const ports::LogGroup& group);
CheckedLogs<void> set_tags(const Call& call, const ports::LogGroup& group);
// Of the request's `tags`, a map; and of a list of keys.
void add_tags(const Call& call, CheckedLogs<ports::LogGroup> group, const Answer& answer);
void remove_tags(const Call& call, CheckedLogs<ports::LogGroup> group, const nlohmann::json& keys,
                 const Answer& answer);

// Of a group and all that is in it, as older clients know it, and of the group alone.
std::string log_group_arn(const Backends& backends, std::string_view group);
std::string arn_of_group_alone(const Backends& backends, std::string_view group);
std::string log_stream_arn(const Backends& backends, std::string_view group, std::string_view stream);

}  // namespace holdfast::api::operations
