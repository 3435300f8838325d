#include <doctest/doctest.h>

#include "aws/canonical.hpp"
#include "aws/chunk_signatures.hpp"

using namespace holdfast::aws;

// The example of AWS's guide to signed chunks: 66,560 times the letter a, in a chunk of 64 KiB and the rest.
TEST_CASE("chunks are signed as in AWS's own example") {
  const Scope scope{"AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3"};
  const auto key = derive_signing_key(scope, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  ChunkSignatures chunks(key, "20130524T000000Z", credential_scope(scope),
                         "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  CHECK(chunks.of_chunk(sha256_hex(std::string(65536, 'a'))) ==
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  CHECK(chunks.of_chunk(sha256_hex(std::string(1024, 'a'))) ==
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  CHECK(chunks.of_chunk(sha256_hex("")) == "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}
