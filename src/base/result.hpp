// Result<T>: a value, or why there is none. What the world refuses is a Result; a bug of ours is ENSURE.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace holdfast {

// Says what the caller can do about it, not where it came from.
enum class Kind {
  not_found,  // what was asked for is not there
  conflict,   // someone else changed it first: look again, then decide again
  invalid,    // the caller's input; trying again with the same input cannot help
  try_again,  // the world is busy or away; the same call may succeed later
  no_space,   // a disk or a quota is full
  permanent,  // anything else that a retry cannot mend
};

constexpr const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::not_found:
      return "not found";
    case Kind::conflict:
      return "conflict";
    case Kind::invalid:
      return "invalid";
    case Kind::try_again:
      return "try again";
    case Kind::no_space:
      return "no space";
    case Kind::permanent:
      return "permanent";
  }
  return "?";
}

struct Error {
  Kind kind = Kind::permanent;
  std::string message;  // the operation, the object, the reason: "uploading model.bin to s3://b/k: No space left"
};

// tl::expected is not [[nodiscard]] as a class; ours is, so a dropped result is a warning.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  using tl::expected<void, Error>::expected;
};

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

template <class... Args>
tl::unexpected<Error> fail(Kind kind, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

// The same error, one step further out: "restoring generation 5: " + what happened.
template <class... Args>
tl::unexpected<Error> fail(const Error& cause, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(
      Error{cause.kind, fmt::format(format, std::forward<Args>(args)...) + ": " + cause.message});
}

}  // namespace holdfast
