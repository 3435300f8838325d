#include "http/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "http/answer_parser.hpp"

namespace holdfast::http {

namespace {

constexpr std::size_t kSendPiece = 1024 * 1024;
constexpr int kMaxInterim = 10;  // "100 Continue" and such

std::string head_of(const Outgoing& request) {
  std::string head;
  head.reserve(1024);
  fmt::format_to(std::back_inserter(head), "{} {} HTTP/1.1\r\n", request.method, request.target);
  for (const auto& [name, value] : request.headers) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  return head += "\r\n";
}

// A server that refuses says so while the body is still on its way, and may never read the rest. False: not all of the
// body was sent, because an answer has come.
Result<bool> send(Stream& stream, const Outgoing& request) {
  const auto head = head_of(request);
  std::string_view unsent = head;
  if (!request.reader) {
    auto body = request.body;
    do {
      const auto piece = body.substr(0, kSendPiece);
      if (auto sent = stream.write(unsent, piece); !sent) return fail(sent.error());
      unsent = {};
      body.remove_prefix(piece.size());
    } while (!body.empty() && !stream.is_readable());
    return body.empty();
  }
  std::vector<char> piece(static_cast<std::size_t>(std::min<std::uint64_t>(kSendPiece, request.length)));
  for (std::uint64_t at = 0; at < request.length; at += piece.size()) {
    if (at > 0 && stream.is_readable()) return false;
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kSendPiece, request.length - at)));
    if (auto read = request.reader(at, piece); !read) return fail(read.error());
    if (auto sent = stream.write(unsent, {piece.data(), piece.size()}); !sent) return fail(sent.error());
    unsent = {};
  }
  if (auto sent = stream.write(unsent); !sent) return fail(sent.error());
  return true;
}

// What has come and is not used up yet.
class Incoming {
 public:
  Incoming(Stream& stream, ReceiveBuffer& buffer) : stream_(stream), buffer_(buffer) {}

  std::string_view waiting() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void use(std::size_t count) { begin_ += count; }
  // False: the end.
  Result<bool> more() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == buffer_.size()) return fail(Kind::try_again, "the answer's head is too large");
    const auto n = stream_.read(std::span{buffer_}.subspan(end_));
    if (!n) return fail(n.error());
    end_ += *n;
    return *n > 0;
  }
  // A large piece at once; for bodies of a known length. Nothing may be waiting.
  Result<std::string_view> next(std::uint64_t most) {
    begin_ = end_ = 0;
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(most, buffer_.size()));
    const auto n = stream_.read_full(std::span{buffer_}.first(room));
    if (!n) return fail(n.error());
    return std::string_view{buffer_.data(), *n};
  }

 private:
  Stream& stream_;
  ReceiveBuffer& buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

Result<AnswerHead> read_head(Incoming& incoming, bool& begun) {
  for (int interim = 0; interim < kMaxInterim; ++interim) {
    std::size_t seen = 0;
    for (;;) {
      const auto waiting = incoming.waiting();
      const auto end = waiting.find("\r\n\r\n", seen);
      if (end != std::string_view::npos) {
        auto head = parse_answer_head(waiting.substr(0, end + 4));
        incoming.use(end + 4);
        if (!head) return head;
        if (head->status >= 200) return head;
        break;
      }
      if (waiting.size() > kMaxAnswerHead) return fail(Kind::try_again, "the answer's head is too large");
      seen = waiting.size() < 3 ? 0 : waiting.size() - 3;
      const auto more = incoming.more();
      if (!more) return fail(more.error());
      if (!*more) return fail(Kind::try_again, "the server hung up without an answer");
      begun = true;
    }
  }
  return fail(Kind::try_again, "the server never comes to its answer");
}

using Sink = ChunkedBody::Sink;

tl::unexpected<Error> cut_short() { return fail(Kind::try_again, "the answer broke off in the middle"); }

Result<void> read_sized(Incoming& incoming, std::uint64_t length, const Sink& sink) {
  const auto waiting = incoming.waiting();
  const auto first = waiting.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(length, waiting.size())));
  if (!first.empty()) {
    if (auto given = sink(first); !given) return given;
    length -= first.size();
    incoming.use(first.size());
  }
  while (length > 0) {
    const auto block = incoming.next(length);
    if (!block) return fail(block.error());
    if (block->empty()) return cut_short();
    if (auto given = sink(*block); !given) return given;
    length -= block->size();
  }
  return {};
}

Result<void> read_chunked(Incoming& incoming, const Sink& sink) {
  ChunkedBody body;
  for (;;) {
    const auto taken = body.take(incoming.waiting(), sink);
    if (!taken) return fail(taken.error());
    incoming.use(*taken);
    if (body.ended()) return {};
    const auto more = incoming.more();
    if (!more) return fail(more.error());
    if (!*more) return cut_short();
  }
}

Result<void> read_to_end(Incoming& incoming, const Sink& sink) {
  for (;;) {
    if (!incoming.waiting().empty()) {
      if (auto given = sink(incoming.waiting()); !given) return given;
      incoming.use(incoming.waiting().size());
    }
    const auto more = incoming.more();
    if (!more) return fail(more.error());
    if (!*more) return {};
  }
}

}  // namespace

Result<Exchanged> exchange_over(Stream& stream, ReceiveBuffer& buffer, const Outgoing& request,
                                const Receiver* receiver, Duration stall_timeout, bool& begun) {
  const auto sent = send(stream, request);
  // Even so there may be an answer that says why.
  if (!sent && (sent.error().kind != Kind::try_again || !stream.is_readable())) return fail(sent.error());
  Incoming incoming(stream, buffer);
  if (request.answer_timeout) stream.limit_reads(*request.answer_timeout);
  auto head = read_head(incoming, begun);
  if (request.answer_timeout) stream.limit_reads(stall_timeout);
  if (!head) return fail(sent ? head.error() : sent.error());

  Exchanged result;
  result.response.status = head->status;
  result.response.headers = std::move(head->headers);
  const bool good = head->status / 100 == 2;
  const bool to_receiver = good && receiver;
  if (to_receiver && receiver->start) {
    if (auto started = receiver->start(result.response); !started) return fail(std::move(started.error()));
  }
  const auto limit = good ? request.max_answer : kMaxRefusal;
  const Sink sink = [&](std::string_view block) -> Result<void> {
    if (to_receiver) return receiver->block(block);
    if (result.response.body.size() + block.size() > limit)
      return fail(Kind::invalid, "the answer is longer than {} bytes", limit);
    result.response.body.append(block);
    return {};
  };
  const bool bodiless = request.method == "HEAD" || head->status == 204 || head->status == 304;
  if (!bodiless && !to_receiver && head->length && *head->length > limit)
    return fail(Kind::invalid, "the answer is longer than {} bytes", limit);
  const bool framed = bodiless || head->chunked || head->length.has_value();
  const auto read = bodiless        ? Result<void>{}
                    : head->chunked ? read_chunked(incoming, sink)
                    : head->length  ? read_sized(incoming, *head->length, sink)
                                    : read_to_end(incoming, sink);
  if (!read) return fail(read.error());
  // Bytes that nobody asked for, or a body of ours that was not wanted whole: what comes next would be a guess.
  result.keep = sent && *sent && framed && head->keep_alive && incoming.waiting().empty();
  return result;
}

}  // namespace holdfast::http
