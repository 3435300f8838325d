// TLS over a connected socket, by OpenSSL: certificates are always verified, against the system's authorities or a
// file.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/origin.hpp"

namespace holdfast::http {

// What all sessions share; thread-safe.
class TlsContext {
 public:
  // Kind::invalid: the file has no certificates.
  static Result<std::shared_ptr<TlsContext>> open(const std::string& ca_file);
  ~TlsContext();

 private:
  friend class TlsSession;
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The socket's own time limits hold. Errors as Stream has them.
class TlsSession {
 public:
  // Kind::permanent: the certificate is not the host's, or of nobody whom we know.
  static Result<std::unique_ptr<TlsSession>> start(const std::shared_ptr<TlsContext>& context, int fd,
                                                   const Origin& origin);
  ~TlsSession();

  Result<std::size_t> read(std::span<char> into);
  Result<void> write(std::string_view bytes);
  // Whether read() would return at once: with bytes, the end or an error.
  bool has_answer();

 private:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::http
