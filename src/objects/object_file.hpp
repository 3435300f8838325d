// The file of an object, and what lies beside its bytes: an extended attribute, "user.holdfast": the ETag, a line
// break, the notes. It comes and goes with the file, so a rename replaces bytes and attributes in one step.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::objects {

// "s3://bucket/key", for messages.
std::string uri(const std::string& bucket, const std::string& key);

// For reading. Kind::not_found: there is none; `what` names operation and object.
Result<Fd> open_object_file(const std::filesystem::path& path, const std::string& what);

// Before the file is synced. Kind::invalid: the notes are too long. False: this file system keeps no such attributes.
Result<bool> write_attributes(int fd, const ports::NewObject& object);

// Of an open file, as it is now.
Result<ports::ObjectInfo> info_of(std::string key, int fd);

}  // namespace holdfast::objects
