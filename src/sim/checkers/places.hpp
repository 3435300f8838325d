// Which ledger a job's checkpoints are in: jobs with the same S3Uri share one.
#pragma once

#include <map>
#include <string>

#include "sim/history.hpp"

namespace holdfast::sim::checkers {

class Places {
 public:
  void see(const Record& record) {
    const auto* decided = std::get_if<Decided>(&record.what);
    if (!decided || decided->event || !decided->after->spec->checkpoint) return;
    std::string uri = decided->after->spec->checkpoint->s3_uri;
    if (!uri.ends_with('/')) uri += '/';
    uris_[decided->job] = std::move(uri);
  }
  // A job whose creation is not on record has a place of its own.
  const std::string& of(const JobName& job) const {
    const auto found = uris_.find(job);
    return found == uris_.end() ? job.value : found->second;
  }

 private:
  std::map<JobName, std::string> uris_;
};

}  // namespace holdfast::sim::checkers
