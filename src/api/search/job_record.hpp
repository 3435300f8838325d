// A stored training job as a search sees it. What a row has in its columns costs nothing; the request, the job and its
// metrics are decoded only when they are asked for.
#pragma once

#include <map>
#include <optional>

#include "api/search/expression.hpp"
#include "ports/job_store.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::api::search {

class JobRecord final : public Record {
 public:
  // Both must outlive the record.
  JobRecord(const ports::StoredRow& row, ports::Telemetry& telemetry);
  const nlohmann::json* member(const std::string& name) const override;

 private:
  const nlohmann::json& request() const;
  const nlohmann::json& outcome() const;
  const job::Job* job() const;

  const ports::StoredRow& row_;
  ports::Telemetry& telemetry_;
  nlohmann::json columns_;
  mutable std::optional<nlohmann::json> request_, outcome_, metrics_, tags_;
  mutable std::optional<job::Job> job_;
};

// All of it, as Search answers: Describe's members and Tags. Kind::permanent: what is stored is not ours.
Result<nlohmann::json> whole_record(const ports::StoredRow& row, ports::Telemetry& telemetry);

}  // namespace holdfast::api::search
