// A directory that becomes /opt/ml, and a way to run a program to its end: what every test of the sandbox needs.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "runtime/bubblewrap.hpp"

namespace holdfast::runtime {

constexpr auto kPatience = std::chrono::seconds{60};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = "/tmp/holdfast-runtime-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_text(const std::filesystem::path& path, const std::string& text) { std::ofstream{path} << text; }

// Looks again until it holds or patience ends.
inline bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

inline bool becomes_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds{kPatience}.count())) > 0;
}

// Reads until `text` ends with `end`, or to the end of file when `end` is empty.
inline void read_until(int fd, std::string& text, const std::string& end) {
  std::string block(65536, '\0');
  while (end.empty() || !text.ends_with(end)) {
    REQUIRE(becomes_readable(fd));
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) break;
    text.append(block, 0, static_cast<std::size_t>(n));
  }
}

struct Ran {
  ports::ProgramExit exit;
  std::string out, err;
};

struct Sandbox {
  TemporaryDirectory directory;
  std::filesystem::path ml = directory.path() / "ml";
  BubblewrapRuntime runtime;
  ports::ProgramSpec spec;

  Sandbox() {
    std::filesystem::create_directory(ml);
    spec.image = "local:host";
    spec.mounts.push_back({ml, "/opt/ml", true});
  }

  std::unique_ptr<ports::Program> start(std::vector<std::string> command) {
    spec.command = std::move(command);
    auto program = runtime.start(spec);
    if (!program) FAIL(program.error().message);
    return std::move(*program);
  }
  std::unique_ptr<ports::Program> python(const std::string& code) { return start({"/usr/bin/python3", "-uc", code}); }

  // For little output only: the streams are read one after the other.
  Ran run(std::vector<std::string> command) {
    const auto program = start(std::move(command));
    Ran ran;
    read_until(program->stdout_fd(), ran.out, "");
    read_until(program->stderr_fd(), ran.err, "");
    REQUIRE(becomes_readable(program->exit_fd()));
    ran.exit = program->collect();
    return ran;
  }
  Ran shell(const std::string& script) { return run({"/bin/sh", "-c", script}); }

  Error refusal(std::vector<std::string> command) {
    spec.command = std::move(command);
    const auto program = runtime.start(spec);
    REQUIRE_FALSE(program);
    return program.error();
  }
};

// Whether bwrap can work here at all; says loudly when not, because then these tests prove nothing.
inline bool sandbox_works() {
  Sandbox sandbox;
  sandbox.spec.command = {"/bin/true"};
  const auto program = sandbox.runtime.start(sandbox.spec);
  if (!program)
    std::cerr << "\n*** SKIPPED, NOT PASSED: no sandbox on this machine: " << program.error().message << "\n\n";
  return program.has_value();
}

#define NEEDS_SANDBOX \
  if (!sandbox_works()) return

}  // namespace holdfast::runtime
