#include "runtime/sandbox_plan.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <utility>

#include "base/file.hpp"
#include "job/spec.hpp"
#include "runtime/gpu_driver.hpp"

namespace holdfast::runtime {
namespace {
namespace fs = std::filesystem;

// bwrap itself refuses more than 9000.
constexpr std::size_t kMaxOptions = 8000;
constexpr std::size_t kMaxHostsFile = 1 << 20;

// Something that lies over the image's own files.
struct Layer {
  std::vector<std::string> options;
  bool is_file = false;
  bool empty = false;  // what the image has below it cannot be seen
};

bool is_below(const fs::path& path, const fs::path& directory) {
  const auto relative = path.lexically_relative(directory);
  return !relative.empty() && relative != "." && *relative.begin() != "..";
}

std::string invalid_place(const std::string& what, const std::string& path, std::string_view why) {
  return fmt::format("{} '{}' cannot be had in the sandbox: {}", what, path, why);
}

class Planner {
 public:
  Planner(const ports::ProgramSpec& spec, int hosts_fd) : spec_(spec), hosts_fd_(hosts_fd) {}

  Result<SandboxPlan> plan();

 private:
  Result<void> choose_root();
  Result<void> add_layers();
  Result<void> add_mounts();
  Result<void> add_devices();
  Result<void> add_working_directory();
  void add_hidden();
  Result<void> add_tree(const fs::path& directory);
  void add_layer_options();
  Result<void> add_environment();

  bool on_host() const { return root_ == "/"; }
  fs::path on_disk(const fs::path& inside) const { return root_ / inside.relative_path(); }
  const Layer* nearest_layer(fs::path inside) const;
  bool usable_in_place(const fs::path& inside, bool is_file) const;
  bool must_be_rebuilt(const fs::path& inside) const;
  void option(std::vector<std::string> words) {
    for (auto& word : words) options_.push_back(std::move(word));
  }

  const ports::ProgramSpec& spec_;
  const int hosts_fd_;
  fs::path root_;
  std::map<fs::path, Layer> layers_;  // sorted: a directory comes before what lies below it
  std::vector<std::string> options_;
};

Result<SandboxPlan> Planner::plan() {
  if (auto chosen = choose_root(); !chosen) return fail(chosen.error());
  option({"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"});
  if (!spec_.network) option({"--unshare-net"});
  // Root inside, as in SageMaker's containers: images install and write as root. It is the caller's own user outside,
  // so what the program writes to /opt/ml belongs to the caller; and it has no capability, not even inside, or it could
  // take away the layers that hide things.
  option({"--uid", "0", "--gid", "0", "--cap-drop", "ALL"});
  option({"--hostname", spec_.hostname, "--die-with-parent", "--new-session"});
  if (auto added = add_layers(); !added) return fail(added.error());
  if (auto added = add_tree("/"); !added) return fail(added.error());
  add_layer_options();
  option({"--remount-ro", "/"});
  if (auto added = add_environment(); !added) return fail(added.error());
  option({"--chdir", spec_.working_directory});

  if (options_.size() > kMaxOptions) {
    return fail(Kind::invalid, "the sandbox for image '{}' needs {} options, more than {}", spec_.image,
                options_.size(), kMaxOptions);
  }
  const auto host_names = read_file("/etc/hosts", kMaxHostsFile).value_or("");
  return SandboxPlan{std::move(options_),
                     fmt::format("127.0.0.1 localhost\n::1 localhost\n127.0.0.1 {}\n{}", spec_.hostname, host_names)};
}

Result<void> Planner::choose_root() {
  if (spec_.image == job::kHostImage) {
    root_ = "/";
    return {};
  }
  std::error_code error;
  const fs::path directory = spec_.image;
  if (!directory.is_absolute() || !fs::is_directory(directory, error)) {
    return fail(Kind::invalid,
                "image '{}' is not one that can run here: Holdfast runs 'local:host' (this machine's software) or a "
                "directory with a root file system, by its absolute path",
                spec_.image);
  }
  root_ = fs::canonical(directory, error);
  if (error) return fail_errno("looking at image " + spec_.image, error.value());
  if (root_ == "/") return fail(Kind::invalid, "image '{}' is this machine's root: say 'local:host'", spec_.image);
  return {};
}

Result<void> Planner::add_layers() {
  layers_["/proc"] = {{"--proc", "/proc"}};
  layers_["/dev"] = {{"--dev", "/dev"}};
  // Data loaders of PyTorch share memory through it; a tmpfs may take half of the memory.
  layers_["/dev/shm"] = {{"--perms", "1777", "--tmpfs", "/dev/shm"}, false, true};
  layers_["/tmp"] = {{"--perms", "1777", "--tmpfs", "/tmp"}, false, true};
  // Sockets of the machine's services live there, and a read-only file system does not stop anyone from using them.
  layers_["/run"] = {{"--tmpfs", "/run"}, false, true};
  layers_["/sys"] = {{"--ro-bind", "/sys", "/sys"}};
  layers_["/etc/hosts"] = {{"--ro-bind-data", std::to_string(hosts_fd_), "/etc/hosts"}, true};
  std::error_code error;
  const auto resolver = fs::canonical("/etc/resolv.conf", error);
  if (!error && on_host() && is_below(resolver, "/run")) {
    layers_[resolver] = {{"--ro-bind", resolver, resolver}, true};
  } else if (!error && !on_host()) {
    layers_["/etc/resolv.conf"] = {{"--ro-bind", resolver, "/etc/resolv.conf"}, true};
  }
  if (auto added = add_mounts(); !added) return added;
  if (auto added = add_devices(); !added) return added;
  // Where one lies in the other, the inner one counts, and sorting sees to that.
  if (auto added = add_working_directory(); !added) return added;
  add_hidden();
  return {};
}

Result<void> Planner::add_mounts() {
  for (const auto& mount : spec_.mounts) {
    const auto target = fs::path{mount.target}.lexically_normal();
    if (!target.is_absolute() || target == "/") {
      return fail(Kind::invalid, "{}", invalid_place("mount", mount.target, "not an absolute path below /"));
    }
    struct stat info = {};
    if (::stat(mount.source.c_str(), &info) != 0) return fail_errno("mounting " + mount.source.string(), errno);
    layers_[target.has_filename() ? target : target.parent_path()] = {
        {mount.writable ? "--bind" : "--ro-bind", fs::absolute(mount.source), target}, !S_ISDIR(info.st_mode)};
  }
  return {};
}

Result<void> Planner::add_devices() {
  auto devices = spec_.devices;
  std::ranges::move(gpu_driver_devices(spec_.devices), std::back_inserter(devices));
  for (const auto& device : devices) {
    std::error_code error;
    if (!is_below(fs::path{device}.lexically_normal(), "/dev") || !fs::exists(device, error)) {
      return fail(Kind::invalid, "{}", invalid_place("device", device, "this machine has no such device"));
    }
    layers_[device] = {{"--dev-bind", device, device}, !fs::is_directory(device, error)};
  }
  return {};
}

// A project under /tmp or in a hidden place is there to be run: it is shown, though what surrounds it is not.
Result<void> Planner::add_working_directory() {
  const fs::path directory = spec_.working_directory;
  if (!directory.is_absolute()) {
    return fail(Kind::invalid, "{}", invalid_place("working directory", directory.string(), "not an absolute path"));
  }
  if (!on_host()) return {};
  std::error_code error;
  const auto real = fs::canonical(directory, error);
  const bool mounted =
      nearest_layer(directory.lexically_normal()) && !nearest_layer(directory.lexically_normal())->empty;
  if (mounted) return {};
  if (error) {
    return fail(Kind::invalid, "{}", invalid_place("working directory", directory.string(), "no such directory"));
  }
  for (const auto& hidden : spec_.hidden) {
    if (fs::weakly_canonical(hidden, error) != real) continue;
    return fail(Kind::invalid, "{}",
                invalid_place("working directory", directory.string(), "the service's own data is there"));
  }
  if (layers_.contains(real)) {
    return fail(
        Kind::invalid, "{}",
        invalid_place("working directory", directory.string(), "the program gets its own; use a directory below it"));
  }
  const bool under_hidden = std::ranges::any_of(
      spec_.hidden, [&](const fs::path& hidden) { return is_below(real, fs::weakly_canonical(hidden, error)); });
  const auto* layer = nearest_layer(real);
  if (under_hidden || (layer != nullptr && layer->empty)) layers_[real] = {{"--ro-bind", real, real}};
  return {};
}

void Planner::add_hidden() {
  for (const auto& hidden : spec_.hidden) {
    std::error_code error;
    const auto real = fs::canonical(hidden, error);
    if (error) continue;  // what is not there cannot be seen
    const auto inside = on_host() ? real : "/" / real.lexically_relative(root_);
    if (!on_host() && !is_below(real, root_)) continue;
    const auto* layer = nearest_layer(inside);
    if (layer != nullptr && layer->empty) continue;
    const bool is_directory = fs::is_directory(real, error);
    if (is_directory) layers_[inside] = {{"--perms", "0755", "--tmpfs", inside}, false, true};
    if (!is_directory) layers_[inside] = {{"--ro-bind", "/dev/null", inside}, true};
  }
}

const Layer* Planner::nearest_layer(fs::path inside) const {
  for (;; inside = inside.parent_path()) {
    if (const auto found = layers_.find(inside); found != layers_.end()) return &found->second;
    if (inside == inside.parent_path()) return nullptr;
  }
}

// Whether bwrap can mount on what the image has there, without making or following anything.
bool Planner::usable_in_place(const fs::path& inside, bool is_file) const {
  fs::path prefix = "/";
  fs::file_status status;
  for (const auto& part : inside.relative_path()) {
    prefix /= part;
    std::error_code error;
    status = fs::symlink_status(on_disk(prefix), error);
    if (error || !fs::exists(status) || fs::is_symlink(status)) return false;
  }
  return is_file != fs::is_directory(status);
}

bool Planner::must_be_rebuilt(const fs::path& inside) const {
  return std::ranges::any_of(layers_, [&](const auto& layer) {
    const auto& target = layer.first;
    return is_below(target, inside) && nearest_layer(target.parent_path()) == nullptr &&
           !usable_in_place(target, layer.second.is_file);
  });
}

// Nothing may be made on the host, and /opt/ml need not exist there; so where a mountpoint is missing, its directory is
// built anew, with each entry of the old one bound into it. "/" itself is the first such directory.
Result<void> Planner::add_tree(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entry{on_disk(directory), error};
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    const auto inside = directory / entry->path().filename();
    if (layers_.contains(inside)) continue;
    std::error_code ignored;
    const bool is_symlink = entry->is_symlink(ignored);
    if (must_be_rebuilt(inside)) {
      if (is_symlink && !on_host()) {
        return fail(
            Kind::invalid, "{}",
            invalid_place("a mount below", inside.string(), "it is a symbolic link in image '" + spec_.image + "'"));
      }
      option({"--dir", inside});
      if (auto added = add_tree(inside); !added) return added;
    } else if (is_symlink) {
      const auto target = fs::read_symlink(entry->path(), ignored);
      if (!ignored) option({"--symlink", target, inside});
    } else {
      option({"--ro-bind-try", entry->path(), inside});
    }
  }
  if (error) {
    return fail(Kind::invalid, "{}",
                invalid_place("a mount below", directory.string(),
                              "its directory in image '" + spec_.image + "' cannot be read"));
  }
  return {};
}

void Planner::add_layer_options() {
  for (const auto& [target, layer] : layers_) {
    // Said one by one: bwrap would give a directory it makes on the way the mode of what is mounted below.
    fs::path prefix = "/";
    for (const auto& part : target.parent_path().relative_path()) {
      prefix /= part;
      if (nearest_layer(prefix) == nullptr) option({"--dir", prefix});
    }
    option(layer.options);
  }
}

Result<void> Planner::add_environment() {
  std::map<std::string, std::string> environment{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/tmp"},  // libraries keep caches there, and /root is read-only
      {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : spec_.environment) environment[name] = value;
  option({"--clearenv"});
  for (const auto& [name, value] : environment) {
    if (name.empty() || name.find('=') != std::string::npos) {
      return fail(Kind::invalid, "environment variable '{}': a name must not be empty or contain '='", name);
    }
    option({"--setenv", name, value});
  }
  return {};
}

}  // namespace

Result<SandboxPlan> plan_sandbox(const ports::ProgramSpec& spec, int hosts_fd) {
  // bwrap reads its options separated by zero bytes: one inside a value would begin an option of its own.
  const auto has_zero = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  auto plan = Planner{spec, hosts_fd}.plan();
  if (plan && (std::ranges::any_of(plan->options, has_zero) || std::ranges::any_of(spec.command, has_zero))) {
    return fail(Kind::invalid, "the command, the environment or a path of the program contains a zero byte");
  }
  return plan;
}

}  // namespace holdfast::runtime
