// Which of AWS's partitions a region belongs to: each has DNS names of its own.
#pragma once

#include <string_view>

namespace holdfast::aws {

// Of "eu-west-1": "amazonaws.com". A region that nobody has told us of is taken for one of the commercial partition.
std::string_view dns_suffix_of(std::string_view region);

// 1 to 63 of a-z, 0-9 and '-': what may become part of a host's name.
bool is_region_name(std::string_view region);

}  // namespace holdfast::aws
