#include "agent/background.hpp"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.hpp"

namespace holdfast::agent {
namespace {

constexpr int kNice = 10;

}  // namespace

void give_way() {
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  const bool slower = ::setpriority(PRIO_PROCESS, thread, kNice) == 0;
  const bool idle = ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, thread, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)) == 0;
  if (!slower || !idle) log_debug("a thread for uploads keeps its priority for {}", slower ? "disks" : "processors");
}

}  // namespace holdfast::agent
