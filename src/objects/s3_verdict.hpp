// What a refusal of S3 means for us: what to do about it, and what to tell the caller if that does not help.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "http/message.hpp"
#include "objects/s3_answers.hpp"

namespace holdfast::objects {

enum class Remedy {
  none,              // tell the caller
  again,             // the same once more, after a pause
  slower,            // the server asks for less: after a longer pause
  other_region,      // the bucket is elsewhere
  new_credentials,   // ours are over
  set_clock,         // ours is wrong
  without_checksum,  // the server does not know the header
};

struct Verdict {
  Remedy remedy = Remedy::none;
  Kind kind = Kind::permanent;             // if the remedy does not help
  std::optional<Duration> pause = {};      // that the server asks for, at most a minute
  std::optional<Instant> their_time = {};  // the server's clock
  std::string region = {};                 // of Remedy::other_region
  std::string advice = {};                 // for people: what to do about it
};

// Of an answer that is not 2xx, or whose body is a refusal.
Verdict judge(const http::Response& answer, const S3Refusal& refusal);

// "503 SlowDown: Please reduce your request rate (request 4442587FB7D0A2F9)". Nothing of what was sent is in it.
std::string describe(const http::Response& answer, const S3Refusal& refusal);

}  // namespace holdfast::objects
