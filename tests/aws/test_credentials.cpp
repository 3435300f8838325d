#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "aws/credentials.hpp"
#include "base/file.hpp"

using namespace holdfast;
using namespace holdfast::aws;

namespace {

struct TemporaryDirectory {
  TemporaryDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "holdfast-aws-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("made credentials have the form of AWS's, differ from each other, and come back from their file") {
  TemporaryDirectory directory;
  SystemRandom random;
  const auto made = make_credentials(random);
  CHECK(made.access_key.size() == 20);
  CHECK(made.access_key.starts_with("HFAK"));
  CHECK(made.secret.size() == 40);
  CHECK(make_credentials(random).secret != made.secret);

  const auto file = directory.path / "credentials";
  REQUIRE(write_credentials(file, made));
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const auto read = read_credentials(file);
  REQUIRE(read);
  CHECK(read->access_key == made.access_key);
  CHECK(read->secret == made.secret);
  CHECK(read->session_token.empty());
}

TEST_CASE("a profile is found by its name, among comments, spaces and others") {
  TemporaryDirectory directory;
  const auto file = directory.path / "credentials";
  REQUIRE(write_file_atomically(file,
                                "# made by hand\r\n"
                                "[default]\r\n"
                                "AWS_ACCESS_KEY_ID=AKIA1\r\n"
                                "  aws_secret_access_key =  a/b+c=  \r\n"
                                "; aws_secret_access_key = old\r\n"
                                "\r\n"
                                "[ work ]\n"
                                "aws_access_key_id: AKIA2\n"
                                "aws_secret_access_key: s2\n"
                                "aws_session_token = t2\n"
                                "region = eu-west-1\n"
                                "[half]\n"
                                "aws_access_key_id = AKIA3"));
  const auto first = read_credentials(file);
  REQUIRE(first);
  CHECK(first->access_key == "AKIA1");
  CHECK(first->secret == "a/b+c=");
  const auto work = read_credentials(file, "work");
  REQUIRE(work);
  CHECK(work->access_key == "AKIA2");
  CHECK(work->secret == "s2");
  CHECK(work->session_token == "t2");

  const auto half = read_credentials(file, "half");
  REQUIRE_FALSE(half);
  CHECK(half.error().kind == Kind::invalid);
  CHECK(half.error().message.find("aws_secret_access_key") != std::string::npos);
  const auto none = read_credentials(file, "none");
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == Kind::not_found);
  CHECK(read_credentials(directory.path / "absent").error().kind == Kind::not_found);
}
