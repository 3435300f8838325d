#include <doctest/doctest.h>

#include <string>

#include "aws/partition.hpp"

using namespace holdfast::aws;

TEST_CASE("every partition has its own DNS names") {
  CHECK(dns_suffix_of("us-east-1") == "amazonaws.com");
  CHECK(dns_suffix_of("eu-west-1") == "amazonaws.com");
  CHECK(dns_suffix_of("cn-north-1") == "amazonaws.com.cn");
  CHECK(dns_suffix_of("us-gov-west-1") == "amazonaws.com");
  CHECK(dns_suffix_of("us-iso-east-1") == "c2s.ic.gov");
  CHECK(dns_suffix_of("us-isob-east-1") == "sc2s.sgov.gov");
  CHECK(dns_suffix_of("us-isof-south-1") == "csp.hci.ic.gov");
  CHECK(dns_suffix_of("eu-isoe-west-1") == "cloud.adc-e.uk");
  CHECK(dns_suffix_of("eusc-de-east-1") == "amazonaws.eu");
}

TEST_CASE("what may become part of a host's name is checked") {
  CHECK(is_region_name("ap-southeast-2"));
  CHECK(is_region_name("default"));
  for (const auto* bad : {"", "evil.example.org", "US-EAST-1", "a/b", "a b"}) CHECK_FALSE(is_region_name(bad));
  CHECK_FALSE(is_region_name(std::string(64, 'a')));
}
