// The writing end of a named pipe in a directory that a program owns: whatever it puts in the pipe's place is never
// opened, and whatever it does not read blocks nobody for good.
#pragma once

#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"

namespace holdfast::agent {

enum class Sent {
  all,
  reader_gone,  // it closed its end: nobody wants the rest
  stopped,
};

class Fifo {
 public:
  // `stop`: readable once every wait is to end. One that exists already is used. Kind::invalid: something else has the
  // name.
  static Result<Fifo> make(int directory, const std::string& name, int stop);

  // Blocks until somebody opens the other end, or release() is called.
  Result<Sent> await_reader();
  // From another thread, after `stop` became readable: await_reader() returns, and does so from now on.
  void release();
  // Blocks while the reader has enough.
  Result<Sent> send(std::string_view bytes);

 private:
  Fifo(Fd place, int stop) : place_(std::move(place)), stop_(stop) {}
  Fd open_again(int flags) const;

  Fd place_;  // the pipe itself, whatever its name comes to mean
  int stop_;
  Fd writer_;
  Fd own_reader_;
};

}  // namespace holdfast::agent
