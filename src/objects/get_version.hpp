// Reading one version of an object, whatever is put under its key meanwhile: for whoever comes back for more of it.
#pragma once

#include <string>

#include "ports/object_store.hpp"

namespace holdfast::objects {

// As ObjectStore::get(), but only of the object with this ETag, as the store's list() gave it. Kind::conflict: another
// one is there now, and no byte reached the sink. Kind::permanent: a store that cannot tell.
Result<std::uint64_t> get_version(ports::ObjectStore& store, const std::string& bucket, const std::string& key,
                                  const std::string& version, std::uint64_t offset, std::uint64_t length,
                                  const ports::ObjectStore::Sink& sink);

}  // namespace holdfast::objects
