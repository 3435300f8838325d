// Metrics of the simulated service: nobody there asks for them.
#pragma once

#include "ports/metrics.hpp"

namespace holdfast::sim {

class NoMetrics final : public ports::MetricStore {
 public:
  Result<void> put(const std::vector<ports::Measurement>&, const std::optional<ports::PutMark>&) override { return {}; }
  Result<std::vector<ports::UnitPoints>> read(const ports::Metric&, const std::string&, std::size_t, Instant,
                                              Instant) override {
    return std::vector<ports::UnitPoints>{};
  }
  Result<ports::MetricPage> list(const ports::MetricQuestion&) override { return ports::MetricPage{}; }
};

}  // namespace holdfast::sim
