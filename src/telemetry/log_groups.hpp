// The log groups there are: DIRECTORY/<number>/group.json, each beside the streams of its group. Number 0 is the
// trainings' group, whose streams are elsewhere. All of them are in memory: there may only be so many. Not thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ports/log_store.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxLogGroups = 1000;

class LogGroups {
 public:
  // Makes the trainings' group if it is not there, and removes what a deletion left behind.
  static Result<LogGroups> open(std::filesystem::path directory, std::int64_t now_ms);

  std::vector<ports::LogGroup> list() const;
  Result<ports::LogGroup> find(const std::string& name) const;  // Kind::not_found
  // Where the streams of a user's group are.
  Result<std::filesystem::path> directory_of(const std::string& name) const;

  Result<void> create(ports::LogGroup group);         // Kind::conflict, Kind::no_space
  Result<void> change(const ports::LogGroup& group);  // Kind::not_found
  Result<void> remove(const std::string& name);       // Kind::not_found, Kind::invalid

 private:
  struct Entry {
    std::uint64_t number = 0;
    ports::LogGroup group;
  };

  explicit LogGroups(std::filesystem::path directory) : directory_(std::move(directory)) {}
  void load(const std::filesystem::path& place);
  Result<void> save(const Entry& entry) const;

  std::filesystem::path directory_;
  std::uint64_t next_number_ = 1;
  std::map<std::string, Entry> groups_;
};

}  // namespace holdfast::telemetry
