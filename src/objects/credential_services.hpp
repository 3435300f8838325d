// Credentials that a service beside the program hands out: of a container, of an EC2 instance, for a web identity.
#pragma once

#include <string>
#include <string_view>

#include "objects/credential_source.hpp"
#include "objects/s3_options.hpp"

namespace holdfast::objects {

// Each: Kind::not_found where the environment does not speak of such a service; Kind::try_again where it does and the
// service is away. Messages never hold a token or a secret.

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE. A full
// URI must be https, or name this machine or one of the two addresses where containers have it.
Result<TimedCredentials> container_credentials(const Environment& environment);
// The role of the EC2 instance that we run on, by version 2 of its metadata service. AWS_EC2_METADATA_DISABLED,
// AWS_EC2_METADATA_SERVICE_ENDPOINT. Kind::not_found too where nobody answers and nothing else says that this is such
// an instance.
Result<TimedCredentials> instance_credentials(const Environment& environment);
// AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, of STS in `region` or at AWS_ENDPOINT_URL_STS.
Result<TimedCredentials> web_identity_credentials(const Environment& environment, std::string_view region);

// {"AccessKeyId": ..., "SecretAccessKey": ..., "Token": ..., "Expiration": ...}, as the first two services answer.
Result<TimedCredentials> parse_credentials_json(std::string_view text);
// STS's AssumeRoleWithWebIdentityResponse.
Result<TimedCredentials> parse_credentials_xml(std::string_view text);
// By the firmware's words, /sys/class/dmi/id/sys_vendor.
bool is_ec2_vendor(std::string_view sys_vendor);
// Whether a container's credentials may be asked for at this URL.
bool may_hand_out_credentials(std::string_view url);

}  // namespace holdfast::objects
