// ENSURE: what must hold, checked in every build. A bug stops the process before it can spoil what is stored; the
// store brings the service back, and trainings go on meanwhile.
#pragma once

#include <fmt/format.h>

#include <string>

namespace holdfast {
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line, const std::string& why);
}

#define ENSURE(condition, ...)                                                                             \
  do {                                                                                                     \
    if (!(condition)) ::holdfast::ensure_failed(#condition, __FILE__, __LINE__, fmt::format(__VA_ARGS__)); \
  } while (false)
