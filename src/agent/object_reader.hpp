// One object, block by block, to somebody who may take long or lose interest.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

// Tries in a row that bring nothing.
constexpr int kReadAttempts = 8;

class ObjectReader {
 public:
  // Each byte once and in order, however often the store has to be asked; false: no more is wanted.
  using Sink = std::function<bool(std::string_view)>;
  // Waits before another try; false: do not try again.
  using Pause = std::function<bool(int tries)>;

  ObjectReader(ports::ObjectStore& store, Pause pause) : store_(store), pause_(std::move(pause)) {}

  // The number of bytes.
  Result<std::uint64_t> size(const ports::S3Location& object);
  // False: the sink ended it. Kind::conflict: between two tries the object was replaced by another.
  Result<bool> read(const ports::S3Location& object, const Sink& sink);

 private:
  class Reading;

  ports::ObjectStore& store_;
  Pause pause_;
};

}  // namespace holdfast::agent
