#include "base/log.hpp"

namespace holdfast {

namespace {
// The one piece of process-wide state: a log that had to be passed to every function would not be written.
LogSink& sink() {
  static LogSink the_sink;
  return the_sink;
}
}  // namespace

void set_log_sink(LogSink new_sink) { sink() = std::move(new_sink); }

bool is_logging() { return static_cast<bool>(sink()); }

void log_line(Level level, const std::string& line) {
  if (sink()) sink()(level, line);
}

}  // namespace holdfast
