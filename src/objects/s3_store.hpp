// Objects in any S3: AWS, in every partition, Ceph, MinIO, or the embedded one.
//
// Checked on the way: what is put carries a CRC-32C that the server compares (and over plain HTTP to another machine a
// SHA-256 in the signature), an answer's checksum is compared with ours, what is got has the length that was promised
// and, where the server sends a checksum of the whole object with it, that checksum. See docs/object-stores.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "objects/credential_source.hpp"
#include "objects/s3_options.hpp"
#include "ports/object_store.hpp"

namespace holdfast::objects {

// Errors as ObjectStore has them; Kind::permanent for credentials, rights and certificates, with S3's code, message and
// request id. A request is tried again for the options' patience before it is Kind::try_again.
class S3Store final : public ports::ObjectStore {
 public:
  // Asks nobody yet. Kind::invalid: an option is wrong. `clock` and `random` must outlive the store.
  static Result<std::unique_ptr<S3Store>> open(S3Options options, std::unique_ptr<CredentialSource> credentials,
                                               Clock& clock, Random& random);
  ~S3Store() override;

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override;
  // Larger ones than a part go in parts, several at once; they are there when all of them are, and not before.
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override;
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override;
  // Goes on from where it was when the connection breaks. Kind::conflict: by then it is another object.
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override;
  // Only of the object with this ETag; of any other Kind::conflict, and no byte.
  Result<std::uint64_t> get_version(const std::string& bucket, const std::string& key, const std::string& version,
                                    std::uint64_t offset, std::uint64_t length, const Sink& sink);
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override;
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override;
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& bucket, const std::string& key) override;
  // A bucket that is there but not for us to list is there.
  Result<bool> bucket_exists(const std::string& bucket) override;
  Result<void> create_bucket(const std::string& bucket) override;
  Result<std::vector<ports::ObjectInfo>> buckets() override;

  // Uploads that this store itself has under way, or keeps for another try, stay.
  Result<std::size_t> abort_uploads(const std::string& bucket, const std::string& prefix,
                                    const IsDead& is_dead) override;

  // Calls that wait to try again return at once with what went wrong last; so will later ones.
  void stop_waiting();

 private:
  struct Parts;
  explicit S3Store(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace holdfast::objects
