// The service's own log: one line each, with the job where there is one. The sink is chosen by the main; until then
// nothing is written. Never hand it a secret.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>

namespace holdfast {

enum class Level { debug, info, warn, error };

using LogSink = std::function<void(Level, const std::string& line)>;
// Call once, before other threads start.
void set_log_sink(LogSink sink);
void log_line(Level level, const std::string& line);
// False while there is no sink: nothing is put into words for nobody.
bool is_logging();

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (is_logging()) log_line(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  if (is_logging()) log_line(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  if (is_logging()) log_line(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  if (is_logging()) log_line(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace holdfast
