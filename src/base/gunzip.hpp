// Decompresses gzip as it comes in, in bounded memory. Files one behind the other count as one, as for gunzip.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct z_stream_s;

namespace holdfast {

class Gunzip {
 public:
  // Given the bytes in order; false: no more are wanted.
  using Sink = std::function<bool(std::string_view)>;

  Gunzip();
  ~Gunzip();
  // False: the sink wants no more. Kind::invalid: this is no gzip, or damaged.
  Result<bool> feed(std::string_view compressed, const Sink& sink);
  // Kind::invalid: it ended in the middle.
  Result<void> end() const;

 private:
  std::unique_ptr<z_stream_s> stream_;
  std::string block_;
  bool between_ = true;  // at the end of a file, or before the first
  bool any_ = false;
};

}  // namespace holdfast
