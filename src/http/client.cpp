#include "http/client.hpp"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/ensure.hpp"
#include "base/file.hpp"

namespace holdfast::http {

namespace {

constexpr long kBlock = 256 * 1024;  // curl's buffers, either way
constexpr std::string_view kSpace = " \t\r\n";

Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return Kind::invalid;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_OUT_OF_MEMORY:
      return Kind::try_again;
    default:
      return Kind::permanent;
  }
}

class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(list_); }
  void add(const std::string& line) {
    auto* longer = curl_slist_append(list_, line.c_str());
    ENSURE(longer, "out of memory");
    list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

bool is_loopback(const std::string& url) {
  struct Free {
    void operator()(CURLU* parts) const { curl_url_cleanup(parts); }
  };
  const std::unique_ptr<CURLU, Free> parts{curl_url()};
  char* host = nullptr;
  if (!parts || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parts.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK)
    return false;
  const std::string name{host};
  curl_free(host);
  return name == "localhost" || name == "[::1]" || name.starts_with("127.");
}

// What comes back: headers, and a body to memory or to a file.
struct Receiver {
  const ClientRequest& request;
  int fd = -1;  // for the body of a 2xx answer
  const Client::Tap* tap = nullptr;
  Response response = {};
  std::optional<Error> error = {};

  bool to_file() const { return fd >= 0 && response.status / 100 == 2; }

  bool take_header(std::string_view line) {
    // Another status line begins another answer: what came was a "100 Continue".
    if (line.starts_with("HTTP/")) {
      response = {};
      const auto space = line.find(' ');
      response.status = space == std::string_view::npos ? 0 : std::atoi(std::string{line.substr(space)}.c_str());
      return true;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(kSpace), value.size()));
    value = value.substr(0, value.find_last_not_of(kSpace) + 1);
    response.headers.add(std::string{line.substr(0, colon)}, std::string{value});
    return true;
  }

  bool take_body(std::string_view block) {
    if (to_file()) {
      if (auto written = write_all(fd, block, "writing what " + request.url + " answers"); !written) {
        error = written.error();
        return false;
      }
      if (tap && *tap) (*tap)(block);
      return true;
    }
    const auto limit = fd >= 0 ? std::min(kMaxErrorBody, request.max_response) : request.max_response;
    if (response.body.size() + block.size() > limit) {
      error = Error{Kind::invalid,
                    fmt::format("{} {}: the answer is longer than {} bytes", request.method, request.url, limit)};
      return false;
    }
    response.body.append(block);
    return true;
  }
};

// What goes out from a file.
struct Sender {
  const ClientRequest& request;
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  const Client::Tap* tap = nullptr;
  std::uint64_t sent = 0;
  std::optional<Error> error = {};

  std::size_t read(char* into, std::size_t room) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(room, length - sent));
    if (count == 0) return 0;
    const auto n = ::pread(fd, into, count, static_cast<off_t>(offset + sent));
    if (n < 0 && errno == EINTR) return read(into, room);
    if (n < 0) {
      error = fail_errno("reading what goes to " + request.url, errno).value();
      return CURL_READFUNC_ABORT;
    }
    if (n == 0) {
      error = Error{Kind::conflict,
                    fmt::format("{} {}: the file became shorter than {} bytes", request.method, request.url, length)};
      return CURL_READFUNC_ABORT;
    }
    if (tap && *tap) (*tap)({into, static_cast<std::size_t>(n)});
    sent += static_cast<std::uint64_t>(n);
    return static_cast<std::size_t>(n);
  }

  // curl begins again when a kept connection turns out to be dead. A tap has seen the bytes by then, and must not see
  // them twice: the caller begins again instead.
  bool rewind(curl_off_t to) {
    if (to != 0 || (tap && *tap && sent > 0)) return false;
    sent = 0;
    return true;
  }
};

std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* receiver) {
  return static_cast<Receiver*>(receiver)->take_header({bytes, size * count}) ? size * count : 0;
}
std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* receiver) {
  return static_cast<Receiver*>(receiver)->take_body({bytes, size * count}) ? size * count : 0;
}
std::size_t on_read(char* into, std::size_t size, std::size_t count, void* sender) {
  return static_cast<Sender*>(sender)->read(into, size * count);
}
int on_seek(void* sender, curl_off_t to, int origin) {
  const bool done = origin == SEEK_SET && static_cast<Sender*>(sender)->rewind(to);
  return done ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

long whole_seconds(Duration duration) {
  return static_cast<long>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

}  // namespace

class Client::Impl {
 public:
  Impl() : curl_(curl_easy_init()) { ENSURE(curl_, "curl has no memory"); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { curl_easy_cleanup(curl_); }

  Result<Response> exchange(const ClientRequest& request, Receiver& receiver, Sender* sender) {
    for (const auto& [name, value] : request.headers)
      if ((name + value).find_first_of("\r\n") != std::string::npos)
        return fail(Kind::invalid, "{} {}: the header {} holds a line break", request.method, request.url, name);
    curl_easy_reset(curl_);  // options only; the connection stays
    HeaderList headers;
    describe(request, headers);
    describe_body(request, sender);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&receiver));
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&receiver));
    char reason[CURL_ERROR_SIZE] = "";
    set(CURLOPT_ERRORBUFFER, &reason[0]);

    const CURLcode code = curl_easy_perform(curl_);
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    if (receiver.error) return fail(std::move(*receiver.error));
    if (sender && sender->error) return fail(std::move(*sender->error));
    if (code != CURLE_OK)
      return fail(kind_of(code), "{} {}: {}", request.method, request.url,
                  reason[0] ? static_cast<const char*>(reason) : curl_easy_strerror(code));
    return std::move(receiver.response);
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    const auto code = curl_easy_setopt(curl_, option, value);
    ENSURE(code == CURLE_OK, "curl refuses option {}: {}", static_cast<int>(option), curl_easy_strerror(code));
  }

  void describe(const ClientRequest& request, HeaderList& headers) {
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_PATH_AS_IS, 1L);  // a signature covers the path as it is
    set(CURLOPT_NOSIGNAL, 1L);    // other threads run beside us
    if (is_loopback(request.url)) set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, whole_seconds(request.stall_timeout));
    // curl refuses these while it still has buffers from an exchange that failed early; then they have their size.
    curl_easy_setopt(curl_, CURLOPT_BUFFERSIZE, kBlock);
    curl_easy_setopt(curl_, CURLOPT_UPLOAD_BUFFERSIZE, kBlock);

    // Only the caller's headers: what curl adds by itself would not be signed, and "Expect" costs a second where a
    // server ignores it. A header without a value ends in a semicolon for curl; one that is to be left out, in a colon.
    for (const auto& [name, value] : request.headers) headers.add(value.empty() ? name + ";" : name + ": " + value);
    for (const char* name : {"Expect", "Content-Type", "Accept"})
      if (!request.headers.find(name)) headers.add(std::string{name} + ":");
    set(CURLOPT_HTTPHEADER, headers.get());
  }

  void describe_body(const ClientRequest& request, Sender* sender) {
    if (sender) {
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(sender->length));
      set(CURLOPT_READFUNCTION, &on_read);
      set(CURLOPT_READDATA, static_cast<void*>(sender));
      set(CURLOPT_SEEKFUNCTION, &on_seek);
      set(CURLOPT_SEEKDATA, static_cast<void*>(sender));
    } else if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
    }
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  CURL* curl_;
};

Client::Client() : impl_(std::make_unique<Impl>()) {}
Client::~Client() = default;

Result<Response> Client::send(const ClientRequest& request) {
  Receiver receiver{.request = request};
  return impl_->exchange(request, receiver, nullptr);
}

Result<Response> Client::upload_file(const ClientRequest& request, int fd, std::uint64_t offset, std::uint64_t length,
                                     const Tap& tap) {
  Receiver receiver{.request = request};
  Sender sender{.request = request, .fd = fd, .offset = offset, .length = length, .tap = &tap};
  return impl_->exchange(request, receiver, &sender);
}

Result<Response> Client::download_file(const ClientRequest& request, int fd, const Tap& tap) {
  Receiver receiver{.request = request, .fd = fd, .tap = &tap};
  return impl_->exchange(request, receiver, nullptr);
}

}  // namespace holdfast::http
