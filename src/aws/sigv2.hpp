// AWS Signature Version 2, of S3's presigned URLs only: boto3 and awscli make these unless they are told to use version
// 4, and s3cmd makes no others.
#pragma once

#include "aws/sigv4.hpp"

namespace holdfast::aws {

// The query names a key and a signature, and no header does.
bool is_presigned_by_version_2(const SignedRequest& request);

// Version 2 covers the method, the path, a few headers, and those parts of the query that name a part of the object or
// change the answer. A URL with anything else in its query is refused: whoever holds it could have put that there.
AuthResult<Identity> verify_version_2(const SignedRequest& request, Instant now, const SecretLookup& lookup);

}  // namespace holdfast::aws
