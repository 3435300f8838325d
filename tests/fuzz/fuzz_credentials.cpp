// A credentials file, as any of AWS's clients may have written it.
#include <fmt/format.h>

#include "aws/credentials.hpp"
#include "fuzz/input.hpp"
#include "fuzz/memory_file.hpp"

namespace holdfast::fuzz {
namespace {

void check(std::string_view text, std::string_view profile) {
  const MemoryFile file(text);
  const auto read = aws::read_credentials(file.path(), profile);
  if (!read) {
    ENSURE(read.error().kind == Kind::not_found || read.error().kind == Kind::invalid, "{}", read.error().message);
    return;
  }
  ENSURE(!read->access_key.empty() && !read->secret.empty(), "half a pair of keys");
  for (const auto* part : {&read->access_key, &read->secret, &read->session_token})
    ENSURE(part->find('\n') == std::string::npos, "a key of two lines");
  const MemoryFile plain(
      fmt::format("[default]\naws_access_key_id={}\naws_secret_access_key={}\n", read->access_key, read->secret));
  const auto again = aws::read_credentials(plain.path());
  ENSURE(again && again->access_key == read->access_key && again->secret == read->secret, "other keys");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto text = holdfast::fuzz::Input(bytes, size).rest();
  holdfast::fuzz::check(text, "default");
  holdfast::fuzz::check(text, "other");
  return 0;
}
