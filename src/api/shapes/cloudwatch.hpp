// What CloudWatch's metric operations take and give: of what they give, what other protocols than JSON must be told.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

const Shape& put_metric_data_input();

const Shape& get_metric_statistics_input();
const Shape& get_metric_statistics_output();

const Shape& get_metric_data_input();
const Shape& get_metric_data_output();

const Shape& list_metrics_input();
const Shape& list_metrics_output();

}  // namespace holdfast::api::shapes
