#include "agent/object_reader.hpp"

#include <algorithm>

#include "checkpoint/hash.hpp"

namespace holdfast::agent {

// What came in an earlier try is passed over in the next, but must be the same.
class ObjectReader::Reading {
 public:
  explicit Reading(const Sink& sink) : sink_(sink) {}

  void begin() {
    position_ = 0;
    again_ = checkpoint::Hasher();
  }
  void take(std::string_view block) {
    if (over()) return;
    if (position_ < taken_) {
      const auto known =
          block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), taken_ - position_)));
      again_.add(known);
      position_ += known.size();
      block.remove_prefix(known.size());
      differs_ = position_ == taken_ && again_.digest() != before_.digest();
    }
    if (block.empty() || differs_) return;
    before_.add(block);
    position_ = taken_ += block.size();
    unwanted_ = !sink_(block);
  }
  bool over() const { return unwanted_ || differs_; }
  bool unwanted() const { return unwanted_; }
  // Asked at the end.
  bool differs() const { return differs_ || position_ < taken_; }
  std::uint64_t taken() const { return taken_; }

 private:
  const Sink& sink_;
  std::uint64_t taken_ = 0;  // by the sink
  std::uint64_t position_ = 0;
  checkpoint::Hasher before_, again_;
  bool unwanted_ = false, differs_ = false;
};

namespace {

template <class Taker>
Result<void> read_once(ports::ObjectStore& store, const ports::S3Location& object, Taker& reading) {
  reading.begin();
  const auto got =
      store.get(object.bucket, object.key, 0, ports::kToTheEnd, [&](std::string_view block) -> Result<void> {
        reading.take(block);
        if (reading.over()) return fail(Kind::permanent, "no more is wanted");
        return {};
      });
  if (!got && !reading.over()) return fail(got.error());
  return {};
}

}  // namespace

Result<std::uint64_t> ObjectReader::size(const ports::S3Location& object) {
  for (int tries = 1;; ++tries) {
    const auto info = store_.head(object.bucket, object.key);
    if (info) return info->size;
    if (info.error().kind != Kind::try_again || tries == kReadAttempts || !pause_(tries)) return fail(info.error());
  }
}

Result<bool> ObjectReader::read(const ports::S3Location& object, const Sink& sink) {
  Reading reading(sink);
  for (int tries = 1;; ++tries) {
    const auto taken = reading.taken();
    const auto done = read_once(store_, object, reading);
    if (reading.unwanted()) return false;
    if (reading.over() || (done && reading.differs())) {
      return fail(Kind::conflict, "s3://{}/{}: it was replaced while it was read", object.bucket, object.key);
    }
    if (done) return true;
    if (reading.taken() > taken) tries = 1;
    if (done.error().kind != Kind::try_again || tries == kReadAttempts || !pause_(tries)) return fail(done.error());
  }
}

}  // namespace holdfast::agent
