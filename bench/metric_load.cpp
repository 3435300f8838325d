// Puts metric values over real connections, each request signed, and asks for a day of them, as fast as the service
// answers.
// Usage: metric_load ENDPOINT CREDENTIALS_FILE put SERIES PER_REQUEST REQUESTS CONNECTIONS   prints values per second
//        metric_load ENDPOINT CREDENTIALS_FILE day                                           puts a day, a value a
//        second metric_load ENDPOINT CREDENTIALS_FILE ask PERIOD SECONDS COUNT                      prints ms for one
//        question
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "aws/sigv4.hpp"
#include "http/client.hpp"

using namespace holdfast;

namespace {

constexpr int kDay = 86'400;
constexpr int kMostAtOnce = 1000;

struct Service {
  std::string endpoint;
  aws::Credentials credentials;
  SystemClock clock;

  bool ask(http::Client& client, const std::string& operation, std::string body) {
    http::ClientRequest request;
    request.method = "POST";
    request.url = endpoint + "/";
    request.body = std::move(body);
    const aws::SignedRequest to_sign{"POST",
                                     "/",
                                     "",
                                     {{"Host", endpoint.substr(endpoint.find("//") + 2)},
                                      {"Content-Type", "application/x-amz-json-1.0"},
                                      {"X-Amz-Target", "GraniteServiceVersion20100801." + operation}},
                                     aws::sha256_hex(request.body)};
    for (const auto& [name, value] : to_sign.headers) request.headers.add(name, value);
    for (const auto& [name, value] : aws::sign(to_sign, credentials, "us-east-1", "monitoring", clock.now()))
      request.headers.add(name, value);
    const auto answer = client.send(request);
    if (answer && answer->status == 200) return true;
    std::fprintf(stderr, "%s\n", answer ? answer->body.c_str() : answer.error().message.c_str());
    return false;
  }
};

std::string datum(const std::string& name, std::int64_t at, double value) {
  return fmt::format(R"({{"MetricName":"{}","Timestamp":{},"Value":{},"StorageResolution":1}})", name, at, value);
}
std::string put_of(const std::vector<std::string>& data) {
  return fmt::format(R"({{"Namespace":"bench","MetricData":[{}]}})", fmt::join(data, ","));
}
double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

// Each request has the next second of so many series.
bool put(Service& service, int series, int per_request, int requests, int connections) {
  std::atomic<int> next = 0, failed = 0;
  const std::int64_t start = to_epoch_seconds(service.clock.now()) - 3600;
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&] {
      http::Client client;
      for (int number = next++; number < requests; number = next++) {
        std::vector<std::string> data;
        for (int j = 0; j < per_request; ++j) {
          const int value = number * per_request + j;
          data.push_back(datum(fmt::format("m{}", value % series), start + value / series % 3600, value * 0.37));
        }
        if (!service.ask(client, "PutMetricData", put_of(data))) ++failed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::printf("%.0f\n", requests * static_cast<double>(per_request) / seconds_since(begun));
  return failed == 0;
}

bool put_day(Service& service) {
  http::Client client;
  const std::int64_t now = to_epoch_seconds(service.clock.now());
  for (int begin = 0; begin < kDay; begin += kMostAtOnce) {
    std::vector<std::string> data;
    for (int i = begin; i < std::min(begin + kMostAtOnce, kDay); ++i)
      data.push_back(datum("day", now - kDay + i, 1.0 / (1 + i)));
    if (!service.ask(client, "PutMetricData", put_of(data))) return false;
  }
  return true;
}

bool ask(Service& service, int period, int length, int count) {
  http::Client client;
  const std::int64_t now = to_epoch_seconds(service.clock.now());
  const auto body = fmt::format(
      R"({{"StartTime":{},"EndTime":{},"MetricDataQueries":[{{"Id":"a","MetricStat":{{"Metric":{{"Namespace":"bench","MetricName":"day"}},)"
      R"("Period":{},"Stat":"Average"}}}}]}})",
      now - length, now, period);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i)
    if (!service.ask(client, "GetMetricData", body)) return false;
  std::printf("%.2f\n", 1000 * seconds_since(begun) / count);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 3 ? argv[3] : "";
  if (!(what == "put" && argc == 8) && !(what == "day" && argc == 4) && !(what == "ask" && argc == 7)) {
    std::fprintf(stderr,
                 "usage: %s ENDPOINT CREDENTIALS_FILE put SERIES PER_REQUEST REQUESTS CONNECTIONS | day | ask PERIOD "
                 "SECONDS COUNT\n",
                 argv[0]);
    return 2;
  }
  const auto credentials = aws::read_credentials(argv[2]);
  if (!credentials) {
    std::fprintf(stderr, "%s\n", credentials.error().message.c_str());
    return 1;
  }
  Service service{argv[1], *credentials, {}};
  const auto number = [&](int i) { return std::atoi(argv[i]); };
  const bool done = what == "put"   ? put(service, number(4), number(5), number(6), number(7))
                    : what == "day" ? put_day(service)
                                    : ask(service, number(4), number(5), number(6));
  return done ? 0 : 1;
}
