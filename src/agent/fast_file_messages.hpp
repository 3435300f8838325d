// What the agent and the process that shows FastFile channels tell each other: a JSON object in each line. One place
// for both directions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/channels.hpp"
#include "base/result.hpp"

namespace holdfast::agent {

// The number of the descriptor, a socket, under which that process finds the agent. Its end is the agent's end.
constexpr int kFastFileSocket = 3;
// In the instance's directory: where it mounts.
constexpr const char* kFastFileFolder = "fast-files";

// ---- to that process

// A channel to show, in pieces: it may have a great many files.
Result<void> write_channel(const std::string& channel, const ChannelListing& listing,
                           const std::function<Result<void>(std::string_view piece)>& write);

struct NamedListing {
  std::string channel;
  ChannelListing listing;
};
// Takes the lines of such channels.
class ListingReader {
 public:
  // A channel, with its last line. Kind::permanent: not a line that write_channel() writes.
  Result<std::optional<NamedListing>> take(std::string_view line);

 private:
  std::optional<NamedListing> under_way_;
};

// ---- to the agent

struct FilesMounted {};  // first of all, or
struct FilesRefused {    // nothing is shown at all, or not the channel that was asked for last
  Error error;
};
struct ChannelShown {
  std::string channel;
};
struct FilesNote {  // for the job's log
  std::string line;
};
using FastFileAnswer = std::variant<FilesMounted, FilesRefused, ChannelShown, FilesNote>;
// With the line's end.
std::string answer_line(const FastFileAnswer& answer);
Result<FastFileAnswer> parse_answer(std::string_view line);

}  // namespace holdfast::agent
