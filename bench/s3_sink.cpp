// A stand-in for a very fast S3, so that what is measured is the client: any signature is good, a body is thrown away
// without being looked at, and what is got comes from memory by sendfile. One thread for each connection. Not a store:
// no durability, no checks, no more of the protocol than awscli, boto3, rclone, s3cmd and we speak.
// Usage: s3_sink [--keep DIR]     prints the port it listens on, on loopback; ends with its standard input
// "GET /?received" says how many bytes of bodies came so far.
//   --keep DIR   bodies are kept in files there (on a RAM disk, say) and can be got; without it only what lies below a
//                key with "/ledger/" in it, which a client reads back while it writes
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/file.hpp"
#include "s3_sink_request.hpp"
#include "s3_sink_shelf.hpp"

using namespace holdfast;
using namespace holdfast::bench;

namespace {

constexpr std::size_t kMaxHead = 64u << 10;
constexpr std::size_t kMaxKeptInMemory = 64u << 10;  // of one object; larger ones are files
constexpr std::size_t kMaxXml = 4u << 20;
constexpr std::size_t kBlock = 1u << 20;
constexpr const char* kXml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

class Connection {
 public:
  Connection(Fd socket, Shelf& shelf) : socket_(std::move(socket)), shelf_(shelf) {}

  void serve() {
    while (read_head()) {
      if (!answer()) return;
    }
  }

 private:
  bool read_head() {
    for (;;) {
      const auto end = in_.find("\r\n\r\n");
      if (end != std::string::npos) {
        request_ = parse_request(in_.substr(0, end + 2));
        in_.erase(0, end + 4);
        left_ = request_.length;
        if (request_.header("expect") == "100-continue") send_all("HTTP/1.1 100 Continue\r\n\r\n");
        return true;
      }
      if (in_.size() > kMaxHead || !more()) return false;
    }
  }

  bool more() {
    char block[16384];
    const auto n = ::recv(socket_.get(), block, sizeof block, 0);
    if (n <= 0) return false;
    in_.append(block, static_cast<std::size_t>(n));
    return true;
  }

  // The rest of the body, into memory.
  bool read_body(std::string& body) {
    while (in_.size() < left_) {
      if (!more()) return false;
    }
    body = in_.substr(0, left_);
    in_.erase(0, left_);
    left_ = 0;
    return true;
  }

  bool drop_body() {
    const auto buffered = std::min<std::uint64_t>(in_.size(), left_);
    in_.erase(0, buffered);
    left_ -= buffered;
    while (left_ > 0) {
      // Of a TCP socket: bytes are taken away and copied nowhere.
      const auto n = ::recv(socket_.get(), nullptr, std::min<std::uint64_t>(left_, 64 * kBlock), MSG_TRUNC);
      if (n <= 0) return false;
      left_ -= static_cast<std::uint64_t>(n);
      shelf_.received += static_cast<std::uint64_t>(n);
    }
    return true;
  }

  // What a PUT brings, as the shelf keeps it.
  bool take_body(Bytes& bytes) {
    bytes.size = left_;
    if (!shelf_.keeps(request_.key)) return drop_body();
    if (left_ <= kMaxKeptInMemory || !shelf_.has_folder()) {
      if (left_ > 64 * kBlock) return false;
      return read_body(bytes.memory);
    }
    bytes.file = shelf_.new_file();
    const Fd file(::open(bytes.file->path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return false;
    const auto buffered = std::min<std::uint64_t>(in_.size(), left_);
    if (!write_all(file.get(), std::string_view(in_).substr(0, buffered), "keeping a body")) return false;
    in_.erase(0, buffered);
    left_ -= buffered;
    std::string block(kBlock, '\0');
    while (left_ > 0) {
      const auto n = ::recv(socket_.get(), block.data(), std::min<std::uint64_t>(left_, block.size()), 0);
      if (n <= 0 || !write_all(file.get(), std::string_view(block.data(), static_cast<std::size_t>(n)), "keeping"))
        return false;
      left_ -= static_cast<std::uint64_t>(n);
      shelf_.received += static_cast<std::uint64_t>(n);
    }
    return true;
  }

  bool answer() {
    const auto& method = request_.method;
    if (method == "PUT" && !request_.key.empty()) return put();
    if (method == "POST") return post();
    if (!drop_body()) return false;
    if (method == "PUT") return reply(200, "");
    if (method == "DELETE") return remove();
    if (!request_.key.empty() && !request_.query.contains("uploadId")) return get();
    if (method == "HEAD") return reply(200, "");
    if (request_.query.contains("received")) return reply(200, std::to_string(shelf_.received));
    if (request_.bucket.empty()) return reply(200, kXml + shelf_.buckets());
    if (request_.query.contains("uploadId")) return reply(200, kXml + shelf_.parts(request_.query.at("uploadId")));
    if (request_.query.contains("uploads")) return reply(200, std::string(kXml) + "<ListMultipartUploadsResult/>");
    if (request_.query.contains("location")) return reply(200, std::string(kXml) + "<LocationConstraint/>");
    if (request_.query.contains("versioning")) return reply(200, std::string(kXml) + "<VersioningConfiguration/>");
    return reply(200, kXml + shelf_.list(request_));
  }

  bool put() {
    if (const auto source = request_.header("x-amz-copy-source"); !source.empty()) {
      if (!drop_body()) return false;
      const auto copied = shelf_.copy(source, request_);
      if (copied.empty()) return no_such_key();
      return reply(200, fmt::format("{}<CopyObjectResult><ETag>&quot;{}&quot;</ETag><LastModified>{}</LastModified>"
                                    "</CopyObjectResult>",
                                    kXml, copied, iso_time(std::time(nullptr))));
    }
    Bytes bytes;
    if (!take_body(bytes)) return false;
    const auto etag = shelf_.put(request_, std::move(bytes));
    std::string extra = "ETag: \"" + etag + "\"\r\n";
    if (const auto sum = request_.header("x-amz-checksum-crc32c"); !sum.empty())
      extra += "x-amz-checksum-crc32c: " + sum + "\r\n";
    return reply(200, "", extra);
  }

  bool post() {
    std::string body;
    if (left_ > kMaxXml || !read_body(body)) return false;
    if (request_.query.contains("delete")) {
      shelf_.remove_all(request_.bucket, body);
      return reply(200, std::string(kXml) + "<DeleteResult/>");
    }
    if (request_.query.contains("uploads")) {
      return reply(200, fmt::format("{}<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><UploadId>{}"
                                    "</UploadId></InitiateMultipartUploadResult>",
                                    kXml, request_.bucket, xml_text(request_.key), shelf_.begin_upload(request_)));
    }
    const auto upload = request_.query.find("uploadId");
    if (upload == request_.query.end()) return reply(400, "");
    const auto etag = shelf_.complete(upload->second, request_);
    if (etag.empty()) return reply(404, std::string(kXml) + "<Error><Code>NoSuchUpload</Code></Error>");
    return reply(200, fmt::format("{}<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><ETag>&quot;{}"
                                  "&quot;</ETag></CompleteMultipartUploadResult>",
                                  kXml, request_.bucket, xml_text(request_.key), etag));
  }

  bool remove() {
    if (const auto upload = request_.query.find("uploadId"); upload != request_.query.end()) {
      shelf_.forget_upload(upload->second);
    } else if (!request_.key.empty()) {
      shelf_.remove(request_.bucket, request_.key);
    }
    return reply(204, "");
  }

  bool get() {
    const auto object = shelf_.find(request_.bucket, request_.key);
    if (!object) return no_such_key();
    const auto range = parse_range(request_.header("range"), object->size);
    if (!range) return reply(416, "");
    std::string head = fmt::format("ETag: \"{}\"\r\nLast-Modified: {}\r\nAccept-Ranges: bytes\r\n{}", object->etag,
                                   http_time(object->modified), object->notes);
    if (range->asked)
      head += fmt::format("Content-Range: bytes {}-{}/{}\r\n", range->begin, range->end - 1, object->size);
    else if (!object->checksum.empty() && request_.header("x-amz-checksum-mode") == "ENABLED")
      head += "x-amz-checksum-crc32c: " + object->checksum + "\r\n";
    head = fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n{}\r\n", range->asked ? "206 Partial Content" : "200 OK",
                       range->end - range->begin, head);
    if (request_.method == "HEAD") return send_all(head);
    return send_object(*object, *range, std::move(head));
  }

  bool send_object(const Object& object, const Range& range, std::string head) {
    std::uint64_t at = 0;  // where the next piece begins in the object
    for (const auto& piece : object.pieces) {
      const auto begin = std::max(range.begin, at), end = std::min(range.end, at + piece.size);
      if (begin < end && !piece.file) {
        if (piece.memory.empty()) {
          if (!send_all(head, MSG_MORE) || !send_zeros(end - begin)) return false;
          head.clear();
        } else {
          head.append(piece.memory, begin - at, end - begin);
        }
      } else if (begin < end) {
        if (!send_all(head, MSG_MORE)) return false;
        head.clear();
        if (!send_file(piece.file->path, begin - at, end - begin)) return false;
      }
      at += piece.size;
    }
    return head.empty() || send_all(head);
  }

  // A body that was not kept.
  bool send_zeros(std::uint64_t length) {
    static const std::string zeros(kBlock, '\0');
    for (std::uint64_t sent = 0; sent < length; sent += kBlock) {
      if (!send_all(std::string_view(zeros).substr(0, std::min<std::uint64_t>(kBlock, length - sent)))) return false;
    }
    return true;
  }

  bool send_file(const std::string& path, std::uint64_t from, std::uint64_t length) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return false;
    auto offset = static_cast<off_t>(from);
    while (length > 0) {
      const auto n = ::sendfile(socket_.get(), file.get(), &offset, length);
      if (n <= 0) return false;
      length -= static_cast<std::uint64_t>(n);
    }
    return true;
  }

  bool no_such_key() {
    const bool head = request_.method == "HEAD";
    return reply(404, head ? "" : std::string(kXml) + "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>");
  }

  bool reply(int status, std::string_view body, std::string_view headers = "") {
    return send_all(fmt::format("HTTP/1.1 {} {}\r\nContent-Length: {}\r\nContent-Type: application/xml\r\n{}\r\n{}",
                                status, status < 300 ? "OK" : "Error", body.size(), headers, body));
  }

  bool send_all(std::string_view bytes, int flags = 0) {
    while (!bytes.empty()) {
      const auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  Fd socket_;
  Shelf& shelf_;
  std::string in_;  // received and not used yet
  Request request_;
  std::uint64_t left_ = 0;  // of the request's body
};

Fd listen_on_loopback(int& port) {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener.get(), 512) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::perror("s3_sink: listening on loopback");
    std::exit(1);
  }
  port = ntohs(address.sin_port);
  return listener;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 1 && !(argc == 3 && std::string_view(argv[1]) == "--keep")) {
    std::fprintf(stderr, "usage: %s [--keep DIR]\n", argv[0]);
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  static Shelf shelf(argc == 3 ? argv[2] : "");
  int port = 0;
  const Fd listener = listen_on_loopback(port);
  std::printf("%d\n", port);
  std::fflush(stdout);
  std::thread([] {
    char byte = 0;
    while (::read(0, &byte, 1) > 0) {
    }
    std::_Exit(0);
  }).detach();
  for (;;) {
    Fd socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) continue;
    const int one = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::thread([](Fd connected) { Connection(std::move(connected), shelf).serve(); }, std::move(socket)).detach();
  }
}
