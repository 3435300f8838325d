// multipart/form-data as browsers send it (RFC 7578), read as it comes: a form's fields, and files of any length.
//
//   --BOUNDARY CRLF headers CRLF CRLF value CRLF --BOUNDARY CRLF ... CRLF --BOUNDARY--
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxBoundary = 70;  // RFC 2046's own
constexpr std::size_t kMaxPartHead = 8 * 1024;
constexpr std::size_t kMaxFormParts = 1000;

struct FormPart {
  std::string name;
  std::optional<std::string> filename;
  std::string content_type;
};

// Of "multipart/form-data; boundary=..."; nothing: it is something else, or no boundary.
std::optional<std::string> form_boundary(std::string_view content_type);

// The rest of a part's header lines is passed over, and so is what stands before the first boundary and after the last.
class FormDataParser {
 public:
  // Errors end the reading.
  struct Take {
    std::function<Result<void>(const FormPart& part)> begin;
    std::function<Result<void>(std::string_view bytes)> bytes;  // of the part that has begun; never empty
  };

  explicit FormDataParser(std::string_view boundary)
      : delimiter_("\r\n--" + std::string(boundary)), unread_("\r\n"), state_(State::preamble) {}

  // An error of `take`, or nothing: see problem() for those of the form.
  Result<void> feed(std::string_view block, const Take& take);
  // What is wrong with the form so far; from then on nothing is read. Empty: nothing is.
  const std::string& problem() const { return problem_; }
  // The last boundary came.
  bool complete() const { return state_ == State::end && problem_.empty(); }

 private:
  enum class State { preamble, after_boundary, head, value, end };

  // Each takes from unread_ what it can; false: it needs more.
  Result<bool> step(const Take& take);
  Result<bool> read_value(const Take& take);
  bool read_boundary_line();
  Result<bool> read_head(const Take& take);
  void fail_with(std::string problem);

  const std::string delimiter_;
  std::string unread_;
  State state_;
  std::size_t parts_ = 0;
  std::size_t preamble_ = 0;  // bytes
  std::string problem_;
};

}  // namespace holdfast::api::s3
