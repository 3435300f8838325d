#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "market/market.hpp"

namespace holdfast::market {

namespace {

using Json = nlohmann::json;
constexpr double kMaxGapSeconds = 86'400;

tl::unexpected<Error> not_a_market(std::string_view description, std::string_view why) {
  return fail(Kind::invalid,
              "market \"{}\": {}; allowed are open, random:SEED[,up=MINUTES][,down=MINUTES][,notice=SECONDS] and "
              "trace:FILE[,notice=SECONDS]",
              description, why);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A decimal number of `unit`s between `least` and `most`.
std::optional<Duration> duration(std::string_view text, Duration unit, Duration least, Duration most) {
  const auto value = number<double>(text);
  const double scale = static_cast<double>(unit.count());
  if (!value || !(*value >= 0 && *value <= static_cast<double>(most.count()) / scale)) return std::nullopt;
  const Duration length{std::llround(*value * scale)};
  if (length < least) return std::nullopt;
  return length;
}

std::optional<Duration> notice_of(std::string_view text) {
  return duration(text, seconds{1}, Duration::zero(), kLongestNotice);
}

std::string_view take_word(std::string_view& text) {
  const auto comma = text.find(',');
  const auto word = text.substr(0, comma);
  text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  return word;
}

Result<Market> parse_random(std::string_view description, std::string_view words, Instant begins) {
  const auto seed = number<std::uint64_t>(take_word(words));
  if (!seed) return not_a_market(description, "the seed must be a whole number from 0");
  Duration up = kDefaultMeanUp, down = kDefaultMeanDown, notice = kDefaultNotice;
  while (!words.empty()) {
    const auto word = take_word(words);
    const auto equals = word.find('=');
    const auto key = word.substr(0, equals);
    const auto text = equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
    const auto value = key == "notice" ? notice_of(text) : duration(text, minutes{1}, kShortestPeriod, kLongestMean);
    Duration* const place = key == "up" ? &up : key == "down" ? &down : key == "notice" ? &notice : nullptr;
    if (!place) return not_a_market(description, fmt::format("\"{}\" is unknown", word));
    if (!value) return not_a_market(description, fmt::format("\"{}\" is no number, or too small or too large", word));
    *place = *value;
  }
  return Market{RandomPeriods{*seed, up, down, begins}, notice};
}

// Anything above 0 is available: traces of several nodes count them.
Result<Trace> parse_trace(std::string_view text, Instant begins) {
  const Json json = Json::parse(text, nullptr, false);
  const auto gap = Json::json_pointer{"/metadata/gap_seconds"};
  if (!json.is_object() || !json.contains(gap) || !json[gap].is_number() || !json.contains("data") ||
      !json["data"].is_array()) {
    return fail(Kind::invalid, R"(not {{"metadata": {{"gap_seconds": 195}}, "data": [0, 1, ...]}})");
  }
  const double gap_seconds = json[gap].get<double>();
  if (!(gap_seconds >= 0.001 && gap_seconds <= kMaxGapSeconds)) {
    return fail(Kind::invalid, "gap_seconds must be above 0 and at most {}", kMaxGapSeconds);
  }
  const auto& data = json["data"];
  if (data.empty() || data.size() > kMaxTraceSamples) {
    return fail(Kind::invalid, "data must have 1 to {} samples, not {}", kMaxTraceSamples, data.size());
  }
  std::vector<bool> samples;
  samples.reserve(data.size());
  for (const auto& sample : data) {
    if (!sample.is_number() || !(sample.get<double>() >= 0)) {
      return fail(Kind::invalid, "sample {} is not a number from 0", samples.size());
    }
    samples.push_back(sample.get<double>() > 0);
  }
  return Trace{std::move(samples), Duration{std::llround(gap_seconds * 1000)}, begins};
}

Result<Market> read_trace_market(std::string_view description, std::string_view rest, Instant begins,
                                 const TraceReader& read_trace) {
  Duration notice = kDefaultNotice;
  constexpr std::string_view kNotice = ",notice=";
  // From the right: a file's name may hold commas.
  if (const auto at = rest.rfind(kNotice); at != std::string_view::npos) {
    const auto given = notice_of(rest.substr(at + kNotice.size()));
    if (!given) return not_a_market(description, "the notice must be a number of seconds, at most a day");
    notice = *given;
    rest = rest.substr(0, at);
  }
  if (rest.empty()) return not_a_market(description, "the file is missing");
  const auto text = read_trace(std::string(rest));
  if (!text) return fail(text.error(), "market \"{}\"", description);
  auto trace = parse_trace(*text, begins);
  if (!trace) return fail(trace.error(), "market \"{}\": {}", description, rest);
  return Market{*std::move(trace), notice};
}

}  // namespace

Result<Market> parse_market(std::string_view description, Instant begins, const TraceReader& read_trace) {
  if (description == "open") return Market{};
  if (description.starts_with("random:")) return parse_random(description, description.substr(7), begins);
  if (description.starts_with("trace:")) {
    return read_trace_market(description, description.substr(6), begins, read_trace);
  }
  return not_a_market(description, "unknown");
}

}  // namespace holdfast::market
