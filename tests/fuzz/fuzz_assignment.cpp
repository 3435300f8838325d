// assignment.json, which tells an agent what to run, and instance.json beside it: two lines.
#include <fstream>

#include "app/assignment.hpp"
#include "fuzz/input.hpp"
#include "job/codec.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::fuzz {
namespace {

void write(const std::filesystem::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

// The service would write the same for such an agent.
void check_read(const app::AgentFacts& facts, const std::filesystem::path& directory) {
  const auto& assignment = facts.assignment;
  const auto gpus = facts.machine.instance.gpus;
  ENSURE(gpus == static_cast<int>(facts.machine.devices.size()), "{} GPUs", gpus);
  write(directory / "assignment.json",
        app::encode_assignment(facts.service, assignment.spec, from_ms(0), assignment.fence, facts.token,
                               {"HFATTEMPT.1.a", "secret", ""}));
  const auto again = app::read_assignment(directory);
  ENSURE(again, "{}", again.error().message);
  ENSURE(job::encode_spec(again->assignment.spec) == job::encode_spec(assignment.spec), "another job");
  ENSURE(again->token == facts.token && again->assignment.fence == assignment.fence, "another attempt");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  static const testing::TempDir directory;  // one for all runs: making one for each would be all that they do
  fuzz::Input input(bytes, size);
  fuzz::write(directory / "assignment.json", input.line());
  fuzz::write(directory / "instance.json", input.line());
  if (const auto facts = app::read_assignment(directory.path())) fuzz::check_read(*facts, directory.path());
  return 0;
}
