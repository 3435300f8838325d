#include "base/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace holdfast {

void ensure_failed(const char* condition, const char* file, int line, const std::string& why) {
  std::fprintf(stderr, "holdfast: bug: %s (%s) at %s:%d\n", why.c_str(), condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace holdfast
