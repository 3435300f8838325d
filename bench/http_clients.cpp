// What an S3 client pays for its HTTP: libcurl's easy interface, its multi interface, and http::Connections, against a
// server in another process that throws bodies away and sends from memory. For docs/decisions/0012.
// Usage: http_clients [GIB [SMALL]]     GIB of 8 MiB bodies each way (default 2), SMALL puts of 8 KiB (default 20000)
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "base/ensure.hpp"
#include "http/connections.hpp"

using namespace holdfast;

namespace {

constexpr std::size_t kPart = 8u << 20;
constexpr std::size_t kSmall = 8u << 10;
constexpr std::size_t kParallel = 4;

std::size_t length_in(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + 16, nullptr, 10);
}

// ---- the server: a thread for each connection

void answer_requests(int fd) {
  std::vector<char> buffer(256 << 10);
  const std::string body(kPart, 'b');
  std::string head;
  for (;;) {
    const auto end = head.find("\r\n\r\n");
    if (end == std::string::npos) {
      const auto n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) break;
      head.append(buffer.data(), static_cast<std::size_t>(n));
      continue;
    }
    auto left = length_in(head.substr(0, end + 4));
    const bool get = head.starts_with("GET");
    const auto here = std::min(left, head.size() - end - 4);
    left -= here;
    head.erase(0, end + 4 + here);
    while (left > 0) {
      // MSG_TRUNC: what came is dropped by the kernel, without a copy.
      const auto n = ::recv(fd, buffer.data(), std::min(left, buffer.size()), MSG_TRUNC);
      if (n <= 0) return;
      left -= static_cast<std::size_t>(n);
    }
    const auto answer = fmt::format("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: {}\r\n\r\n", get ? kPart : 0);
    if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | (get ? MSG_MORE : 0)) < 0) break;
    for (std::size_t sent = 0; get && sent < body.size();) {
      const auto n = ::send(fd, body.data() + sent, body.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  }
}

struct Sink {
  Sink() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ENSURE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
    ENSURE(::listen(listener, 128) == 0, "listen");
    socklen_t length = sizeof address;
    ENSURE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname");
    port = ntohs(address.sin_port);
    child = ::fork();
    if (child != 0) {
      ::close(listener);
      return;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
      const int fd = ::accept(listener, nullptr, nullptr);
      const int yes = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      std::thread([fd] {
        answer_requests(fd);
        ::close(fd);
      }).detach();
    }
  }
  ~Sink() {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  unsigned short port = 0;
  pid_t child = -1;
};

// ---- the clients: each does `count` requests, kParallel at once

struct Work {
  std::string url, method;
  std::string_view body;  // of a PUT
  std::size_t count = 0;
};

struct Sending {
  std::string_view left;
  std::size_t read(char* into, std::size_t room) {
    const auto n = std::min(room, left.size());
    std::memcpy(into, left.data(), n);
    left.remove_prefix(n);
    return n;
  }
};
std::atomic<std::uint64_t> received = 0;
std::size_t on_body(char*, std::size_t size, std::size_t count, void*) {
  received += size * count;
  return size * count;
}
std::size_t on_read(char* into, std::size_t size, std::size_t count, void* sending) {
  return static_cast<Sending*>(sending)->read(into, size * count);
}

void prepare(CURL* curl, const Work& work, Sending& sending, curl_slist* headers) {
  curl_easy_setopt(curl, CURLOPT_URL, work.url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L << 10);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  if (work.method != "PUT") return;
  sending.left = work.body;
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(work.body.size()));
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, &on_read);
  curl_easy_setopt(curl, CURLOPT_READDATA, &sending);
}

void in_threads(std::size_t count, const std::function<void(std::atomic<std::size_t>& next)>& run) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min(kParallel, count); ++i) threads.emplace_back([&] { run(next); });
}

void by_easy(const Work& work) {
  in_threads(work.count, [&](std::atomic<std::size_t>& next) {
    CURL* curl = curl_easy_init();
    curl_slist* headers = curl_slist_append(nullptr, "Expect:");
    Sending sending;
    while (next++ < work.count) {
      curl_easy_reset(curl);
      prepare(curl, work, sending, headers);
      ENSURE(curl_easy_perform(curl) == CURLE_OK, "curl");
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  });
}

void by_multi(const Work& work) {
  CURLM* multi = curl_multi_init();
  curl_slist* headers = curl_slist_append(nullptr, "Expect:");
  std::vector<Sending> sendings(kParallel);
  std::vector<CURL*> idle;
  for (std::size_t i = 0; i < kParallel; ++i) {
    idle.push_back(curl_easy_init());
    curl_easy_setopt(idle.back(), CURLOPT_PRIVATE, &sendings[i]);
  }
  const auto all = idle;
  std::size_t begun = 0, done = 0;
  while (done < work.count) {
    for (; !idle.empty() && begun < work.count; ++begun) {
      char* sending = nullptr;
      curl_easy_getinfo(idle.back(), CURLINFO_PRIVATE, &sending);
      prepare(idle.back(), work, *reinterpret_cast<Sending*>(sending), headers);
      curl_multi_add_handle(multi, idle.back());
      idle.pop_back();
    }
    int running = 0, left = 0;
    curl_multi_perform(multi, &running);
    while (auto* message = curl_multi_info_read(multi, &left)) {
      ENSURE(message->data.result == CURLE_OK, "curl");
      CURL* finished = message->easy_handle;
      curl_multi_remove_handle(multi, finished);
      idle.push_back(finished);
      ++done;
    }
    if (idle.empty()) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  for (auto* curl : all) curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  curl_multi_cleanup(multi);
}

void by_ours(const Work& work) {
  const auto origin = http::parse_origin(work.url.substr(0, work.url.rfind('/'))).value();
  http::Connections connections({}, kParallel);
  in_threads(work.count, [&](std::atomic<std::size_t>& next) {
    const http::Receiver receiver{.start = {}, .block = [](std::string_view block) -> Result<void> {
                                    received += block.size();
                                    return {};
                                  }};
    while (next++ < work.count) {
      http::Outgoing request{.method = work.method, .target = "/object"};
      request.headers.add("Host", origin.authority());
      if (work.method == "PUT") request.headers.add("Content-Length", std::to_string(work.body.size()));
      request.body = work.body;
      ENSURE(connections.exchange(origin, request, &receiver), "ours");
    }
  });
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const double gib = argc > 1 ? std::atof(argv[1]) : 2;
  const auto small = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'000;
  const Sink sink;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const auto url = fmt::format("http://127.0.0.1:{}/object", sink.port);
  const std::string part(kPart, 'p'), little(kSmall, 'l');
  const auto parts = static_cast<std::size_t>(gib * 128);
  const std::vector<std::pair<std::string, Work>> works = {{"up", {url, "PUT", part, parts}},
                                                           {"down", {url, "GET", {}, parts}},
                                                           {"small puts", {url, "PUT", little, small}}};
  const std::vector<std::pair<std::string, std::function<void(const Work&)>>> clients = {
      {"curl easy", by_easy}, {"curl multi", by_multi}, {"http::Connections", by_ours}};
  fmt::print("| client | load | wall s | CPU s |\n| --- | --- | --- | --- |\n");
  for (int round = 0; round < 3; ++round)
    for (const auto& [load, work] : works)
      for (const auto& [name, run] : clients) {
        const auto cpu = cpu_seconds();
        const auto begun = std::chrono::steady_clock::now();
        run(work);
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
        fmt::print("| {} | {} | {:.2f} | {:.2f} |\n", name, load, wall.count(), cpu_seconds() - cpu);
        std::fflush(stdout);
      }
  return 0;
}
