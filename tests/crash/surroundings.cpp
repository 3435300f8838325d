// What this program finds around it, chosen so that it waits for nothing and every run is the same.
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

namespace {

// Thousands of small disks are written and thrown away here, and none of it needs to reach a real one.
const bool in_memory = [] {
  const char* const memory = "/dev/shm";
  return ::access(memory, W_OK) == 0 && ::setenv("TMPDIR", memory, 0) == 0;
}();

}  // namespace

// A machine without inotify: the checkpoint directory is scanned, which says the same and does not depend on when the
// kernel tells of a change. (Closing an inotify instance also makes the kernel wait, for 10 ms and more.)
extern "C" int inotify_init1(int) noexcept {
  errno = EMFILE;
  return -1;
}
