// How a training program is started and watched on its instance: a sandbox of this machine's, or a container engine.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::ports {

struct Mount {
  std::filesystem::path source;  // on the host
  std::string target;            // inside, absolute
  bool writable = false;
};

struct ProgramSpec {
  std::string image;                 // "local:host" or the directory of a root file system
  std::vector<std::string> command;  // argv; the first is looked up in the PATH inside
  std::map<std::string, std::string> environment;
  std::vector<Mount> mounts;                  // /opt/ml and a checkpoint path outside it
  std::vector<std::filesystem::path> hidden;  // host paths that must not be visible inside (the service's own data)
  std::string working_directory = "/opt/ml";
  std::string hostname = "algo-1";
  bool network = true;
  std::optional<std::uint64_t> memory_bytes;
  std::uint64_t pids_limit = 4096;
  std::vector<std::string> devices;  // "/dev/nvidia0"
};

struct ProgramExit {
  int code = 0;            // as a shell would print it: 128 + signal when killed by one
  bool signalled = false;  // ended by a signal it did not handle (or by its parent shell's 128 + n)
  bool out_of_memory = false;
};

// What the processes of a program use; absent where it cannot be told.
struct ProgramUse {
  std::optional<Duration> processor_time;  // of all of them, since the program's start
  std::optional<std::uint64_t> memory_bytes;
};

class Program {
 public:
  virtual ~Program() = default;
  // Both become readable when there is output and at end of file once every process that holds them is gone.
  virtual int stdout_fd() const = 0;
  virtual int stderr_fd() const = 0;
  // Becomes readable when the program has ended: poll it, then call collect().
  virtual int exit_fd() const = 0;
  // To the program's main process (not to the sandbox around it). After the end: no effect.
  virtual void signal(int signal_number) = 0;
  // Ends every process of the sandbox.
  virtual void kill() = 0;
  // The exit, once exit_fd is readable; blocks until then.
  virtual ProgramExit collect() = 0;
  // (device, inode) of every file that a process of the sandbox holds open for writing now; none once it has ended.
  virtual std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> files_open_for_writing() const = 0;
  // From any thread. A runtime that cannot tell need not.
  virtual ProgramUse use() const { return {}; }
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  // Returns once the program itself runs, so a signal sent afterwards reaches it. Kind::invalid when the image or the
  // command cannot be had (the user's mistake; the message says which). Call it from a thread that lives as long as the
  // program: a runtime may tie the program to the thread that started it.
  virtual Result<std::unique_ptr<Program>> start(const ProgramSpec& spec) = 0;
};

}  // namespace holdfast::ports
