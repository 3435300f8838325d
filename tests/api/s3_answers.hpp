// What tests read out of S3's answers.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "http/message.hpp"

namespace holdfast::testing {

inline bool has(const http::Response& response, const std::string& text) {
  return response.body.find(text) != std::string::npos;
}

// The bytes that the server would send.
inline std::string bytes_of(const http::Response& response) {
  REQUIRE(response.file);
  std::string bytes(response.file->length, '\0');
  REQUIRE(::pread(response.file->fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(response.file->offset)) ==
          static_cast<ssize_t>(bytes.size()));
  return bytes;
}

// The text of the first element of that name.
inline std::string element(const http::Response& response, const std::string& name) {
  const auto at = response.body.find("<" + name + ">");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 2;
  return response.body.substr(begin, response.body.find('<', begin) - begin);
}

inline std::string code_of(const http::Response& response) { return element(response, "Code"); }

}  // namespace holdfast::testing
