// What users of the simulated service find where logs are: nothing. Nobody in the simulation asks.
#pragma once

#include "ports/log_store.hpp"

namespace holdfast::sim {

class NoLogs final : public ports::LogStore {
 public:
  std::vector<ports::LogGroup> groups() override { return {}; }
  Result<ports::LogGroup> group(const std::string&) override { return none(); }
  Result<void> create_group(const std::string&, const std::map<std::string, std::string>&) override { return none(); }
  Result<void> delete_group(const std::string&) override { return none(); }
  Result<void> set_retention(const std::string&, std::optional<int>) override { return none(); }
  Result<void> set_tags(const std::string&, const std::map<std::string, std::string>&) override { return none(); }
  Result<std::vector<std::string>> stream_names(const std::string&, const std::string&) override { return none(); }
  Result<ports::LogStreamFacts> facts(const std::string&, const std::string&) override { return none(); }
  Result<void> create_stream(const std::string&, const std::string&) override { return none(); }
  Result<void> delete_stream(const std::string&, const std::string&) override { return none(); }
  Result<std::uint64_t> put(const std::string&, const std::string&, const std::vector<ports::LogEvent>&) override {
    return none();
  }
  Result<ports::LogPage> read(const ports::LogQuery&) override { return none(); }
  Result<ports::SearchPage> search(const ports::LogSearch&) override { return none(); }

 private:
  static tl::unexpected<Error> none() { return fail(Kind::not_found, "logs are not kept"); }
};

}  // namespace holdfast::sim
