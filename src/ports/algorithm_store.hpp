// Algorithms: what training jobs can be made from by name. Plain rows, written by whoever is asked to: no decision of
// the engine reads them, since a job takes what it needs of its algorithm with it. From any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/tags.hpp"

namespace holdfast::ports {

struct Algorithm {
  std::string name;
  std::string arn;
  Instant created;
  std::string request;  // CreateAlgorithm's as JSON, without its tags
  Tags tags;
};

struct AlgorithmQuery {
  std::string name_contains = {};
  std::optional<Instant> created_after = {}, created_before = {};
  bool by_name = false;  // otherwise by creation
  bool ascending = true;
  std::size_t limit = 10;
  // Go on behind this algorithm of the same query: its sort key and its name.
  std::optional<std::pair<std::string, std::string>> after = {};
};

struct AlgorithmPage {
  std::vector<Algorithm> algorithms;
  std::optional<std::pair<std::string, std::string>> next;  // for AlgorithmQuery::after, when there is more
};

class AlgorithmStore {
 public:
  virtual ~AlgorithmStore() = default;

  // Durable on return. Kind::conflict: the name is taken.
  virtual Result<void> add(const Algorithm& algorithm) = 0;
  virtual Result<Algorithm> find(const std::string& name) = 0;  // Kind::not_found
  virtual Result<AlgorithmPage> list(const AlgorithmQuery& query) = 0;
  virtual Result<void> remove(const std::string& name) = 0;  // Kind::not_found
  // Replaces the algorithm's tags by what `change` makes of them; its error is handed through. Returns the new ones.
  virtual Result<Tags> change_tags(const std::string& name, const std::function<Result<Tags>(const Tags&)>& change) = 0;
};

}  // namespace holdfast::ports
