#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/ensure.hpp"
#include "base/file.hpp"

namespace holdfast::http {

namespace {

std::string reason() {
  char text[256] = "no reason given";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

// OpenSSL's own socket writes raise SIGPIPE when the server hangs up, so ours stand in for them.
struct Socket {
  int fd = -1;
  bool waits = true;  // for bytes, as long as the socket's own limit allows
};

Socket& socket_of(BIO* bio) { return *static_cast<Socket*>(BIO_get_data(bio)); }
bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

int put(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  ssize_t n = 0;
  do n = ::send(socket_of(bio).fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0 && would_wait()) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int get(BIO* bio, char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const auto& socket = socket_of(bio);
  ssize_t n = 0;
  do n = ::recv(socket.fd, bytes, static_cast<std::size_t>(count), socket.waits ? 0 : MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0 && would_wait()) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* socket_method() {
  static BIO_METHOD* const kMethod = [] {
    auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    ENSURE(method, "out of memory");
    BIO_meth_set_write(method, &put);
    BIO_meth_set_read(method, &get);
    BIO_meth_set_ctrl(method, &control);
    return method;
  }();
  return kMethod;
}

}  // namespace

struct TlsContext::Impl {
  SSL_CTX* context = nullptr;
  ~Impl() { SSL_CTX_free(context); }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::open(const std::string& ca_file) {
  auto impl = std::make_unique<Impl>();
  impl->context = SSL_CTX_new(TLS_client_method());
  ENSURE(impl->context, "OpenSSL has no memory");
  SSL_CTX_set_min_proto_version(impl->context, TLS1_2_VERSION);
  SSL_CTX_set_verify(impl->context, SSL_VERIFY_PEER, nullptr);
  const bool loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(impl->context) == 1
                                      : SSL_CTX_load_verify_locations(impl->context, ca_file.c_str(), nullptr) == 1;
  if (!loaded)
    return fail(Kind::invalid, "reading the certificates of {}: {}", ca_file.empty() ? "the system" : ca_file,
                reason());
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

struct TlsSession::Impl {
  std::shared_ptr<TlsContext> context;
  SSL* ssl = nullptr;
  std::string host;
  Socket socket = {};
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (ssl && SSL_is_init_finished(ssl)) SSL_shutdown(ssl);  // our side of the goodbye; nobody waits for theirs
    SSL_free(ssl);
    ERR_clear_error();
  }

  tl::unexpected<Error> failure(int result, const char* doing) const {
    const int error = SSL_get_error(ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
      return fail(Kind::try_again, "{} {}: nothing moved for too long", doing, host);
    if (error == SSL_ERROR_SYSCALL) return fail(Kind::try_again, "{} {}: the connection broke", doing, host);
    return fail(Kind::try_again, "{} {}: {}", doing, host, reason());
  }
};

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::start(const std::shared_ptr<TlsContext>& context, int fd,
                                                      const Origin& origin) {
  auto impl = std::make_unique<Impl>();
  impl->context = context;
  impl->host = origin.authority();
  impl->ssl = SSL_new(context->impl_->context);
  auto* bio = BIO_new(socket_method());
  ENSURE(impl->ssl && bio, "OpenSSL has no memory");
  impl->socket.fd = fd;
  BIO_set_data(bio, &impl->socket);
  BIO_set_init(bio, 1);
  SSL_set_bio(impl->ssl, bio, bio);
  auto* rules = SSL_get0_param(impl->ssl);
  if (origin.is_address()) {
    ENSURE(X509_VERIFY_PARAM_set1_ip_asc(rules, origin.host.c_str()) == 1, "{} is no address", origin.host);
  } else {
    ENSURE(SSL_set1_host(impl->ssl, origin.host.c_str()) == 1 &&
               SSL_set_tlsext_host_name(impl->ssl, origin.host.c_str()) == 1,
           "{} is no host", origin.host);
  }
  ERR_clear_error();
  if (const int result = SSL_connect(impl->ssl); result != 1) {
    if (const auto verified = SSL_get_verify_result(impl->ssl); verified != X509_V_OK) {
      ERR_clear_error();
      return fail(Kind::permanent,
                  "the certificate of {} is not trusted: {}; if it is your own, name its authority's file", impl->host,
                  X509_verify_cert_error_string(verified));
    }
    return impl->failure(result, "beginning TLS with");
  }
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(impl)));
}

Result<std::size_t> TlsSession::read(std::span<char> into) {
  std::size_t count = 0;
  if (const int result = SSL_read_ex(impl_->ssl, into.data(), into.size(), &count); result != 1) {
    if (SSL_get_error(impl_->ssl, result) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
    return impl_->failure(result, "reading from");
  }
  return count;
}

Result<void> TlsSession::write(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t count = 0;
    if (const int result = SSL_write_ex(impl_->ssl, bytes.data(), bytes.size(), &count); result != 1)
      return impl_->failure(result, "writing to");
    bytes.remove_prefix(count);
  }
  return {};
}

// Readable bytes need not be an answer: a server sends tickets for later sessions whenever it likes.
bool TlsSession::has_answer() {
  char byte = 0;
  std::size_t count = 0;
  impl_->socket.waits = false;
  const int result = SSL_peek_ex(impl_->ssl, &byte, 1, &count);
  const int error = SSL_get_error(impl_->ssl, result);
  impl_->socket.waits = true;
  ERR_clear_error();
  return result == 1 || (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE);
}

}  // namespace holdfast::http
