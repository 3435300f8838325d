#include "api/search/property.hpp"

#include <algorithm>
#include <array>

#include "api/rules.hpp"
#include "api/shapes/common.hpp"
#include "api/shapes/training_job.hpp"
#include "base/overload.hpp"

namespace holdfast::api::search {

namespace {

using shapes::timestamp;

constexpr std::string_view kTags = "Tags.";
constexpr std::string_view kMetrics = "Metrics.";
constexpr std::string_view kHyperParameters = "HyperParameters";

// Members of the request that the record of a search does not have.
constexpr std::array<std::string_view, 5> kNotInRecord{"ProfilerConfig", "ProfilerRuleConfigurations", "Tags",
                                                       "InfraCheckConfig", "SessionChainingConfig"};

ShapePtr text() { return shape(String{}); }
ShapePtr number() { return shape(Long{}); }

// What became of the job: see api/training_job_description.
std::vector<Member> outcome_members() {
  const ShapePtr transition = shape(
      Structure{{{"Status", text()}, {"StartTime", timestamp()}, {"EndTime", timestamp()}, {"StatusMessage", text()}}});
  const ShapePtr metric =
      shape(Structure{{{"MetricName", text()}, {"Value", shape(Float{})}, {"Timestamp", timestamp()}}});
  const ShapePtr tag = shape(Structure{{{"Key", text()}, {"Value", text()}}});
  return {{"TrainingJobArn", text()},
          {"ModelArtifacts", shape(Structure{{{"S3ModelArtifacts", text()}}})},
          {"TrainingJobStatus", text()},
          {"SecondaryStatus", text()},
          {"FailureReason", text()},
          {"CreationTime", timestamp()},
          {"TrainingStartTime", timestamp()},
          {"TrainingEndTime", timestamp()},
          {"LastModifiedTime", timestamp()},
          {"SecondaryStatusTransitions", shape(List{.element = transition})},
          {"FinalMetricDataList", shape(List{.element = metric})},
          {"TrainingTimeInSeconds", number()},
          {"BillableTimeInSeconds", number()},
          {"Tags", shape(List{.element = tag})}};
}

const Structure& record() {
  static const Structure structure = [] {
    Structure made{outcome_members()};
    for (const Member& member : std::get<Structure>(shapes::create_training_job_input().kind).members) {
      const bool left_out = std::find(kNotInRecord.begin(), kNotInRecord.end(), member.name) != kNotInRecord.end();
      if (!left_out && !std::holds_alternative<Unsupported>(member.shape->kind)) made.members.push_back(member);
    }
    return made;
  }();
  return structure;
}

const Shape& without_lists(const Shape& shape) {
  const auto* list = std::get_if<List>(&shape.kind);
  return list ? without_lists(*list->element) : shape;
}

const Member* member_of(const Structure& structure, std::string_view name) {
  const auto found = std::find_if(structure.members.begin(), structure.members.end(),
                                  [&](const Member& member) { return member.name == name; });
  const bool there = found != structure.members.end() && !std::holds_alternative<Unsupported>(found->shape->kind);
  return there ? &*found : nullptr;
}

Type type_of(const Shape& shape) {
  return std::visit(Overload{[](const String&) { return Type::text; }, [](const Integer&) { return Type::number; },
                             [](const Long&) { return Type::number; }, [](const Float&) { return Type::number; },
                             [](const Boolean&) { return Type::boolean; }, [](const Timestamp&) { return Type::time; },
                             [](const auto&) { return Type::structure; }},
                    without_lists(shape).kind);
}

std::optional<Property> picked(std::string_view name) {
  Property property{std::string(name), Type::text, "", {}, {}};
  if (name.starts_with(kTags) && name.size() > kTags.size()) {
    property.member = "Tags";
    property.pick = Pick{"Key", std::string(name.substr(kTags.size())), "Value"};
    return property;
  }
  if (!name.starts_with(kMetrics) || name.size() == kMetrics.size()) return {};
  property.type = Type::number;
  property.member = "FinalMetricDataList";
  property.pick = Pick{"MetricName", std::string(name.substr(kMetrics.size())), "Value"};
  return property;
}

void add_names(const Shape& shape, const std::string& name, std::vector<std::string>& names) {
  const Shape& inner = without_lists(shape);
  if (std::holds_alternative<Unsupported>(inner.kind)) return;
  names.push_back(name);
  if (std::holds_alternative<Map>(inner.kind)) names.back() += '.';
  const auto* structure = std::get_if<Structure>(&inner.kind);
  if (!structure) return;
  for (const Member& member : structure->members) add_names(*member.shape, name + '.' + member.name, names);
}

}  // namespace

std::optional<Property> find_property(std::string_view name) {
  if (name.starts_with(kTags) || name.starts_with(kMetrics)) return picked(name);
  Property property{std::string(name), Type::structure, "", {}, {}};
  const Structure* structure = &record();
  for (std::string_view rest = name;;) {
    const auto dot = rest.find('.');
    const std::string step(rest.substr(0, dot));
    const Member* member = member_of(*structure, step);
    if (!member) return {};
    (property.member.empty() ? property.member : property.path.emplace_back()) = step;
    property.type = type_of(*member->shape);
    if (dot == std::string_view::npos) return property;
    rest.remove_prefix(dot + 1);
    const Shape& inner = without_lists(*member->shape);
    if (const auto* map = std::get_if<Map>(&inner.kind)) {
      // The names in a map are the user's, dots and all.
      if (rest.empty()) return {};
      property.path.emplace_back(rest);
      property.type = property.member == kHyperParameters ? Type::mixed : type_of(*map->value);
      return property;
    }
    structure = std::get_if<Structure>(&inner.kind);
    if (!structure) return {};
  }
}

bool is_list_of_structures(std::string_view name) {
  const Structure* structure = &record();
  for (;;) {
    const auto dot = name.find('.');
    const Member* member = member_of(*structure, name.substr(0, dot));
    if (!member) return false;
    const Shape& inner = without_lists(*member->shape);
    const bool list = std::holds_alternative<List>(member->shape->kind);
    structure = std::get_if<Structure>(&inner.kind);
    if (!structure) return false;
    if (dot == std::string_view::npos) return list;
    name.remove_prefix(dot + 1);
  }
}

std::vector<std::string> property_names() {
  std::vector<std::string> names;
  for (const Member& member : record().members) add_names(*member.shape, member.name, names);
  names.emplace_back(kTags);
  names.emplace_back(kMetrics);
  return names;
}

}  // namespace holdfast::api::search
