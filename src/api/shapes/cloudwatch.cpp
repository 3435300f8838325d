#include "api/shapes/cloudwatch.hpp"

#include "api/shapes/common.hpp"

namespace holdfast::api::shapes {
namespace {

constexpr std::size_t kMaxDimensions = 30;
constexpr std::size_t kMaxData = 1000;
constexpr std::size_t kMaxValues = 150;
constexpr std::size_t kMaxQueries = 500;
constexpr std::int64_t kMaxDatapoints = 100'800;

ShapePtr text(std::size_t min, std::size_t max) { return shape(String{.min = min, .max = max}); }
ShapePtr text() { return shape(String{}); }
ShapePtr number() { return shape(Float{}); }
ShapePtr positive() { return shape(Integer{.min = 1}); }
ShapePtr list_of(ShapePtr element, std::optional<std::size_t> max = {}) {
  return shape(List{.max = max, .element = std::move(element)});
}

ShapePtr space() { return shape(String{.min = 1, .max = 255, .pattern = Pattern("[^:].*")}); }
ShapePtr unit() {
  return one_of({"Seconds",
                 "Microseconds",
                 "Milliseconds",
                 "Bytes",
                 "Kilobytes",
                 "Megabytes",
                 "Gigabytes",
                 "Terabytes",
                 "Bits",
                 "Kilobits",
                 "Megabits",
                 "Gigabits",
                 "Terabits",
                 "Percent",
                 "Count",
                 "Bytes/Second",
                 "Kilobytes/Second",
                 "Megabytes/Second",
                 "Gigabytes/Second",
                 "Terabytes/Second",
                 "Bits/Second",
                 "Kilobits/Second",
                 "Megabits/Second",
                 "Gigabits/Second",
                 "Terabits/Second",
                 "Count/Second",
                 "None"});
}
ShapePtr dimensions() {
  return list_of(shape(Structure{{{"Name", text(1, 255), kRequired}, {"Value", text(1, 1024), kRequired}}}),
                 kMaxDimensions);
}
ShapePtr metric() {
  return shape(Structure{{{"Namespace", space()}, {"MetricName", text(1, 255)}, {"Dimensions", dimensions()}}});
}
ShapePtr messages() { return list_of(shape(Structure{{{"Code", text()}, {"Value", text()}}})); }

const char* const kOneAccount = "There is one account only: leave it out.";

ShapePtr datum() {
  const ShapePtr statistic_set = shape(Structure{{
      {"SampleCount", number(), kRequired},
      {"Sum", number(), kRequired},
      {"Minimum", number(), kRequired},
      {"Maximum", number(), kRequired},
  }});
  return shape(Structure{{
      {"MetricName", text(1, 255), kRequired},
      {"Dimensions", dimensions()},
      {"Timestamp", timestamp()},
      {"Value", number()},
      {"StatisticValues", statistic_set},
      {"Values", list_of(number(), kMaxValues)},
      {"Counts", list_of(number(), kMaxValues)},
      {"Unit", unit()},
      {"StorageResolution", positive()},
  }});
}

ShapePtr query() {
  const ShapePtr stat = shape(Structure{{
      {"Metric", metric(), kRequired},
      {"Period", positive(), kRequired},
      {"Stat", text(), kRequired},
      {"Unit", unit()},
  }});
  return shape(Structure{{
      {"Id", shape(String{.min = 1, .max = 255, .pattern = Pattern("^[a-z][a-zA-Z0-9_]*$")}), kRequired},
      {"MetricStat", stat},
      {"Expression", text(1, 2048)},
      {"Label", text()},
      {"ReturnData", boolean()},
      {"Period", positive()},
      {"AccountId", unsupported(kOneAccount)},
  }});
}

}  // namespace

const Shape& put_metric_data_input() {
  static const ShapePtr input = shape(Structure{{
      {"Namespace", space(), kRequired},
      {"MetricData", shape(List{.min = 1, .max = kMaxData, .element = datum()}), kRequired},
      {"EntityMetricData", unsupported("Entities are not kept: give MetricData.")},
      {"StrictEntityValidation", boolean()},
  }});
  return *input;
}

const Shape& get_metric_statistics_input() {
  static const ShapePtr input = shape(Structure{{
      {"Namespace", space(), kRequired},
      {"MetricName", text(1, 255), kRequired},
      {"Dimensions", dimensions()},
      {"StartTime", timestamp(), kRequired},
      {"EndTime", timestamp(), kRequired},
      {"Period", positive(), kRequired},
      {"Statistics",
       shape(List{.min = 1, .max = 5, .element = one_of({"SampleCount", "Average", "Sum", "Minimum", "Maximum"})})},
      {"ExtendedStatistics", shape(List{.min = 1, .max = 10, .element = text()})},
      {"Unit", unit()},
  }});
  return *input;
}

const Shape& get_metric_statistics_output() {
  static const ShapePtr output = [] {
    const ShapePtr datapoint = shape(Structure{{
        {"Timestamp", timestamp()},
        {"SampleCount", number()},
        {"Average", number()},
        {"Sum", number()},
        {"Minimum", number()},
        {"Maximum", number()},
        {"Unit", text()},
        {"ExtendedStatistics", shape(Map{.value = number()})},
    }});
    return shape(Structure{{{"Label", text()}, {"Datapoints", list_of(datapoint)}}});
  }();
  return *output;
}

const Shape& get_metric_data_input() {
  static const ShapePtr input = shape(Structure{{
      {"MetricDataQueries", list_of(query(), kMaxQueries), kRequired},
      {"StartTime", timestamp(), kRequired},
      {"EndTime", timestamp(), kRequired},
      {"NextToken", text()},
      {"ScanBy", one_of({"TimestampDescending", "TimestampAscending"})},
      {"MaxDatapoints", shape(Integer{.min = 1, .max = kMaxDatapoints})},
      {"LabelOptions", shape(Structure{{{"Timezone", shape(String{.pattern = Pattern(R"([+-]\d{2}:?\d{2})")})}}})},
  }});
  return *input;
}

const Shape& get_metric_data_output() {
  static const ShapePtr output = [] {
    const ShapePtr result = shape(Structure{{
        {"Id", text()},
        {"Label", text()},
        {"Timestamps", list_of(timestamp())},
        {"Values", list_of(number())},
        {"StatusCode", text()},
        {"Messages", messages()},
    }});
    return shape(Structure{{
        {"MetricDataResults", list_of(result)},
        {"NextToken", text()},
        {"Messages", messages()},
    }});
  }();
  return *output;
}

const Shape& list_metrics_input() {
  static const ShapePtr input = [] {
    const ShapePtr filter = shape(Structure{{{"Name", text(1, 255), kRequired}, {"Value", text(1, 1024)}}});
    return shape(Structure{{
        {"Namespace", space()},
        {"MetricName", text(1, 255)},
        {"Dimensions", list_of(filter, 10)},
        {"NextToken", text()},
        {"RecentlyActive", one_of({"PT3H"})},
        {"IncludeLinkedAccounts", boolean()},
        {"OwningAccount", unsupported(kOneAccount)},
    }});
  }();
  return *input;
}

const Shape& list_metrics_output() {
  static const ShapePtr output = shape(Structure{{
      {"Metrics", list_of(metric())},
      {"NextToken", text()},
      {"OwningAccounts", list_of(text())},
  }});
  return *output;
}

}  // namespace holdfast::api::shapes
