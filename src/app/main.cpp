// One program for everything: the service, the agent and the commands that people type.
#include "app/agent_main.hpp"
#include "app/check_history.hpp"
#include "app/serve.hpp"
#include "cli/cli.hpp"

int main(int argc, char** argv) {
  return holdfast::cli::run_cli(argc, argv, holdfast::app::serve, holdfast::app::agent_main,
                                holdfast::app::check_history);
}
