// Waiting for a file descriptor.
#pragma once

namespace holdfast {

// Whether there is something to read, or an end, within the time; -1 waits as long as it takes.
bool is_readable(int fd, int timeout_ms);

}  // namespace holdfast
