// --rewrite records anew what tests compare with recordings (tests/scripts, docs/job-states.md): read it in the diff.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--rewrite") ::setenv("HOLDFAST_REWRITE", "1", 1);
  }
  return doctest::Context(argc, argv).run();
}
