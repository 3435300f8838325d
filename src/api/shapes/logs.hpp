// The inputs of the operations of CloudWatch Logs.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

constexpr std::size_t kMaxLogList = 50;           // groups or streams in one answer
constexpr std::size_t kMaxGroupSummaries = 1000;  // in one answer of ListLogGroups
constexpr std::size_t kMaxLogEvents = 10'000;     // in one page or one batch
constexpr std::size_t kMaxStreamsFiltered = 100;  // that one FilterLogEvents may name
constexpr std::size_t kMaxTagsOfGroup = 50;

const Shape& create_log_group_input();
const Shape& delete_log_group_input();
const Shape& describe_log_groups_input();
const Shape& list_log_groups_input();
const Shape& create_log_stream_input();
const Shape& delete_log_stream_input();
const Shape& describe_log_streams_input();
const Shape& put_log_events_input();
const Shape& get_log_events_input();
const Shape& filter_log_events_input();
const Shape& put_retention_policy_input();
const Shape& delete_retention_policy_input();
const Shape& list_tags_log_group_input();
const Shape& tag_log_group_input();
const Shape& untag_log_group_input();
const Shape& list_tags_for_log_resource_input();
const Shape& tag_log_resource_input();
const Shape& untag_log_resource_input();

}  // namespace holdfast::api::shapes
