// Puts or gets objects over real connections, each request signed (UNSIGNED-PAYLOAD), as fast as the service answers.
// Usage: s3_load ENDPOINT CREDENTIALS_FILE create|put|get BUCKET COUNT BYTES CONNECTIONS     prints the seconds it took
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "aws/sigv4.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "http/client.hpp"

using namespace holdfast;

namespace {

struct Load {
  std::string endpoint, operation, bucket;
  aws::Credentials credentials;
  int count = 0;
  std::uint64_t bytes = 0;
};

// What is put, in memory, so that no disk of the client's is measured.
Fd contents_of(std::uint64_t bytes) {
  Fd fd(::memfd_create("contents", MFD_CLOEXEC));
  SeededRandom random(1);
  std::string block(1 << 20, '\0');
  for (char& c : block) c = static_cast<char>(random.next());
  for (std::uint64_t done = 0; done < bytes;) {
    const auto part = std::string_view(block).substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), bytes - done)));
    if (!write_all(fd.get(), part, "making contents")) std::abort();
    done += part.size();
  }
  return fd;
}

bool run_one(const Load& load, http::Client& client, int number, int contents, int nowhere) {
  SystemClock clock;
  http::ClientRequest request;
  request.method = load.operation == "get" ? "GET" : "PUT";
  request.timeout = Duration::zero();
  const auto path = "/" + load.bucket + (load.operation == "create" ? "" : fmt::format("/object-{}", number));
  request.url = load.endpoint + path;
  aws::SignedRequest to_sign{request.method,
                             path,
                             "",
                             {{"Host", load.endpoint.substr(load.endpoint.find("//") + 2)}},
                             std::string(aws::kUnsignedPayload)};
  for (const auto& [name, value] : to_sign.headers) request.headers.add(name, value);
  for (const auto& [name, value] : aws::sign(to_sign, load.credentials, "us-east-1", "s3", clock.now()))
    request.headers.add(name, value);
  const auto response = load.operation == "create" ? client.send(request)
                        : load.operation == "get"  ? client.download_file(request, nowhere)
                                                   : client.upload_file(request, contents, 0, load.bytes);
  if (response && response->status == 200) return true;
  std::fprintf(stderr, "%s %s: %s\n", request.method.c_str(), path.c_str(),
               response ? response->body.c_str() : response.error().message.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: %s ENDPOINT CREDENTIALS_FILE create|put|get BUCKET COUNT BYTES CONNECTIONS\n",
                 argv[0]);
    return 2;
  }
  const auto credentials = aws::read_credentials(argv[2]);
  if (!credentials) {
    std::fprintf(stderr, "%s\n", credentials.error().message.c_str());
    return 1;
  }
  const Load load{argv[1], argv[3], argv[4], *credentials, std::atoi(argv[5]), std::strtoull(argv[6], nullptr, 10)};
  const Fd contents = contents_of(load.bytes);
  const Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  std::atomic<int> next = 0, failed = 0;
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[7]); ++i) {
    threads.emplace_back([&] {
      http::Client client;
      for (int number = next++; number < load.count && failed == 0; number = next++)
        failed += run_one(load, client, number, contents.get(), nowhere.get()) ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%.3f\n", took.count());
  return failed == 0 ? 0 : 1;
}
