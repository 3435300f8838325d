#include "http/server_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

#include "base/ensure.hpp"

namespace holdfast::http {

namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using Text = boost::beast::string_view;

std::string_view view(Text text) { return {text.data(), text.size()}; }

// A chunk's header line and the trailers, which the parser wants in one piece, may not take more than this.
constexpr std::size_t kMaxChunkLine = 16 * 1024;

constexpr std::string_view kLength = "Content-Length";

// "0", CR LF, CR LF: no chunked body ends with less. Beast asserts (it stops the process) when a last chunk that no
// other one precedes comes to it in smaller pieces.
constexpr std::size_t kShortestChunk = 5;

// Beast's grammar, our containers.
class Grammar final : public beast_http::basic_parser<true> {
 public:
  Grammar(std::size_t max_head, const RequestParser::OnBody& on_body) : on_body_(on_body) {
    header_limit(static_cast<std::uint32_t>(max_head));
    body_limit(std::numeric_limits<std::uint64_t>::max());  // the plan decides, once the head is known
    eager(false);
  }

  RequestHead head;
  bool http_1_0 = false;
  bool unknown_coding = false;

 private:
  void on_request_impl(beast_http::verb, Text method, Text target, int version, error_code&) override {
    http_1_0 = version == 10;
    head.method = view(method);
    head.target = view(target);
  }
  void on_response_impl(int, Text, int, error_code&) override {}
  void on_field_impl(beast_http::field, Text name, Text value, error_code&) override {
    // What comes in a trailer came after the head was judged.
    if (is_header_done()) return;
    // The same length said twice counts once, as rclone signs it; Beast refuses two that differ (RFC 9110 8.6).
    const auto* length = equals_ignoring_case(view(name), kLength) ? head.headers.find(kLength) : nullptr;
    if (length && *length == view(value)) return;
    head.headers.add(std::string{view(name)}, std::string{view(value)});
  }
  void on_header_impl(error_code& error) override {
    // A body in a coding that we do not know has no end that we would know.
    unknown_coding = !chunked() && head.headers.find("Transfer-Encoding") != nullptr;
    if (unknown_coding) error = beast_http::error::bad_transfer_encoding;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text block, error_code& error) override { return take(block, error); }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text block, error_code& error) override { return take(block, error); }
  void on_finish_impl(error_code&) override {}

  std::size_t take(Text block, error_code& error) {
    if (!on_body_(view(block))) error = make_error_code(boost::system::errc::operation_canceled);
    return block.size();
  }

  const RequestParser::OnBody& on_body_;
};

ParseFailure explain(const error_code& error, bool unknown_coding) {
  if (error == beast_http::error::header_limit) return {431, "The request's headers are too long."};
  if (unknown_coding) return {501, "Transfer codings other than chunked are not understood."};
  return {400, "This is not an HTTP/1.1 request: " + error.message() + "."};
}

}  // namespace

class RequestParser::Impl {
 public:
  Impl(std::size_t max_head, OnBody on_body) : max_head_(max_head), on_body_(std::move(on_body)) { reset(); }

  void reset() {
    failure.reset();
    grammar.emplace(max_head_, on_body_);
  }

  std::size_t put(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && !failure && !grammar->is_done()) {
      const bool had_head = grammar->is_header_done();
      const auto rest = bytes.substr(used);
      if (had_head && grammar->chunked() && rest.size() < kShortestChunk) break;
      error_code error;
      used += grammar->put(boost::asio::const_buffer{rest.data(), rest.size()}, error);
      if (error == beast_http::error::need_more) {
        if (had_head && bytes.size() - used > kMaxChunkLine) failure = {400, "A chunk's header is too long."};
        break;
      }
      if (error) failure = explain(error, grammar->unknown_coding);
      if (!had_head && grammar->is_header_done()) {
        grammar->eager(true);
        break;
      }
    }
    return used;
  }

  std::optional<Grammar> grammar;
  std::optional<ParseFailure> failure;

 private:
  std::size_t max_head_;
  OnBody on_body_;
};

RequestParser::RequestParser(std::size_t max_head, OnBody on_body)
    : impl_(std::make_unique<Impl>(max_head, std::move(on_body))) {}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::put(std::string_view bytes) { return impl_->put(bytes); }
void RequestParser::reset() { impl_->reset(); }
const std::optional<ParseFailure>& RequestParser::failure() const { return impl_->failure; }
bool RequestParser::head_done() const { return impl_->grammar->is_header_done(); }
bool RequestParser::done() const { return impl_->grammar->is_done(); }

RequestHead RequestParser::take_head() {
  ENSURE(head_done(), "the head has not been read yet");
  return std::move(impl_->grammar->head);
}

bool RequestParser::keep_alive() const { return head_done() && impl_->grammar->keep_alive(); }
bool RequestParser::http_1_0() const { return impl_->grammar->http_1_0; }

std::optional<std::uint64_t> RequestParser::content_length() const {
  const auto length = impl_->grammar->content_length();
  return length ? std::optional<std::uint64_t>{*length} : std::nullopt;
}

}  // namespace holdfast::http
