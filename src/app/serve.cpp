#include "app/serve.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "api/agent_access.hpp"
#include "api/authority.hpp"
#include "api/service.hpp"
#include "app/assignment.hpp"
#include "app/open_buckets.hpp"
#include "app/webhooks.hpp"
#include "aws/credentials.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "capacity/gpus.hpp"
#include "capacity/local_provider.hpp"
#include "engine/engine.hpp"
#include "http/server.hpp"
#include "store/metric_store.hpp"
#include "store/sqlite_algorithms.hpp"
#include "store/sqlite_status_feed.hpp"
#include "store/sqlite_store.hpp"
#include "telemetry/file_telemetry.hpp"
#include "telemetry/log_sweeper.hpp"
#include "telemetry/service_log.hpp"

namespace holdfast::app {

namespace {

namespace fs = std::filesystem;

// There is no account outside AWS; clients want twelve digits all the same.
constexpr const char* kAccount = "000000000000";
constexpr std::size_t kMaxSecretFile = 4096;
constexpr std::size_t kMaxPriceFile = 4 * 1024 * 1024;
constexpr std::size_t kMaxTraceFile = 256 * 1024 * 1024;
constexpr Duration kLongestNap = seconds{60};

struct Listen {
  std::string address;
  unsigned short port = 0;
};

Result<Listen> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  unsigned port = 0;
  const char* end = text.data() + text.size();
  if (colon == std::string::npos || std::from_chars(text.data() + colon + 1, end, port).ptr != end || port > 65535 ||
      colon + 1 == text.size()) {
    return fail(Kind::invalid, "--listen '{}': write ADDRESS:PORT, such as 127.0.0.1:8740", text);
  }
  return Listen{text.substr(0, colon), static_cast<unsigned short>(port)};
}

// Two services on one directory would each believe that they own its jobs.
Result<Fd> lock_directory(const fs::path& data) {
  const auto path = data / "lock";
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd) return fail_errno("opening " + path.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Kind::conflict, "another `holdfast serve` is using {}: stop it, or give --data another directory",
                data.string());
  }
  return fd;
}

Result<aws::Credentials> own_credentials(const fs::path& path, Random& random) {
  auto found = aws::read_credentials(path);
  if (found || found.error().kind != Kind::not_found) return found;
  const auto made = aws::make_credentials(random);
  if (auto written = aws::write_credentials(path, made); !written) return fail(written.error());
  return made;
}

Result<std::string> agent_secret(const fs::path& path, Random& random) {
  auto found = read_file(path, kMaxSecretFile);
  if (found || found.error().kind != Kind::not_found) return found;
  auto made = random_hex(random, 64);
  if (auto written = write_file_atomically(path, made, 0600); !written) return fail(written.error());
  return made;
}

Result<capacity::LocalProviderOptions> provider_options(const cli::ServeOptions& options, const fs::path& data,
                                                        Clock& clock) {
  capacity::LocalProviderOptions local;
  local.directory = data / "instances";
  std::error_code error;
  const auto self = fs::read_symlink("/proc/self/exe", error);
  if (error) return fail(Kind::permanent, "finding this program's own file: {}", error.message());
  local.agent_command = {self.string(), "agent"};
  local.spot_slots = options.slots;
  local.on_demand_slots = options.slots;
  auto market = market::parse_market(options.market, clock.now(),
                                     [](const std::string& path) { return read_file(path, kMaxTraceFile); });
  if (!market) return fail(market.error(), "--market");
  local.market = std::move(*market);
  if (!options.prices.empty()) {
    auto text = read_file(options.prices, kMaxPriceFile);
    if (!text) return fail(text.error(), "--prices");
    auto catalog = market::parse_catalog(*text);
    if (!catalog) return fail(catalog.error(), "--prices {}", options.prices);
    local.catalog = std::move(*catalog);
  }
  local.gpus = capacity::gpu_devices();
  return local;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// For the S3 endpoint, which speaks of the embedded store's buckets only.
Result<std::string> where_else(objects::Buckets& buckets, const std::string& bucket) {
  const auto place = buckets.elsewhere(bucket);
  if (!place) return fail(place.error());
  return *place ? objects::to_string(**place) : std::string();
}

// The engine's one thread: work, then sleep until somebody knocks or a timer is due.
class EngineThread {
 public:
  EngineThread(engine::Engine& engine, Clock& clock)
      : engine_(engine), thread_([this, &clock] {
          while (!stopping_) {
            engine_.run_until_idle();
            engine_.door().wait(std::clamp<Duration>(engine_.next_wakeup() - clock.now(), Duration{0}, kLongestNap));
          }
        }) {}
  ~EngineThread() {
    stopping_ = true;
    engine_.door().wake();
    thread_.join();
  }

 private:
  engine::Engine& engine_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

Result<void> run(const cli::ServeOptions& options, const sigset_t& ending) {
  auto listen = parse_listen(options.listen);
  if (!listen) return fail(listen.error());
  if (auto made = make_durable_directories(options.data); !made) return made;
  const fs::path data = fs::canonical(options.data);
  fs::permissions(data, fs::perms::owner_all);
  auto lock = lock_directory(data);
  if (!lock) return fail(lock.error());

  SystemClock clock;
  SystemRandom random;
  auto credentials = own_credentials(data / "credentials", random);
  if (!credentials) return fail(credentials.error());
  auto secret = agent_secret(data / "agent-secret", random);
  if (!secret) return fail(secret.error());
  auto store = store::open_sqlite_store((data / "holdfast.db").string(), clock.now());
  if (!store) return fail(store.error());
  auto algorithms = store::open_sqlite_algorithms((data / "holdfast.db").string());
  if (!algorithms) return fail(algorithms.error());
  auto logs = telemetry::FileLogs::open(data / "logs", clock);
  if (!logs) return fail(logs.error());
  auto metrics = store::open_metric_store((data / "metrics.db").string(), clock);
  if (!metrics) return fail(metrics.error());
  auto telemetry = telemetry::FileTelemetry::open(data / "logs", clock, **logs, metrics->get());
  if (!telemetry) return fail(telemetry.error());
  auto buckets = open_buckets_of(data, {clock, random, kCallersPatience});
  if (!buckets) return fail(buckets.error());
  auto local = provider_options(options, data, clock);
  if (!local) return fail(local.error());
  auto provider = capacity::LocalProvider::open(std::move(*local), clock);
  if (!provider) return fail(provider.error());

  const ServiceFacts facts{data, data / "endpoint", data / "objects", options.region, {}};
  engine::Engine engine(clock, **store, **provider, [&](const job::JobSpec& spec, Instant created, Fence fence) {
    auto now = facts;
    now.places = buckets->all->places();
    return encode_assignment(now, spec, created, fence, api::agent_token(*secret, spec.name, fence),
                             api::attempt_credentials(*secret, spec.name, fence));
  });
  if (auto recovered = engine.recover(); !recovered) return recovered;
  (*provider)->on_event([&](ports::CapacityEvent event) { engine.on_capacity_event(std::move(event)); });

  api::KeyRing keys(data / cli::kKeysFile);
  api::Service service({engine, **store, **telemetry, *buckets->embedded, **logs, clock, random, kAccount,
                        options.region, *credentials, &keys, *secret, data / "uploads", **metrics, **algorithms,
                        options.s3_domain, buckets->all.get(),
                        [&](const std::string& bucket) { return where_else(*buckets->all, bucket); }});
  auto feed = store::open_sqlite_status_feed((data / "holdfast.db").string());
  if (!feed) return fail(feed.error());
  auto webhooks = Webhooks::start({options.events_to, data / "webhook-secret", kAccount, options.region}, **feed,
                                  **telemetry, clock, random);
  if (!webhooks) return fail(webhooks.error());
  http::ServerOptions server_options;
  server_options.address = listen->address;
  server_options.port = listen->port;
  server_options.stall_timeout = seconds{options.stall_timeout_seconds};
  http::Server server(server_options, service);
  if (auto started = server.start(); !started) return started;
  const auto endpoint = fmt::format("http://{}:{}", listen->address, server.port());
  if (auto written = write_file_atomically(facts.endpoint_file, endpoint + "\n"); !written) return written;
  {
    const EngineThread engine_thread(engine, clock);
    const telemetry::LogSweeper sweeper(**logs);
    std::printf("holdfast is ready at %s (data %s, credentials %s)\n", endpoint.c_str(), data.c_str(),
                (data / "credentials").c_str());
    std::fflush(stdout);
    int signal_number = 0;
    sigwait(&ending, &signal_number);
    log_info("stopping; trainings go on, and are found again at the next start");
    server.stop();
  }
  // The provider's thread posts to the engine: it ends before the engine does.
  provider->reset();
  return {};
}

}  // namespace

int serve(const cli::ServeOptions& options) {
  // Before the first thread, so that only sigwait() sees them.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const auto level = telemetry::parse_level(options.log_level);
  if (!level) {
    std::fprintf(stderr, "holdfast serve: %s\n", level.error().message.c_str());
    return 2;
  }
  telemetry::log_to_stderr(*level);
  raise_file_limit();
  if (const auto ran = run(options, ending); !ran) {
    std::fprintf(stderr, "holdfast serve: %s\n", ran.error().message.c_str());
    return 1;
  }
  return 0;
}

}  // namespace holdfast::app
