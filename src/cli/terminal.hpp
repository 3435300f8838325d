// The two things a command has on this side: a place to print, and someone who may press Ctrl-C.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/time.hpp"

namespace holdfast::cli {

struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;  // only when a person looks at `out`
};

bool is_terminal(int fd);
// The word in the colour of its status, or as it is where there are no colours.
std::string coloured(const Terminal& terminal, std::string_view status);

class Pause {
 public:
  virtual ~Pause() = default;
  // True: the user pressed Ctrl-C.
  virtual bool wait(Duration duration) = 0;
};

// From its first wait on, SIGINT no longer kills the program but ends a wait.
class CtrlC final : public Pause {
 public:
  bool wait(Duration duration) override;

 private:
  Fd signals_;
};

}  // namespace holdfast::cli
