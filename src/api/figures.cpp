#include "api/figures.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/file.hpp"

namespace holdfast::api {
namespace {

constexpr std::size_t kMaxProcText = 4096;

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += fmt::format("# HELP holdfast_{0} {2}\n# TYPE holdfast_{0} {1}\n", name, type, help);
  }
  template <class Number>
  void sample(Number value, std::string_view labels = {}) {
    out_ += labels.empty() ? fmt::format("holdfast_{} {}\n", name_, value)
                           : fmt::format("holdfast_{}{{{}}} {}\n", name_, labels, value);
  }
  template <class Number>
  void alone(std::string_view name, std::string_view type, std::string_view help, Number value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string name_, out_;
};

void add_jobs(Text& text, const ports::Overview& overview, Instant now) {
  text.family("jobs", "gauge", "Training jobs by TrainingJobStatus.");
  for (const auto& [status, count] : overview.jobs) text.sample(count, fmt::format("status=\"{}\"", status));
  text.family("live_jobs", "gauge", "Training jobs that have not ended, by SecondaryStatus.");
  for (const auto& [status, count] : overview.live_jobs) text.sample(count, fmt::format("status=\"{}\"", status));
  text.alone("live_job_interruptions", "gauge", "Interruptions that the live jobs have been through.",
             overview.live_interruptions);
  text.alone("attempts_total", "counter", "Attempts that capacity was asked for.", overview.attempts);
  text.alone("leases", "gauge", "Instances asked for and not known to be gone.", overview.leases);
  text.alone("attempts_with_checkpoint", "gauge", "Attempts in training that have saved a checkpoint.",
             overview.saving_attempts);
  if (!overview.oldest_save) return;
  const double age = static_cast<double>(std::max<std::int64_t>((now - *overview.oldest_save).count(), 0)) / 1000.0;
  text.alone("checkpoint_age_seconds_max", "gauge", "Age of the oldest last checkpoint of an attempt in training.",
             age);
}

void add_checkpoints(Text& text, const LiveCheckpoints::Totals& totals) {
  text.alone("checkpoint_jobs", "gauge", "Running jobs that tell how safe their checkpoints are.", totals.jobs);
  text.alone("checkpoint_bytes_at_risk", "gauge", "Bytes that those jobs wrote since their last checkpoints.",
             totals.bytes_at_risk);
  text.alone("checkpoint_upload_bytes_per_second", "gauge", "The upload rates of those jobs together.",
             totals.upload_bytes_per_second);
  text.alone("checkpoint_seconds_to_safe_max", "gauge", "Until the last of those jobs has saved what it wrote.",
             totals.seconds_to_safe_most);
}

void add_requests(Text& text, const Counters& counters) {
  constexpr std::array kOutcomes = {"success", "refused", "failed"};
  text.family("requests_total", "counter", "Requests answered since the start, by operation and outcome.");
  for (const auto& [operation, counts] : counters.requests()) {
    for (std::size_t i = 0; i < kOutcomes.size(); ++i)
      text.sample(counts[i], fmt::format("operation=\"{}\",outcome=\"{}\"", operation, kOutcomes[i]));
  }
  text.alone("log_lines_total", "counter", "Log lines taken from agents since the start.", counters.log_lines());
  text.alone("log_bytes_total", "counter", "Bytes of those lines.", counters.log_bytes());
}

}  // namespace

std::uint64_t resident_memory() {
  const auto text = read_file("/proc/self/statm", kMaxProcText);
  if (!text) return 0;
  const auto blank = std::min(text->find(' '), text->size());
  std::uint64_t pages = 0;
  const auto parsed =
      std::from_chars(text->data() + std::min(blank + 1, text->size()), text->data() + text->size(), pages);
  return parsed.ec == std::errc{} ? pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

Result<std::string> figures_text(const Figures& figures) {
  const auto overview = figures.backends.store.overview();
  if (!overview) return fail(overview.error());
  Text text;
  add_jobs(text, *overview, figures.backends.clock.now());
  add_checkpoints(text, figures.backends.counters.checkpoints().totals(figures.backends.clock.now()));
  add_requests(text, figures.backends.counters);
  text.family("waiting", "gauge", "Requests waiting for a thread, by queue.");
  for (const auto& [name, length] : figures.queues) text.sample(length, fmt::format("queue=\"{}\"", name));
  text.alone("resident_memory_bytes", "gauge", "Resident memory of the service.", resident_memory());
  return text.take();
}

}  // namespace holdfast::api
