// Every target on every file of its corpus, in any build: what a fuzzer once found stays found.
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

// TARGETS is a list of TARGET(name), made by CMake from the files beside this one.
#define TARGET(name) extern "C" int fuzz_##name(const std::uint8_t* bytes, std::size_t size);
TARGETS
#undef TARGET

namespace {

namespace fs = std::filesystem;

struct Target {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
};

#define TARGET(name) Target{#name, fuzz_##name},
constexpr std::array kTargets{TARGETS};
#undef TARGET

bool replay(const Target& target, const fs::path& corpus) {
  std::set<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(corpus / target.name, error)) files.insert(entry.path());
  target.run(nullptr, 0);
  for (const auto& path : files) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::fprintf(stderr, "%s\n", path.c_str());  // so that the last line names the file when this one stops us
    target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  if (files.empty()) std::fprintf(stderr, "%s: a target without a corpus tests nothing\n", target.name);
  return !files.empty();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: fuzz_corpus CORPUS\n"), 2;
  bool all = true;
  for (const auto& target : kTargets) all = replay(target, argv[1]) && all;
  return all ? 0 : 1;
}
