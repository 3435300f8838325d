// One program for everything: the service, the agent and the commands that people type.
#include "app/agent_main.hpp"
#include "app/buckets_command.hpp"
#include "app/check_history.hpp"
#include "app/checkpoints_command.hpp"
#include "app/fast_files_main.hpp"
#include "app/serve.hpp"
#include "cli/cli.hpp"

int main(int argc, char** argv) {
  namespace app = holdfast::app;
  return holdfast::cli::run_cli(
      argc, argv,
      {app::serve, app::agent_main, app::check_history, app::buckets, app::checkpoints, app::fast_files_main});
}
