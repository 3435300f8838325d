#include "http/connections.hpp"

#include <algorithm>

#include "base/ensure.hpp"
#include "http/exchange.hpp"

namespace holdfast::http {

struct Connections::Kept {
  Origin origin;
  std::unique_ptr<Stream> stream;  // null: not connected yet
  ReceiveBuffer buffer;
};

// Gives the place back, whatever happens.
class Connections::Loan {
 public:
  Loan(Connections& owner, std::unique_ptr<Kept> connection) : owner_(owner), connection_(std::move(connection)) {}
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() { owner_.give_back(std::move(connection_), usable); }
  Kept& operator*() const { return *connection_; }
  Kept* operator->() const { return connection_.get(); }
  bool usable = false;

 private:
  Connections& owner_;
  std::unique_ptr<Kept> connection_;
};

Connections::Connections(StreamOptions options, std::size_t limit) : options_(std::move(options)), limit_(limit) {
  ENSURE(limit > 0, "no connection at all");
}

Connections::~Connections() = default;

std::unique_ptr<Connections::Kept> Connections::borrow(const Origin& origin) {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [&] { return lent_ < limit_; });
  ++lent_;
  const auto same = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& one) { return one->origin == origin; });
  if (same != idle_.rend()) {
    auto connection = std::move(*same);
    idle_.erase(std::next(same).base());
    return connection;
  }
  // Idle ones to other places make room.
  while (!idle_.empty() && idle_.size() + lent_ > limit_) idle_.erase(idle_.begin());
  auto connection = std::make_unique<Kept>();
  connection->origin = origin;
  connection->buffer.resize(kReceiveBlock);
  return connection;
}

void Connections::give_back(std::unique_ptr<Kept> connection, bool usable) {
  const std::lock_guard lock(mutex_);
  --lent_;
  if (usable) idle_.push_back(std::move(connection));
  freed_.notify_one();
}

Result<Response> Connections::exchange(const Origin& origin, const Outgoing& request, const Receiver* receiver) {
  Loan loan(*this, borrow(origin));
  // Readable between two exchanges: the server said goodbye, or something that we did not ask for.
  if (loan->stream && loan->stream->is_readable()) loan->stream.reset();
  for (;;) {
    const bool kept = loan->stream != nullptr;
    if (!kept) {
      auto stream = Stream::connect(origin, options_, turn_++);
      if (!stream) return fail(std::move(stream.error()));
      loan->stream = std::move(*stream);
    }
    bool begun = false;
    auto done = exchange_over(*loan->stream, loan->buffer, request, receiver, options_.stall_timeout, begun);
    if (done) {
      loan.usable = done->keep;
      return std::move(done->response);
    }
    loan->stream.reset();
    if (!kept || begun || done.error().kind != Kind::try_again) return fail(std::move(done.error()));
  }
}

}  // namespace holdfast::http
