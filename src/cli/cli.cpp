#include "cli/cli.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "cli/commands.hpp"

namespace holdfast::cli {

namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string{value};
}

int perform_for_real(const ConnectionOptions& connection, const Request& request) {
  const auto address = find_service(connection, variable);
  if (!address) {
    std::cerr << "holdfast: " << address.error().message << '\n';
    return kExitNoAnswer;
  }
  SystemClock clock;
  Client client{*address, clock};
  CtrlC ctrl_c;
  const Terminal terminal{std::cout, std::cerr, is_terminal(STDOUT_FILENO) && !variable("NO_COLOR")};
  std::error_code ignored;  // an empty working directory is refused by the service
  return perform({client, terminal, ctrl_c, clock, std::filesystem::current_path(ignored)}, request);
}

}  // namespace

int run_cli(int argc, char** argv, const Mains& mains) {
  const auto keys_for_real = [](const KeysOptions& options) { return keys(options, std::cout, std::cerr); };
  return parse({argv + 1, argv + argc},
               {mains.serve, mains.agent, perform_for_real, mains.check_history, keys_for_real, mains.buckets,
                mains.checkpoints, mains.fast_files},
               std::cout, std::cerr);
}

}  // namespace holdfast::cli
