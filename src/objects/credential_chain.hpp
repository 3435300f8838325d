// Where credentials for S3 come from when nobody says so, in the order of AWS's own clients.
#pragma once

#include <memory>
#include <string>

#include "objects/credential_source.hpp"
#include "objects/s3_options.hpp"

namespace holdfast::objects {

// One look through all places. Kind::not_found: there are none, with what was found missing at each; any other error is
// that of the first place that should have had some.
Result<TimedCredentials> find_credentials(const S3CredentialOptions& options, const Environment& environment,
                                          std::string_view region);

// The same for a store: looked for when first needed, kept, and fetched anew before they are over. `clock` must
// outlive it.
std::unique_ptr<CredentialSource> credential_chain(S3CredentialOptions options, Environment environment,
                                                   std::string region, Clock& clock);
// Always the same ones.
std::unique_ptr<CredentialSource> fixed_credentials(aws::Credentials keys, Clock& clock);

// AWS_REGION, else AWS_DEFAULT_REGION, else empty.
std::string region_of(const Environment& environment);

}  // namespace holdfast::objects
