// Sends many requests over real connections, each signed, as fast as the service answers.
// Usage: api_load ENDPOINT CREDENTIALS_FILE create|describe|poll|health|STREAM COUNT CONNECTIONS
// describe: job after job; poll: each connection asks for a job of its own again and again; health: GET /health, which
// the server answers from where it reads it: as fast as this client and the server can be. STREAM: a log stream of a
// training, whose first 100 events are asked for. Prints requests per second, and the median
// and the 99th percentile of their time in milliseconds.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "aws/sigv4.hpp"
#include "http/connections.hpp"

using namespace holdfast;

namespace {

std::string creation_of(const std::string& name) {
  return fmt::format(
      R"({{"TrainingJobName":"{}","RoleArn":"arn:aws:iam::000000000000:role/bench","AlgorithmSpecification":{{"TrainingImage":"local:host",)"
      R"("TrainingInputMode":"File","ContainerEntrypoint":["/bin/true"]}},"OutputDataConfig":{{"S3OutputPath":"s3://bench/output"}},)"
      R"("ResourceConfig":{{"InstanceType":"ml.m5.large","InstanceCount":1,"VolumeSizeInGB":1}},"EnableManagedSpotTraining":true,)"
      R"("StoppingCondition":{{"MaxRuntimeInSeconds":3600,"MaxWaitTimeInSeconds":86400}},"HyperParameters":{{"epochs":"10","lr":"0.1"}},)"
      R"("CheckpointConfig":{{"S3Uri":"s3://bench/checkpoints/{}"}}}})",
      name, name);
}

struct Call {
  std::string target;  // empty: GET /health
  std::string service;
  std::string body;
};

Call call_of(const std::string& what, int number, int connection) {
  const std::string name = fmt::format("load-{:06}", what == "poll" ? connection : number);
  if (what == "health") return {};
  if (what == "create") return {"SageMaker.CreateTrainingJob", "sagemaker", creation_of(name)};
  if (what == "describe" || what == "poll")
    return {"SageMaker.DescribeTrainingJob", "sagemaker", fmt::format(R"({{"TrainingJobName":"{}"}})", name)};
  return {
      "Logs_20140328.GetLogEvents", "logs",
      fmt::format(
          R"({{"logGroupName":"/aws/sagemaker/TrainingJobs","logStreamName":"{}","startFromHead":true,"limit":100}})",
          what)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s ENDPOINT CREDENTIALS_FILE create|describe|poll|health|STREAM COUNT CONNECTIONS\n",
                 argv[0]);
    return 2;
  }
  const auto origin = http::parse_origin(argv[1]);
  if (!origin) {
    std::fprintf(stderr, "%s\n", origin.error().message.c_str());
    return 2;
  }
  const auto credentials = aws::read_credentials(argv[2]);
  if (!credentials) {
    std::fprintf(stderr, "%s\n", credentials.error().message.c_str());
    return 1;
  }
  const std::string what = argv[3];
  const int count = std::atoi(argv[4]);
  const int connections = std::atoi(argv[5]);
  aws::Signer signer;
  std::atomic<int> next = 0, failed = 0;
  std::vector<double> took_ms(static_cast<std::size_t>(std::max(count, 1)));
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] {
      SystemClock clock;
      http::Connections client({}, 1);
      for (int number = next++; number < count; number = next++) {
        const auto call = call_of(what, number, i);
        http::Outgoing request;
        request.headers.add("Host", origin->authority());
        if (call.target.empty()) {
          request.target = "/health";
        } else {
          request.method = "POST";
          request.body = call.body;
          request.headers.add("Content-Type", "application/x-amz-json-1.1");
          request.headers.add("X-Amz-Target", call.target);
          const aws::SignedRequest to_sign{
              "POST", "/", "", {request.headers.begin(), request.headers.end()}, aws::sha256_hex(call.body)};
          for (auto& [name, value] : signer.sign(to_sign, *credentials, "us-east-1", call.service, clock.now()))
            request.headers.add(name, value);
          request.headers.add("Content-Length", std::to_string(call.body.size()));
        }
        const auto sent = std::chrono::steady_clock::now();
        const auto response = client.exchange(*origin, request);
        took_ms[static_cast<std::size_t>(number)] =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - sent).count();
        if (response && response->status == 200) continue;
        if (failed++ == 0) {
          std::fprintf(stderr, "first failure: %s\n",
                       response ? response->body.c_str() : response.error().message.c_str());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::ranges::sort(took_ms);
  const auto percentile = [&](double p) { return took_ms[static_cast<std::size_t>(p * (count - 1))]; };
  std::printf("%.0f %.2f %.2f\n", count / took.count(), percentile(0.5), percentile(0.99));
  return failed == 0 ? 0 : 1;
}
