// What comes over a connection, one request after the other: read in one piece and in pieces of the first byte's
// length, it must be the same requests.
#include "fuzz/input.hpp"
#include "http/server_parser.hpp"

namespace holdfast::fuzz {
namespace {

constexpr std::size_t kMaxHead = 4096;
constexpr std::size_t kMaxRequests = 64;

struct Request {
  std::string method, target, body;
  std::vector<http::Headers::Field> headers;
  bool keep_alive = false, http_1_0 = false;
  bool operator==(const Request&) const = default;
};

void check_head(const http::RequestHead& head) {
  const auto is_clean = [](std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
  };
  ENSURE(!head.method.empty() && !head.target.empty(), "a request for nothing");
  ENSURE(is_clean(head.method) && is_clean(head.target), "a line break in '{}'", head.target);
  ENSURE(head.path().size() + head.query().size() <= head.target.size(), "more than there is");
  for (const auto& [name, value] : head.headers)
    ENSURE(!name.empty() && is_clean(name) && is_clean(value), "a line break in {}: '{}'", name, value);
}

// As http/server_connection does it.
class Reader {
 public:
  void feed(std::string_view block) {
    pending_ += block;
    while (!pending_.empty() && !parser_.failure() && heard_.size() < kMaxRequests) {
      const auto used = parser_.put(pending_);
      ENSURE(used <= pending_.size(), "{} bytes used of {}", used, pending_.size());
      pending_.erase(0, used);
      const bool head_came = !parser_.failure() && parser_.head_done() && !std::exchange(head_taken_, true);
      if (head_came) take_head();
      if (parser_.done() && !parser_.failure()) {
        finish_request();
      } else if (used == 0 && !head_came) {
        break;
      }
    }
    if (const auto& failure = parser_.failure())
      ENSURE(failure->status >= 400 && !failure->why.empty(), "status {}", failure->status);
  }
  const std::vector<Request>& heard() const { return heard_; }

 private:
  void take_head() {
    auto head = parser_.take_head();
    check_head(head);
    request_ = {head.method,          head.target,       "", {head.headers.begin(), head.headers.end()},
                parser_.keep_alive(), parser_.http_1_0()};
    length_ = parser_.content_length();
  }
  void finish_request() {
    request_.body = std::exchange(body_, {});
    if (length_) ENSURE(request_.body.size() == *length_, "{} bytes of {}", request_.body.size(), *length_);
    heard_.push_back(std::exchange(request_, {}));
    parser_.reset();
    head_taken_ = false;
  }

  std::vector<Request> heard_;
  Request request_;
  std::optional<std::uint64_t> length_;
  bool head_taken_ = false;
  std::string pending_, body_;
  http::RequestParser parser_{kMaxHead, [this](std::string_view block) {
                                body_ += block;
                                return true;
                              }};
};

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const std::size_t piece = 1 + input.byte();
  auto text = input.rest();
  fuzz::Reader at_once, in_pieces;
  at_once.feed(text);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) in_pieces.feed(text.substr(0, piece));
  // What is wrong may be noticed sooner when more of it is there; what is taken may not differ.
  ENSURE(at_once.heard().size() == in_pieces.heard().size(), "{} requests in one piece, {} in pieces",
         at_once.heard().size(), in_pieces.heard().size());
  ENSURE(at_once.heard() == in_pieces.heard(), "other requests in pieces");
  return 0;
}
