// Creates and describes many training jobs over real connections, each request signed, as fast as the service answers.
// Usage: api_load ENDPOINT CREDENTIALS_FILE create|describe COUNT CONNECTIONS     prints requests per second
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

std::string body_of(bool create, int number) {
  const std::string name = fmt::format("load-{:06}", number);
  if (!create) return fmt::format(R"({{"TrainingJobName":"{}"}})", name);
  return fmt::format(
      R"({{"TrainingJobName":"{}","RoleArn":"arn:aws:iam::000000000000:role/bench","AlgorithmSpecification":{{"TrainingImage":"local:host",)"
      R"("TrainingInputMode":"File","ContainerEntrypoint":["/bin/true"]}},"OutputDataConfig":{{"S3OutputPath":"s3://bench/output"}},)"
      R"("ResourceConfig":{{"InstanceType":"ml.m5.large","InstanceCount":1,"VolumeSizeInGB":1}},"EnableManagedSpotTraining":true,)"
      R"("StoppingCondition":{{"MaxRuntimeInSeconds":3600,"MaxWaitTimeInSeconds":86400}},"HyperParameters":{{"epochs":"10","lr":"0.1"}},)"
      R"("CheckpointConfig":{{"S3Uri":"s3://bench/checkpoints/{}"}}}})",
      name, name);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s ENDPOINT CREDENTIALS_FILE create|describe COUNT CONNECTIONS\n", argv[0]);
    return 2;
  }
  const std::string endpoint = argv[1];
  const auto credentials = aws::read_credentials(argv[2]);
  if (!credentials) {
    std::fprintf(stderr, "%s\n", credentials.error().message.c_str());
    return 1;
  }
  const bool create = std::string(argv[3]) == "create";
  const int count = std::atoi(argv[4]);
  const int connections = std::atoi(argv[5]);
  std::atomic<int> next = 0, failed = 0;
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&] {
      SystemClock clock;
      http::Client client;
      for (int number = next++; number < count; number = next++) {
        http::ClientRequest request;
        request.method = "POST";
        request.url = endpoint + "/";
        request.body = body_of(create, number);
        const std::string target = create ? "SageMaker.CreateTrainingJob" : "SageMaker.DescribeTrainingJob";
        aws::SignedRequest to_sign{"POST", "/", "",
                                   {{"Host", endpoint.substr(endpoint.find("//") + 2)},
                                    {"Content-Type", "application/x-amz-json-1.1"},
                                    {"X-Amz-Target", target}},
                                   aws::sha256_hex(request.body)};
        for (const auto& [name, value] : to_sign.headers) request.headers.add(name, value);
        for (const auto& [name, value] : aws::sign(to_sign, *credentials, "us-east-1", "sagemaker", clock.now())) {
          request.headers.add(name, value);
        }
        const auto response = client.send(request);
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
  std::printf("%.0f\n", count / took.count());
  return failed == 0 ? 0 : 1;
}
