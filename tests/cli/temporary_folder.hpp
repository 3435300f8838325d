#pragma once

#include <doctest/doctest.h>

#include <string_view>

#include "base/file.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::test {

class TemporaryFolder : public testing::TempDir {
 public:
  void write(const std::filesystem::path& name, std::string_view bytes) {
    REQUIRE(make_directories((path() / name).parent_path()).has_value());
    REQUIRE(write_file_atomically(path() / name, bytes).has_value());
  }
};

}  // namespace holdfast::test
