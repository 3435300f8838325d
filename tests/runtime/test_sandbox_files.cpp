// What a program in the sandbox sees of the file system, of the network and of its environment.
#include "base/file.hpp"
#include "runtime/processes.hpp"
#include "sandbox_fixture.hpp"

using namespace holdfast;
using namespace holdfast::runtime;
namespace fs = std::filesystem;

TEST_CASE("/opt/ml is the mounted directory and writable, while the machine is read-only") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const bool was_there = fs::exists("/opt/ml");
  const auto ran = sandbox.shell(
      "pwd; echo trained > /opt/ml/result; for d in / /opt /etc /usr /var/tmp /root; do touch $d/holdfast-test "
      "2>/dev/null && "
      "echo wrote to $d; done; touch /tmp/a /dev/shm/b && echo scratch works");
  CHECK(ran.exit.code == 0);
  CHECK(ran.out == "/opt/ml\nscratch works\n");
  CHECK(text_of(sandbox.ml / "result") == "trained\n");
  CHECK(fs::exists("/opt/ml") == was_there);
}

TEST_CASE("what the program writes belongs to the one who started it") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  CHECK(sandbox.shell("id -u; mkdir /opt/ml/d; echo x > /opt/ml/d/f").out == "0\n");
  std::error_code error;
  fs::remove_all(sandbox.ml / "d", error);
  CHECK_FALSE(error);
}

TEST_CASE("a read-only mount cannot be written, and a mountpoint that the machine lacks is made without touching it") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto extra = sandbox.directory.path() / "extra";
  fs::create_directory(extra);
  write_text(extra / "file", "given\n");
  sandbox.spec.mounts.push_back({extra, "/usr/share/holdfast-test/deep", false});
  sandbox.spec.mounts.push_back({extra, "/holdfast-checkpoints", true});
  const auto ran = sandbox.shell(
      "cat /usr/share/holdfast-test/deep/file; touch /usr/share/holdfast-test/deep/new 2>/dev/null || echo read-only;"
      "touch /holdfast-checkpoints/new && ls /usr/bin/env");
  CHECK(ran.out == "given\nread-only\n/usr/bin/env\n");
  CHECK(fs::exists(extra / "new"));
  CHECK_FALSE(fs::exists("/usr/share/holdfast-test"));
  CHECK_FALSE(fs::exists("/holdfast-checkpoints"));
}

TEST_CASE("a hidden directory is empty inside, a hidden file unreadable, and a project below one is still there") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  // Not under /tmp, which is hidden anyway.
  std::string name = "/var/tmp/holdfast-runtime-XXXXXX";
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const fs::path data = name;
  fs::create_directories(data / "project/.keys");
  write_text(data / "secret", "s3cr3t");
  write_text(data / "project/.keys/key", "s3cr3t");
  write_text(data / "project/train.py", "code");
  sandbox.spec.hidden = {data, data / "project/.keys", "/holdfast/not/there"};
  sandbox.spec.working_directory = data / "project";
  CHECK(sandbox.shell("pwd; ls -A ..; ls -A; ls -A .keys; touch x 2>/dev/null || echo read-only").out ==
        name + "/project\nproject\n.keys\ntrain.py\nread-only\n");

  sandbox.spec.hidden = {data / "secret"};
  sandbox.spec.working_directory = data;
  CHECK(sandbox.shell("cat secret 2>/dev/null || echo unreadable; cat project/train.py").out == "unreadable\ncode");

  sandbox.spec.hidden = {data};
  CHECK(sandbox.refusal({"/bin/true"}).message.find("service's own data") != std::string::npos);
  fs::remove_all(data);
}

TEST_CASE("/tmp is the program's own, but a working directory below it is visible") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto project = sandbox.directory.path() / "project";
  fs::create_directories(project / ".holdfast");
  write_text(project / "train.py", "code");
  write_text(project / ".holdfast/key", "s3cr3t");
  write_text(sandbox.directory.path() / "other", "not yours");
  sandbox.spec.working_directory = project;
  sandbox.spec.hidden = {project / ".holdfast"};
  const auto ran = sandbox.shell("cat train.py; ls -A ..; ls -A .holdfast; touch /tmp/free && echo; echo done");
  CHECK(ran.out == "codeproject\n\ndone\n");
  sandbox.spec.working_directory = "/tmp";
  CHECK(sandbox.refusal({"/bin/true"}).kind == Kind::invalid);
  sandbox.spec.working_directory = "/holdfast/not/there";
  CHECK(sandbox.refusal({"/bin/true"}).message.find("no such directory") != std::string::npos);
}

TEST_CASE("the host name resolves to this sandbox") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  CHECK(sandbox.run({"getent", "ahostsv4", "algo-1"}).out.starts_with("127.0.0.1 "));
  CHECK(sandbox.shell("hostname; getent hosts algo-1 | tr -s ' '").out == "algo-1\n127.0.0.1 algo-1\n");
}

TEST_CASE("without the network there is only the loopback interface, with it what the machine has") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const std::string code = "import socket; print(*sorted(name for _, name in socket.if_nameindex()))";
  sandbox.spec.network = false;
  CHECK(sandbox.run({"/usr/bin/python3", "-c", code}).out == "lo\n");
  sandbox.spec.network = true;
  std::string names;
  std::vector<std::string> interfaces;
  for (const auto& entry : fs::directory_iterator{"/sys/class/net"}) {
    if (fs::is_directory(entry)) interfaces.push_back(entry.path().filename());
  }
  std::sort(interfaces.begin(), interfaces.end());
  for (const auto& name : interfaces) names += (names.empty() ? "" : " ") + name;
  CHECK(sandbox.run({"/usr/bin/python3", "-c", code}).out == names + "\n");
}

TEST_CASE("the environment is the given one and nothing else, and shows on no command line") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  ::setenv("HOLDFAST_TEST_LEAK", "1", 1);
  sandbox.spec.environment = {
      {"TOKEN", "s3cr3t with spaces\nand lines"}, {"SM_HP_LEARNING-RATE", "0.1"}, {"EMPTY", ""}};
  auto ran = sandbox.run({"/usr/bin/env", "-0"});
  ::unsetenv("HOLDFAST_TEST_LEAK");
  std::vector<std::string> lines;
  std::istringstream out{ran.out};
  for (std::string line; std::getline(out, line, '\0');) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  CHECK(lines == std::vector<std::string>{"EMPTY=", "HOME=/tmp", "LANG=C.UTF-8",
                                          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                          "PWD=/opt/ml", "SM_HP_LEARNING-RATE=0.1",
                                          "TOKEN=s3cr3t with spaces\nand lines"});

  const auto waiting = sandbox.start({"/bin/sleep", "1000"});
  const auto pids = with_descendants(::getpid());
  CHECK(pids.size() == 4);
  for (const pid_t pid : pids) CHECK(text_of(fmt::format("/proc/{}/cmdline", pid)).find("s3cr3t") == std::string::npos);

  sandbox.spec.environment = {{"PATH", "/usr/bin"}, {"HOME", "/opt/ml"}};
  CHECK(sandbox.shell("echo $PATH $HOME").out == "/usr/bin /opt/ml\n");
}

TEST_CASE("a zero byte cannot smuggle an option into the sandbox") {
  Sandbox sandbox;
  sandbox.spec.environment["A"] = std::string{"x\0--bind\0/\0/", 12};
  CHECK(sandbox.refusal({"/bin/true"}).message.find("zero byte") != std::string::npos);
  sandbox.spec.environment = {{"A=B", "x"}};
  CHECK(sandbox.refusal({"/bin/true"}).kind == Kind::invalid);
}

TEST_CASE("a directory with a root file system is an image, and is not changed by running it") {
  NEEDS_SANDBOX;
  Sandbox sandbox;
  const auto image = sandbox.directory.path() / "image";
  const auto source = sandbox.directory.path() / "train.c";
  fs::create_directories(image / "usr/bin");
  fs::create_directories(image / "opt/tool");
  fs::create_symlink("usr/bin", image / "bin");
  write_text(image / "opt/tool/version", "7");
  write_text(
      source,
      "#include <stdio.h>\n#include <unistd.h>\n"
      "int main(int n, char** v) { char c = '?'; FILE* f = fopen(\"/opt/tool/version\", \"r\");\n"
      "  if (f) c = (char)fgetc(f);\n"
      "  f = fopen(\"/opt/ml/out\", \"w\"); fprintf(f, \"%d %s\", n, v[n - 1]); fclose(f);\n"
      "  printf(\"version %c, root %s, python %s, hosts %s\\n\", c, fopen(\"/x\", \"w\") ? \"open\" : \"closed\",\n"
      "         access(\"/usr/bin/python3\", F_OK) ? \"no\" : \"yes\", access(\"/etc/hosts\", R_OK) ? \"no\" : "
      "\"yes\");\n"
      "  return 9; }\n");
  const auto compile = fmt::format("cc -static -o {}/usr/bin/train {}", image.string(), source.string());
  REQUIRE(std::system(compile.c_str()) == 0);

  sandbox.spec.image = image;
  const auto ran = sandbox.run({"train", "--fast"});
  CHECK(ran.exit.code == 9);
  CHECK(ran.out == "version 7, root closed, python no, hosts yes\n");
  CHECK(text_of(sandbox.ml / "out") == "2 --fast");
  CHECK_FALSE(fs::exists(image / "opt/ml"));
  CHECK_FALSE(fs::exists(image / "etc"));

  const auto missing = sandbox.refusal({"python3", "x.py"});
  CHECK(missing.kind == Kind::invalid);
  CHECK(missing.message.starts_with("command 'python3' not found in image '" + image.string() + "'"));

  fs::rename(image / "opt", image / "elsewhere");
  fs::create_symlink("elsewhere", image / "opt");
  const auto linked = sandbox.refusal({"train"});
  CHECK(linked.kind == Kind::invalid);
  CHECK(linked.message.find("symbolic link") != std::string::npos);
}
