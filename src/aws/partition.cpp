#include "aws/partition.hpp"

namespace holdfast::aws {

std::string_view dns_suffix_of(std::string_view region) {
  struct Partition {
    std::string_view prefix, suffix;
  };
  static constexpr Partition kPartitions[] = {
      {"cn-", "amazonaws.com.cn"},   {"us-gov-", "amazonaws.com"},   {"us-iso-", "c2s.ic.gov"},
      {"us-isob-", "sc2s.sgov.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"},
      {"eusc-", "amazonaws.eu"},
  };
  for (const auto& [prefix, suffix] : kPartitions)
    if (region.starts_with(prefix)) return suffix;
  return "amazonaws.com";
}

bool is_region_name(std::string_view region) {
  if (region.empty() || region.size() > 63) return false;
  for (const char c : region)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  return true;
}

}  // namespace holdfast::aws
