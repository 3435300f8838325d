// How a program in the sandbox starts, is signalled, and ends.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/processes.hpp"
#include "sandbox_fixture.hpp"

using namespace holdfast;
using namespace holdfast::runtime;
namespace fs = std::filesystem;

namespace {

// Handles on everything below this process, taken while it runs.
std::vector<Fd> handles_on_descendants(pid_t root) {
  std::vector<Fd> handles;
  for (const pid_t pid : with_descendants(root)) {
    if (pid != root) handles.push_back(open_process(pid));
  }
  return handles;
}

bool all_end(const std::vector<Fd>& handles) {
  return std::all_of(handles.begin(), handles.end(),
                     [](const Fd& handle) { return !handle || becomes_readable(handle.get()); });
}

std::string first_line(ports::Program& program) {
  std::string text;
  read_until(program.stdout_fd(), text, "\n");
  return text;
}

}  // namespace

TEST_CASE("the exit code comes back, and a signal's as a shell would print it") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto plain = sandbox.shell("exit 17").exit;
  CHECK(plain.code == 17);
  CHECK_FALSE(plain.signalled);
  CHECK(sandbox.run({"/bin/true"}).exit.code == 0);
  const auto killed = sandbox.shell("kill -SEGV $$").exit;
  CHECK(killed.code == 128 + SIGSEGV);
  CHECK(killed.signalled);
  CHECK_FALSE(killed.out_of_memory);
}

TEST_CASE("a program sees only its own processes") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  CHECK(sandbox
            .run({"/usr/bin/python3", "-c",
                  "import os; print(os.getpid(), *[p for p in os.listdir('/proc') if p.isdigit()])"})
            .out == "2 1 2\n");
}

TEST_CASE("standard output and standard error are apart, and standard input is empty") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto ran = sandbox.shell("echo out; echo err >&2; cat");
  CHECK(ran.out == "out\n");
  CHECK(ran.err == "err\n");
}

TEST_CASE("a program inherits no descriptor of ours and no blocked or ignored signal") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const Fd leak{::open("/dev/null", O_RDONLY)};
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &block, &before);
  ::signal(SIGPIPE, SIG_IGN);
  const auto ran = sandbox.run(
      {"/usr/bin/python3", "-c",
       "import os\nfor line in open('/proc/self/status'):\n  if line.startswith('SigBlk'): print(int(line.split()[1], "
       "16))\n"
       "print([fd for fd in os.listdir('/proc/self/fd') if os.path.realpath('/proc/self/fd/' + fd) == '/dev/null'])"});
  const auto ignored = sandbox.shell("grep SigIgn /proc/self/status");
  ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  CHECK(ran.out == "0\n['0']\n");
  CHECK(ignored.out == "SigIgn:\t0000000000000000\n");
}

TEST_CASE("SIGTERM reaches the program itself, which can save and choose its exit code") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto program = sandbox.python(
      "import signal, sys\n"
      "def save(number, frame):\n  open('/opt/ml/saved', 'w').write(str(number)); sys.exit(3)\n"
      "signal.signal(signal.SIGTERM, save)\nprint('ready')\nwhile True: signal.pause()\n");
  REQUIRE(first_line(*program) == "ready\n");
  program->signal(SIGTERM);
  REQUIRE(becomes_readable(program->exit_fd()));
  const auto exit = program->collect();
  CHECK(exit.code == 3);
  CHECK_FALSE(exit.signalled);
  CHECK(text_of(sandbox.ml / "saved") == "15");
  program->signal(SIGTERM);  // after the end: no effect
  program->kill();
  CHECK(program->collect().code == 3);
}

TEST_CASE("a signal right after the start reaches the program and not the sandbox") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  for (int i = 0; i < 20; ++i) {
    const auto program = sandbox.start({"/bin/sleep", "1000"});
    program->signal(SIGTERM);
    REQUIRE(becomes_readable(program->exit_fd()));
    CHECK(program->collect().code == 128 + SIGTERM);
  }
}

TEST_CASE("kill ends a program that ignores SIGTERM, and all that it left in the background") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto program = sandbox.python(
      "import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "for i in range(3): subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
      "print('ready')\nwhile True: signal.pause()\n");
  REQUIRE(first_line(*program) == "ready\n");
  const auto handles = handles_on_descendants(::getpid());
  CHECK(handles.size() == 6);  // bwrap twice, the program, three sleepers
  program->signal(SIGTERM);
  pollfd ended{program->exit_fd(), POLLIN, 0};
  CHECK(::poll(&ended, 1, 0) == 0);
  program->kill();
  REQUIRE(becomes_readable(program->exit_fd()));
  const auto exit = program->collect();
  CHECK(exit.code == 128 + SIGKILL);
  CHECK(exit.signalled);
  CHECK(all_end(handles));
}

TEST_CASE("once collected nothing of the program runs, though it left processes behind") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto program = sandbox.start({"/bin/sh", "-c", "setsid sleep 1000 & echo ready; read x < /opt/ml/go"});
  REQUIRE(::mkfifo((sandbox.ml / "go").c_str(), 0600) == 0);
  REQUIRE(first_line(*program) == "ready\n");
  const auto handles = handles_on_descendants(::getpid());
  program->signal(SIGTERM);
  REQUIRE(becomes_readable(program->exit_fd()));
  program->collect();
  for (const auto& handle : handles) {
    pollfd ended{handle.get(), POLLIN, 0};
    CHECK((!handle || ::poll(&ended, 1, 0) == 1));
  }
}

TEST_CASE("a program that ends at once takes along what it left behind") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  for (int i = 0; i < 20; ++i) {
    const auto program = sandbox.start({"/bin/sh", "-c", "exec 9>/opt/ml/held; flock 9; setsid sleep 1000 & exit 0"});
    REQUIRE(becomes_readable(program->exit_fd()));
    program->collect();
    const Fd held{::open((sandbox.ml / "held").c_str(), O_RDONLY | O_CLOEXEC)};
    CHECK(::flock(held.get(), LOCK_EX | LOCK_NB) == 0);
  }
}

TEST_CASE("dropping a program ends it") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  auto program = sandbox.start({"/bin/sleep", "1000"});
  const auto handles = handles_on_descendants(::getpid());
  CHECK(handles.size() == 3);
  program.reset();
  CHECK(all_end(handles));
}

TEST_CASE("the death of the parent ends the program") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const pid_t agent = ::fork();
  if (agent == 0) {
    sandbox.spec.command = {"/bin/sh", "-c", "echo > /opt/ml/ready; sleep 1000 & wait"};
    const auto program = sandbox.runtime.start(sandbox.spec);
    for (;;) ::pause();
  }
  REQUIRE(agent > 0);
  CHECK(eventually([&] { return fs::exists(sandbox.ml / "ready") && with_descendants(agent).size() == 5; }));
  const auto handles = handles_on_descendants(agent);
  ::kill(agent, SIGKILL);
  ::waitpid(agent, nullptr, 0);
  CHECK(handles.size() == 4);
  CHECK(all_end(handles));
}

TEST_CASE("fifty megabytes without a line break do not block the one who reads") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto program =
      sandbox.python("import sys\nsys.stdin.read()\nfor i in range(800): sys.stdout.buffer.write(b'x' * 65536)\n");
  std::size_t total = 0, waits = 0;
  std::string block(1 << 16, '\0');
  for (;;) {
    const ssize_t n = ::read(program->stdout_fd(), block.data(), block.size());
    if (n == 0) break;
    if (n < 0) {
      REQUIRE(errno == EAGAIN);  // it never waits in read
      ++waits;
      REQUIRE(becomes_readable(program->stdout_fd()));
      continue;
    }
    total += static_cast<std::size_t>(n);
  }
  CHECK(total == 800UL * 65536);
  CHECK(waits > 0);
  CHECK(program->collect().code == 0);
}

TEST_CASE("exactly the files held open for writing are found") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  write_text(sandbox.ml / "input", "x");
  const auto program = sandbox.start(
      {"/bin/sh", "-c",
       "echo x > /opt/ml/closed; exec 3>/opt/ml/written 4</opt/ml/input; (exec 3>&- 5>>/opt/ml/appended; sleep 1000) & "
       "while [ ! -e /proc/$!/fd/5 ]; do :; done; echo ready; wait"});
  REQUIRE(first_line(*program) == "ready\n");
  std::vector<std::pair<std::uint64_t, std::uint64_t>> expected;
  for (const char* name : {"written", "appended"}) {
    struct stat info = {};
    REQUIRE(::stat((sandbox.ml / name).c_str(), &info) == 0);
    expected.emplace_back(info.st_dev, info.st_ino);
  }
  std::sort(expected.begin(), expected.end());
  CHECK(program->files_open_for_writing() == expected);
  program->kill();
  program->collect();
  CHECK_FALSE(program->files_open_for_writing());
}

TEST_CASE("a file that is mapped shared and writable is held, also when its descriptor is closed") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto program = sandbox.python(R"(
import ctypes, os, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def mapped(name, access, how):
    fd = os.open('/opt/ml/' + name, os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 4096)
    at = libc.mmap(None, 4096, access, how, fd, 0)
    os.close(fd)
    assert at
mapped('shared', 3, 1)
mapped('private', 3, 2)
mapped('read', 1, 1)
print('mapped', flush=True)
time.sleep(1000)
)");
  REQUIRE(first_line(*program) == "mapped\n");
  struct stat info = {};
  REQUIRE(::stat((sandbox.ml / "shared").c_str(), &info) == 0);
  CHECK(program->files_open_for_writing() ==
        std::vector{std::pair{std::uint64_t{info.st_dev}, std::uint64_t{info.st_ino}}});
  program->kill();
  program->collect();
}

TEST_CASE("a command that is not there, or may not be run, is the caller's mistake and says so") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto missing = sandbox.refusal({"no-such-command", "--flag"});
  CHECK(missing.kind == Kind::invalid);
  CHECK(missing.message.starts_with("command 'no-such-command' not found in image 'local:host'"));
  write_text(sandbox.ml / "train.sh", "#!/no/such/shell\n");
  fs::permissions(sandbox.ml / "train.sh", fs::perms::owner_all);
  CHECK(sandbox.refusal({"./train.sh"}).message.find("#!") != std::string::npos);
  fs::permissions(sandbox.ml / "train.sh", fs::perms::owner_read);
  const auto forbidden = sandbox.refusal({"./train.sh"});
  CHECK(forbidden.kind == Kind::invalid);
  CHECK(forbidden.message.find("Permission denied") != std::string::npos);
  CHECK(sandbox.refusal({}).kind == Kind::invalid);
}

TEST_CASE("an image that is neither this machine nor a directory is refused with what would work") {
  Sandbox sandbox;
  for (const char* image : {"pytorch:2.1", "", "relative/path", "/no/such/directory", "/etc/passwd", "/"}) {
    CAPTURE(image);
    sandbox.spec.image = image;
    const auto error = sandbox.refusal({"train"});
    CHECK(error.kind == Kind::invalid);
    CHECK(error.message.starts_with(fmt::format("image '{}'", image)));
    CHECK(error.message.find("local:host") != std::string::npos);
  }
}

TEST_CASE("a machine without bubblewrap, or that forbids user namespaces, gives an error that says what to do") {
  Sandbox sandbox;
  sandbox.spec.command = {"train"};
  BubblewrapRuntime absent{"/no/such/bwrap"};
  const auto no_binary = absent.start(sandbox.spec);
  REQUIRE_FALSE(no_binary);
  CHECK(no_binary.error().message.find("apt-get install bubblewrap") != std::string::npos);

  // What bwrap says there, from a stand-in for it.
  const auto stand_in = sandbox.directory.path() / "bwrap";
  write_text(stand_in, "#!/bin/sh\necho 'bwrap: No permissions to create new namespace, likely because' >&2\nexit 1\n");
  fs::permissions(stand_in, fs::perms::owner_all);
  BubblewrapRuntime forbidden{stand_in};
  const auto refused = forbidden.start(sandbox.spec);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::permanent);
  CHECK(refused.error().message.find("No permissions to create new namespace") != std::string::npos);
  CHECK(refused.error().message.find("user.max_user_namespaces") != std::string::npos);
}
