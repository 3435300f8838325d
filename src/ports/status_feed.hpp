// What happened to the statuses of jobs, in the order in which it was decided, for those who are to be told. Kept from
// the moment at which somebody listens until everybody who does has been told. From any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ports/job_store.hpp"

namespace holdfast::ports {

constexpr std::size_t kMaxStatusChangesKept = 100'000;  // beyond them the oldest are forgotten

struct StatusChange {
  std::uint64_t number = 0;  // grows from change to change
  StoredJob job;             // as it was then
  // How many of its transitions were there before; with kMaxTransitionsKept of them as many as now.
  std::size_t transitions_before = 0;
};

class StatusFeed {
 public:
  virtual ~StatusFeed() = default;

  // Who is to be told from now on: those that listened before go on where they were, new ones begin here, others are
  // forgotten.
  virtual Result<void> listen(const std::vector<std::string>& listeners) = 0;
  // The number of the last change that the listener was told of. Kind::not_found: it does not listen.
  virtual Result<std::uint64_t> told(const std::string& listener) = 0;
  virtual Result<std::vector<StatusChange>> after(std::uint64_t number, std::size_t limit) = 0;
  // The listener was told of all up to this one. After a power failure an earlier number may be the last again.
  virtual Result<void> tell(const std::string& listener, std::uint64_t number) = 0;
};

}  // namespace holdfast::ports
