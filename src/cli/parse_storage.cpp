// The options of the commands about keys, buckets and checkpoints.
#include "cli/parse_parts.hpp"

namespace holdfast::cli {

CLI::App* add_command(CLI::App& app, const char* name, const char* help, const char* example) {
  CLI::App* command = app.add_subcommand(name, help);
  command->footer(std::string{"Example:\n  "} + example);
  return command;
}

void add_connection(CLI::App* command, ConnectionOptions& connection) {
  command->add_option("--data", connection.data, "The service's data folder, where its address and key are")
      ->envname("HOLDFAST_DATA")
      ->capture_default_str()
      ->type_name("DIR")
      ->group("Which service");
  command->add_option("--endpoint", connection.endpoint, "Its address, instead of the one in the data folder")
      ->envname("HOLDFAST_ENDPOINT")
      ->type_name("URL")
      ->group("Which service");
  command->add_option("--region", connection.region, "The region to sign for")
      ->envname("HOLDFAST_REGION")
      ->capture_default_str()
      ->type_name("NAME")
      ->group("Which service");
}

CLI::Validator is_best() {
  return {[](std::string& text) {
            const auto colon = text.rfind(':');
            const auto way = colon == std::string::npos ? "" : text.substr(colon + 1);
            return colon != 0 && (way == "min" || way == "max") ? std::string{}
                                                                : "'" + text + "': write METRIC:min or METRIC:max";
          },
          ""};
}

namespace {

void add_data(CLI::App* command, std::string& data) {
  command->add_option("--data", data, "The service's data folder")
      ->envname("HOLDFAST_DATA")
      ->capture_default_str()
      ->type_name("DIR");
}

template <class Options>
CLI::App* add_action(CLI::App* group, const char* name, const char* help, Options& options,
                     typename Options::Action action) {
  CLI::App* command = group->add_subcommand(name, help);
  command->callback([&options, action] { options.action = action; });
  return command;
}

void add_place_options(CLI::App* add, BucketsOptions& options) {
  auto* s3 = add->add_option("--s3", options.s3, "The S3 that has it: https://HOST:PORT, or `aws` for AWS in --region")
                 ->type_name("URL|aws");
  auto* directory =
      add->add_option("--directory", options.directory, "A directory, on NFS for example: objects lie in DIR/NAME")
          ->type_name("DIR");
  s3->excludes(directory);
  const auto of_s3 = [&](const char* name, std::string& value, const char* help, const char* type) {
    return add->add_option(name, value, help)->type_name(type)->excludes(directory)->group("For an S3");
  };
  of_s3("--region", options.region, "Its region", "NAME")->capture_default_str();
  of_s3("--profile", options.profile, "The profile in the service's ~/.aws (default: AWS_PROFILE)", "NAME");
  of_s3("--credentials", options.credentials, "A file of credentials, instead of the usual places", "FILE");
  of_s3("--ca", options.ca, "Certificates to trust, in PEM, instead of the system's", "FILE");
  of_s3("--address-style", options.style, "path: URL/BUCKET; virtual: BUCKET.HOST", "automatic|path|virtual")
      ->check(CLI::IsMember({"automatic", "path", "virtual"}))
      ->capture_default_str();
  of_s3("--proxy", options.proxy, "A proxy on the way", "URL");
  of_s3("--encryption", options.encryption, "What the S3 encrypts with: bucket (as it is set to), s3 (SSE-S3), kms",
        "bucket|s3|kms")
      ->check(CLI::IsMember({"bucket", "s3", "kms"}))
      ->capture_default_str();
  of_s3("--kms-key", options.kms_key, "With --encryption kms: the key (default: the account's own)", "ARN");
  add->add_flag_function(
         "--bucket-key", [&options](std::int64_t count) { options.bucket_key = count > 0; },
         "With --encryption kms: fewer calls of KMS; --bucket-key=false: none of that, whatever the bucket is set to")
      ->excludes(directory)
      ->group("For an S3");
  const auto amount = [&](const char* name, int& value, int least, int most, const char* help, const char* type) {
    add->add_option(name, value, help)
        ->check(CLI::Range(least, most))
        ->type_name(type)
        ->excludes(directory)
        ->group("For an S3");
  };
  amount("--connections", options.connections, 1, 256,
         "Requests at once, of the service and of each attempt (default: 16)", "N");
  amount("--memory", options.memory_mib, 16, 65536, "For bodies on their way, of each of them (default: 64)", "MIB");
  amount("--part-size", options.part_size_mib, 5, 5120, "Larger objects go up in parts of this size (default: 8)",
         "MIB");
  add->add_flag("--no-checksums", options.no_checksums, "For a server that refuses x-amz-checksum headers")
      ->excludes(directory)
      ->group("For an S3");
}

}  // namespace

static CLI::App* add_keys_action(CLI::App* keys, const char* name, const char* help, KeysOptions& options,
                                 KeysOptions::Action action) {
  CLI::App* command = add_action(keys, name, help, options, action);
  add_data(command, options.data);
  return command;
}

void add_keys(CLI::App& app, KeysOptions& options) {
  CLI::App* keys = add_command(app, "keys", "Access keys for others: add, list, remove; the service need not be asked",
                               "holdfast keys add team-a --jobs team-a- --s3 s3://team-a/ >> ~/.aws/credentials\n"
                               "  holdfast keys add dashboard --read-only");
  keys->require_subcommand(1);
  CLI::App* add = add_keys_action(keys, "add", "Make a key, and print it as a profile of ~/.aws/credentials", options,
                                  KeysOptions::Action::add);
  add->add_option("name", options.name, "What it is called, in messages too")->required()->type_name("NAME");
  auto* admin = add->add_flag("--admin", options.admin, "It may do everything");
  auto* reader = add->add_flag("--read-only", options.read_only, "It may see everything and change nothing");
  auto* jobs = add->add_option("--jobs", options.jobs, "It may create and use the jobs whose names begin so")
                   ->type_name("PREFIX");
  auto* write = add->add_option("--s3", options.write, "Objects that it, and its jobs, may read and write (repeatable)")
                    ->allow_extra_args(false)
                    ->type_name("S3URI");
  add->add_option("--s3-read", options.read, "Objects that it, and its jobs, may read (repeatable)")
      ->allow_extra_args(false)
      ->type_name("S3URI")
      ->excludes(admin);
  admin->excludes(reader)->excludes(jobs)->excludes(write);
  add_keys_action(keys, "list", "Show the keys and what each may do, without their secrets", options,
                  KeysOptions::Action::list);
  CLI::App* remove =
      add_keys_action(keys, "remove", "Take a key away, from now on", options, KeysOptions::Action::remove);
  remove->add_option("name", options.name, "As `holdfast keys list` shows it")->required()->type_name("NAME");
}

void add_buckets(CLI::App& app, BucketsOptions& options) {
  CLI::App* buckets =
      add_command(app, "buckets", "Where buckets are that the service does not hold itself: add, list, remove",
                  "holdfast buckets add team --s3 https://ceph.example.org:7480\n"
                  "  holdfast buckets add ck --s3 aws --region eu-central-1 --encryption kms\n"
                  "  holdfast buckets add shared --directory /mnt/nfs");
  buckets->require_subcommand(1);
  CLI::App* add = add_action(buckets, "add", "Say where a bucket is; its name is the same there", options,
                             BucketsOptions::Action::add);
  add->add_option("name", options.name, "The bucket; '*': all that the service has not and nobody named")
      ->required()
      ->type_name("NAME");
  add_place_options(add, options);
  add->add_flag("--unchecked", options.unchecked, "Do not try now whether it can be used");
  add_data(add, options.data);
  add_data(add_action(buckets, "list", "Show where each is", options, BucketsOptions::Action::list), options.data);
  CLI::App* remove = add_action(buckets, "remove", "Forget where it is; nothing in it is touched", options,
                                BucketsOptions::Action::remove);
  remove->add_option("name", options.name, "As `holdfast buckets list` shows it")->required()->type_name("NAME");
  add_data(remove, options.data);
}

void add_checkpoints(CLI::App& app, CheckpointsOptions& options, ConnectionOptions& connection) {
  using Action = CheckpointsOptions::Action;
  CLI::App* all = add_command(app, "checkpoints", "The checkpoints of a job: list, verify, export, prune",
                              "holdfast checkpoints train-1\n"
                              "  holdfast checkpoints verify train-1 --all\n"
                              "  holdfast checkpoints export train-1 ./restored\n"
                              "  holdfast checkpoints prune train-1 --keep 2 --dry-run");
  const auto what = [&](CLI::App* command) {
    return command->add_option("job", options.what, "The job's name, or s3://bucket/prefix")->type_name("JOB|S3URI");
  };
  const auto generation = [&](CLI::App* command) {
    command
        ->add_option("generation", options.generation,
                     "As the list shows it (default: the newest that a restore would use)")
        ->type_name("FENCE.SEQUENCE");
  };
  CLI::Option* listed = what(all);
  all->add_flag("--json", options.json, "The list for programs");
  all->require_subcommand(0, 1);
  add_connection(all, connection);
  CLI::App* list = add_action(all, "list", "Show its generations, the newest first", options, Action::list);
  what(list)->required();
  CLI::App* verify =
      add_action(all, "verify", "Read a generation whole and compare every hash; exit code 1: it is damaged", options,
                 Action::verify);
  what(verify)->required();
  generation(verify);
  verify->add_flag("--all", options.all, "Every generation that a restore may use");
  verify->add_flag("--quarantine", options.quarantine, "Restores pass over what is found damaged");
  CLI::App* exported = add_action(all, "export", "Restore a generation, verified, into a folder that is new or empty",
                                  options, Action::export_one);
  what(exported)->required();
  exported->add_option("directory", options.directory, "Where to")->required()->type_name("DIR");
  generation(exported);
  CLI::App* prune = add_action(all, "prune", "Remove old generations, never one that a running job could still need",
                               options, Action::prune);
  what(prune)->required();
  prune->add_option("--keep", options.keep, "The newest that stay")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000))
      ->type_name("N");
  prune->add_option("--every", options.every, "Each Nth stays, too")->check(CLI::Range(1, 1'000'000))->type_name("N");
  prune->add_option("--best", options.best, "The one with the best value of this metric stays, too")
      ->check(is_best())
      ->type_name("METRIC:min|max");
  prune->add_flag("--ended", options.ended,
                  "Of an s3:// place: no attempt runs there, so its data may go too (of a job that is asked for)");
  prune->add_flag("--dry-run", options.dry_run, "Only say what would go");
  prune->add_option("--price", options.price, "Dollars for a GB and month, to say what is saved")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber)
      ->type_name("DOLLARS");
  // Which service is said once, wherever it stands; the job before or after the action, not both.
  for (CLI::App* action : {list, verify, exported, prune}) action->fallthrough()->excludes(listed);
}

}  // namespace holdfast::cli
