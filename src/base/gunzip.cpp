#include "base/gunzip.hpp"

#include <zlib.h>

#include <utility>

#include "base/ensure.hpp"

namespace holdfast {
namespace {

constexpr std::size_t kBlock = 1U << 18;
constexpr int kGzipOnly = 16 + MAX_WBITS;

}  // namespace

Gunzip::Gunzip() : stream_(std::make_unique<z_stream>()), block_(kBlock, '\0') {
  ENSURE(::inflateInit2(stream_.get(), kGzipOnly) == Z_OK, "no memory to decompress with");
}

Gunzip::~Gunzip() { ::inflateEnd(stream_.get()); }

Result<bool> Gunzip::feed(std::string_view compressed, const Sink& sink) {
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream_->avail_in = static_cast<uInt>(compressed.size());
  for (bool more = true; stream_->avail_in > 0 || more;) {
    if (stream_->avail_in > 0 && std::exchange(between_, false) && any_) ::inflateReset(stream_.get());
    if (between_) return true;
    any_ = true;
    stream_->next_out = reinterpret_cast<Bytef*>(block_.data());
    stream_->avail_out = static_cast<uInt>(block_.size());
    const int status = ::inflate(stream_.get(), Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      return fail(Kind::invalid, "it is no gzip, or damaged");
    }
    const auto made = block_.size() - stream_->avail_out;
    if (made > 0 && !sink({block_.data(), made})) return false;
    between_ = status == Z_STREAM_END;
    more = stream_->avail_out == 0;  // it may hold back what did not fit
  }
  return true;
}

Result<void> Gunzip::end() const {
  if (!any_ || !between_) return fail(Kind::invalid, "it is no whole gzip file");
  return {};
}

}  // namespace holdfast
