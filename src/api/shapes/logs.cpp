#include "api/shapes/logs.hpp"

#include "api/filter_pattern.hpp"
#include "api/shapes/common.hpp"

namespace holdfast::api::shapes {

namespace {

constexpr std::size_t kMaxToken = 8192;

ShapePtr group_name() { return shape(String{.min = 1, .max = 512, .pattern = Pattern(R"([\.\-_/#A-Za-z0-9]+)")}); }
ShapePtr group_identifier() { return shape(String{.min = 1, .max = 2048, .pattern = Pattern(R"([\w#+=/:,.@-]*)")}); }
ShapePtr group_class() { return one_of({"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"}); }
ShapePtr account_identifiers() {
  const ShapePtr account = shape(String{.min = 12, .max = 12, .pattern = Pattern(R"(^\d{12}$)")});
  return shape(List{.min = 0, .max = 20, .element = account});
}
ShapePtr stream_name() { return shape(String{.min = 1, .max = 512, .pattern = Pattern("[^:*]*")}); }
ShapePtr token() { return shape(String{.min = 1, .max = kMaxToken}); }
ShapePtr epoch_ms() { return shape(Long{.min = 0}); }
ShapePtr limit(std::int64_t most) { return shape(Integer{.min = 1, .max = most}); }
ShapePtr key_of_tag() {
  return shape(String{.min = 1, .max = 128, .pattern = Pattern(R"(^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$)")});
}
ShapePtr tag_map() {
  return shape(Map{.min = 1,
                   .max = kMaxTagsOfGroup,
                   .key = {.min = 1, .max = 128, .pattern = Pattern(R"(^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$)")},
                   .value = shape(String{.max = 256, .pattern = Pattern(R"(^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$)")})});
}

// Whose events these are: a hint for consoles.
ShapePtr entity() {
  const ShapePtr text = shape(String{.min = 1, .max = 512});
  return shape(Structure{{
      {"keyAttributes", shape(Map{.min = 2, .max = 4, .key = {.min = 1, .max = 32}, .value = text})},
      {"attributes", shape(Map{.min = 0, .max = 10, .key = {.min = 1, .max = 256}, .value = text})},
  }});
}

ShapePtr resource_arn() { return shape(String{.min = 1, .max = 1011, .pattern = Pattern(R"([\w+=/:,.@-]*)")}); }

// Where a group may be named by an ARN too, it may be named in either way: the operation sees to that it is.
Member name_of_group() { return {"logGroupName", group_name()}; }
Member identifier_of_group() { return {"logGroupIdentifier", group_identifier()}; }

Shape only_the_group() { return {Structure{{{"logGroupName", group_name(), kRequired}}}}; }
Shape group_and_stream() {
  return {Structure{{{"logGroupName", group_name(), kRequired}, {"logStreamName", stream_name(), kRequired}}}};
}

}  // namespace

const Shape& create_log_group_input() {
  static const Shape input{Structure{{
      {"logGroupName", group_name(), kRequired},
      {"kmsKeyId", unsupported("Log groups are not encrypted here; leave kmsKeyId out.")},
      {"tags", tag_map()},
      {"logGroupClass",
       unsupported("every log group is of the class STANDARD here, so leave it out.", {"\"STANDARD\""})},
      {"deletionProtectionEnabled",
       unsupported("log groups cannot be protected from deletion here, so leave it out.", {"false"})},
  }}};
  return input;
}

const Shape& delete_log_group_input() {
  static const Shape input = only_the_group();
  return input;
}

const Shape& describe_log_groups_input() {
  static const Shape input{Structure{{
      {"accountIdentifiers", account_identifiers()},
      {"logGroupNamePrefix", group_name()},
      {"logGroupNamePattern", shape(String{.min = 0, .max = 512, .pattern = Pattern(R"([\.\-_/#A-Za-z0-9]*)")})},
      {"nextToken", token()},
      {"limit", limit(kMaxLogList)},
      {"includeLinkedAccounts", boolean()},
      {"logGroupClass", group_class()},
      {"logGroupIdentifiers", shape(List{.min = 1, .max = 50, .element = group_identifier()})},
  }}};
  return input;
}

const Shape& list_log_groups_input() {
  const Pattern names(R"((\^?[\.\-_\/#A-Za-z0-9]{3,24})(\|\^?[\.\-_\/#A-Za-z0-9]{3,24}){0,4})");
  static const Shape input{Structure{{
      {"logGroupNamePattern", shape(String{.min = 3, .max = 129, .pattern = names})},
      {"logGroupClass", group_class()},
      {"includeLinkedAccounts", boolean()},
      {"accountIdentifiers", account_identifiers()},
      {"nextToken", token()},
      {"limit", limit(kMaxGroupSummaries)},
      {"dataSources", unsupported("log groups have no data sources here, so leave it out.")},
      {"fieldIndexNames", unsupported("log groups have no field indexes here, so leave it out.")},
      {"logGroupTags", unsupported("ask for the names, and for the tags of each with ListTagsForResource.")},
  }}};
  return input;
}

const Shape& create_log_stream_input() {
  static const Shape input = group_and_stream();
  return input;
}

const Shape& delete_log_stream_input() {
  static const Shape input = group_and_stream();
  return input;
}

const Shape& describe_log_streams_input() {
  static const Shape input{Structure{{
      name_of_group(),
      identifier_of_group(),
      {"logStreamNamePrefix", stream_name()},
      {"orderBy", one_of({"LogStreamName", "LastEventTime"})},
      {"descending", boolean()},
      {"nextToken", token()},
      {"limit", limit(kMaxLogList)},
  }}};
  return input;
}

const Shape& put_log_events_input() {
  static const Shape input{Structure{{
      {"logGroupName", group_name(), kRequired},
      {"logStreamName", stream_name(), kRequired},
      {"logEvents",
       shape(List{.min = 1,
                  .max = kMaxLogEvents,
                  .element = shape(Structure{
                      {{"timestamp", epoch_ms(), kRequired}, {"message", shape(String{.min = 1}), kRequired}}})}),
       kRequired},
      {"sequenceToken", token()},
      {"entity", entity()},
  }}};
  return input;
}

const Shape& get_log_events_input() {
  static const Shape input{Structure{{
      name_of_group(),
      identifier_of_group(),
      {"logStreamName", stream_name(), kRequired},
      {"startTime", epoch_ms()},
      {"endTime", epoch_ms()},
      {"nextToken", token()},
      {"limit", limit(kMaxLogEvents)},
      {"startFromHead", boolean()},
      {"unmask", boolean()},
  }}};
  return input;
}

const Shape& filter_log_events_input() {
  static const Shape input{Structure{{
      name_of_group(),
      identifier_of_group(),
      {"logStreamNames", shape(List{.min = 1, .max = kMaxStreamsFiltered, .element = stream_name()})},
      {"logStreamNamePrefix", stream_name()},
      {"startTime", epoch_ms()},
      {"endTime", epoch_ms()},
      {"filterPattern", shape(String{.min = 0, .max = kMaxFilterPattern})},
      {"nextToken", token()},
      {"limit", limit(kMaxLogEvents)},
      {"interleaved", boolean()},
      {"unmask", boolean()},
  }}};
  return input;
}

const Shape& put_retention_policy_input() {
  static const Shape input{Structure{{
      {"logGroupName", group_name(), kRequired},
      {"retentionInDays", shape(Integer{}), kRequired},
  }}};
  return input;
}

const Shape& delete_retention_policy_input() {
  static const Shape input = only_the_group();
  return input;
}

const Shape& list_tags_log_group_input() {
  static const Shape input = only_the_group();
  return input;
}

const Shape& tag_log_group_input() {
  static const Shape input{Structure{{{"logGroupName", group_name(), kRequired}, {"tags", tag_map(), kRequired}}}};
  return input;
}

const Shape& untag_log_group_input() {
  static const Shape input{Structure{{
      {"logGroupName", group_name(), kRequired},
      {"tags", shape(List{.min = 1, .element = key_of_tag()}), kRequired},
  }}};
  return input;
}

const Shape& list_tags_for_log_resource_input() {
  static const Shape input{Structure{{{"resourceArn", resource_arn(), kRequired}}}};
  return input;
}

const Shape& tag_log_resource_input() {
  static const Shape input{Structure{{{"resourceArn", resource_arn(), kRequired}, {"tags", tag_map(), kRequired}}}};
  return input;
}

const Shape& untag_log_resource_input() {
  static const Shape input{Structure{{
      {"resourceArn", resource_arn(), kRequired},
      {"tagKeys", shape(List{.min = 0, .max = kMaxTagsOfGroup, .element = key_of_tag()}), kRequired},
  }}};
  return input;
}

}  // namespace holdfast::api::shapes
