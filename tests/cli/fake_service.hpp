// A service that answers from a script and remembers what it was asked.
#pragma once

#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/client.hpp"
#include "cli/terminal.hpp"

namespace holdfast::cli {

class FakeService final : public Service {
 public:
  Result<nlohmann::json> call(const std::string& target, const nlohmann::json& body) override {
    calls.emplace_back(target, body);
    auto& queue = answers[target];
    if (queue.empty()) return fail(Kind::permanent, "the test has no answer to {}", target);
    auto answer = queue.front();
    if (queue.size() > 1) queue.pop_front();  // the last one stays
    return answer;
  }
  Result<void> create_bucket(const std::string& bucket) override {
    buckets.push_back(bucket);
    return {};
  }
  Result<void> put_object(const std::string& bucket, const std::string& key,
                          const std::filesystem::path& file) override {
    objects[bucket + "/" + key] = file.string();
    return {};
  }
  Result<void> get_object(const std::string& bucket, const std::string& key,
                          const std::filesystem::path& file) override {
    downloads[bucket + "/" + key] = file.string();
    return {};
  }
  // The bodies of the calls of one target, in order.
  std::vector<nlohmann::json> bodies(const std::string& target) const {
    std::vector<nlohmann::json> found;
    for (const auto& [name, body] : calls) {
      if (name == target) found.push_back(body);
    }
    return found;
  }

  std::map<std::string, std::deque<Result<nlohmann::json>>> answers;
  std::vector<std::pair<std::string, nlohmann::json>> calls;
  std::vector<std::string> buckets;
  std::map<std::string, std::string> objects;    // key -> the local file
  std::map<std::string, std::string> downloads;  // the same
};

// Nobody waits in a test; after `patience` waits the user presses Ctrl-C.
class FakePause final : public Pause {
 public:
  explicit FakePause(int patience = 1000) : patience_(patience) {}
  bool wait(Duration) override { return patience_-- <= 0; }

 private:
  int patience_;
};

class FixedClock final : public Clock {
 public:
  Instant now() override { return from_ms(1700000000123); }
};

// DescribeTrainingJob's answer; `visits` are statuses that begin one second after the other, the last one unfinished.
inline nlohmann::json job_answer(const std::string& status, const std::vector<std::string>& visits,
                                 const nlohmann::json& more = nlohmann::json::object()) {
  nlohmann::json answer{{"TrainingJobName", "train-1"},      {"TrainingJobStatus", status},
                        {"SecondaryStatus", visits.back()},  {"CreationTime", 1699999990.5},
                        {"EnableManagedSpotTraining", true}, {"SecondaryStatusTransitions", nlohmann::json::array()}};
  double time = 1700000000;
  for (const auto& visit : visits) {
    answer["SecondaryStatusTransitions"].push_back(
        {{"Status", visit}, {"StartTime", time}, {"StatusMessage", "about " + visit}});
    time += 1;
  }
  answer.update(more);
  return answer;
}

}  // namespace holdfast::cli
