// What the parse*.cpp files share. Nobody else includes it: CLI11's header is heavy.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/options.hpp"

namespace holdfast::cli {

CLI::App* add_command(CLI::App& app, const char* name, const char* help, const char* example);
void add_connection(CLI::App* command, ConnectionOptions& connection);
// "METRIC:min" or "METRIC:max".
CLI::Validator is_best();

// Their options in parse_storage.cpp.
void add_keys(CLI::App& app, KeysOptions& options);
void add_buckets(CLI::App& app, BucketsOptions& options);
void add_checkpoints(CLI::App& app, CheckpointsOptions& options, ConnectionOptions& connection);

}  // namespace holdfast::cli
