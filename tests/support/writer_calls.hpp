// What training frameworks do to a directory when they write a checkpoint, as sequences of system calls: parsed from a
// table, worked out on files in memory, so that every state the directory goes through is known before it exists.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace holdfast::testing {

using Contents = std::map<std::string, std::string>;  // path to bytes

// One framework's way of writing checkpoint number N, one call a line:
//   mkdir P            rmdir P
//   open P             O_WRONLY | O_CREAT | O_TRUNC      append P    O_APPEND instead of O_TRUNC
//   write P BYTES      at the end of what was written    rewrite P BYTES    at its beginning, as file formats do
//   extend P BYTES     ftruncate to more                 map P BYTES        written at its beginning through a mapping
//   hold P             mapped as it is now, until it is let go   poke P BYTES    at its beginning, through that
//   let_go P           mapping, without a word to the kernel
//   sync P             close P     by the name it was opened by
//   rename P Q         of files and folders, over what is there
//   link P Q           copy P Q    as open, two writes, close
//   unlink P           rmtree P    both do nothing where there is nothing
//   touch P            times set, as shutil.copystat does
//   pause MS           the program does something else meanwhile
//   unsafe / safe      from here on a restart would not find / would find a complete checkpoint
//   complete           from here on it would go on from number N; said by `safe` too, after an `unsafe`
// {n} is the number, {n-1} the one before. '@' begins a path that lies outside the directory.
struct Pattern {
  const char* name;
  const char* source;  // where one can read that it is so
  const char* before;  // done once, at the program's start
  const char* script;
};
const std::vector<Pattern>& writer_patterns();

struct Call {
  enum class Do {
    mkdir,
    rmdir,
    open,
    append,
    write,
    rewrite,
    extend,
    map,
    hold,
    poke,
    let_go,
    sync,
    close,
    rename,
    link,
    unlink,
    touch,
    pause
  };
  Do what = Do::pause;
  std::string path = {}, to = {};
  std::string bytes = {};    // of write, rewrite, map and poke
  std::uint64_t length = 0;  // of extend
  Duration pause{0};
  std::string text = {};  // for people

  bool safe = true;           // what is there once it was made can be resumed from
  std::uint64_t reached = 0;  // the number that would be resumed from
};

// The calls for checkpoint `number` on a directory with these contents, which become what they leave behind.
// `salt`: another one, other bytes.
std::vector<Call> calls_of(const Pattern& pattern, const char* script, std::uint64_t number, Contents& contents,
                           std::uint64_t salt = 0);
// What one call makes of the directory.
void carry_out(const Call& call, Contents& contents);
// Of what a checkpoint would hold: paths outside and files that are never part of one are left out.
Contents visible(const Contents& contents);
std::string digest_of(const Contents& contents);

}  // namespace holdfast::testing
