// What the embedded store knows of the past, for whoever judges it (`holdfast check-history`): read-only, as of one
// moment, while a service works on the same file or while none does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "job/event.hpp"
#include "job/state.hpp"

namespace holdfast::store {

class Database;

struct JobRow {
  JobName name;
  std::string spec, job;  // encoded, see job/codec.hpp
  // What the lists of jobs go by, beside what the job itself says.
  std::string status, secondary;
  std::uint64_t version = 0;
  bool live = false;
};
struct EventRow {
  JobName job;
  std::uint64_t version = 0;
  Instant at;
  std::string event;  // encoded
};
struct LeaseRow {
  Fence fence;
  JobName job;
  bool spot = false;
  MicroDollars price_per_hour = 0;
  MicroDollars on_demand_per_hour = 0;
  Instant requested;
  InstanceId instance;        // empty: it never came up
  std::optional<Instant> up;  // when the service heard so
  std::optional<Instant> release_asked;
  std::optional<Instant> gone;  // when the provider said that nothing of it is left
};

class HistoryReader {
 public:
  // Kind::not_found: there is no such file; Kind::invalid: it is not ours, or a newer Holdfast's.
  static Result<std::unique_ptr<HistoryReader>> open(const std::string& path);
  ~HistoryReader();

  int schema() const { return schema_; }
  // Leases and starts are recorded since schema 2; before, they are empty.
  Result<std::vector<JobRow>> jobs();
  Result<std::vector<EventRow>> events();  // by job and version
  Result<std::vector<LeaseRow>> leases();
  Result<std::vector<Instant>> starts();

 private:
  HistoryReader(std::unique_ptr<Database> database, int schema);

  std::unique_ptr<Database> database_;
  int schema_;
};

}  // namespace holdfast::store
