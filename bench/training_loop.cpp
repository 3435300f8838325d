// A training as a neighbour sees it: every thread busy, then a checkpoint of some size, again and again.
// Usage: training_loop DIR ROUNDS WORK MIB     prints the seconds of each round, its checkpoint included
//   WORK   units of work of a round, the same in every run; "calibrate": prints how many take a second
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

// Products of small matrices: arithmetic and cache, as much as there is.
void work(std::uint64_t units) {
  constexpr std::size_t kSize = 96;
  std::vector<float> a(kSize * kSize, 0.5f), b(kSize * kSize, 0.25f), c(kSize * kSize);
  for (std::uint64_t unit = 0; unit < units; ++unit) {
    for (std::size_t i = 0; i < kSize; ++i) {
      for (std::size_t k = 0; k < kSize; ++k) {
        const float left = a[i * kSize + k];
        for (std::size_t j = 0; j < kSize; ++j) c[i * kSize + j] += left * b[k * kSize + j];
      }
    }
    a[unit % a.size()] = c[unit % c.size()] * 1e-9f;
  }
}

void work_on_every_core(std::uint64_t units) {
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work, units);
}

void save(const std::filesystem::path& directory, int round, std::size_t mib) {
  std::string block(1u << 20, static_cast<char>('a' + round % 26));
  const auto part = directory / "model.pt.sagemaker-ignore";
  {
    std::ofstream out(part, std::ios::binary);
    for (std::size_t i = 0; i < mib; ++i) {
      block[i % block.size()] = static_cast<char>(i);
      out.write(block.data(), static_cast<std::streamsize>(block.size()));
    }
  }
  std::filesystem::rename(part, directory / "model.pt");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "calibrate") {
    const auto begun = Clock::now();
    constexpr std::uint64_t kUnits = 4000;
    work_on_every_core(kUnits);
    std::printf("%.0f\n", static_cast<double>(kUnits) / seconds_since(begun));
    return 0;
  }
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s DIR ROUNDS WORK MIB | calibrate\n", argv[0]);
    return 2;
  }
  for (int round = 0; round < std::atoi(argv[2]); ++round) {
    const auto begun = Clock::now();
    work_on_every_core(std::strtoull(argv[3], nullptr, 10));
    save(argv[1], round, std::strtoull(argv[4], nullptr, 10));
    std::printf("%.4f\n", seconds_since(begun));
    std::fflush(stdout);
  }
}
