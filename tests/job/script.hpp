// Scenarios as text: one event on a line, what came of it beneath. The files are tests/scripts/*.txt.
//
//   submit spot max_run=1h max_wait=2h checkpoint     also: on-demand, retries=2. Begins a new job at time 0.
//   [TIME] EVENT [of FENCE]
//   summary                                           the job as its user sees it
//
// TIME moves the clock first: +30s later, -1h set back, @2h since the submit.
// EVENT: placed FENCE [ratio=0.3] | up | refused [why] | agent | program [from 1/3] | saved 1/4 [took=3m] | program_ended
//      | notice 2m | gone reclaimed|failed [why] | ended succeeded|program_failed|bad_input|failed|reclaimed|stopped
//        [reason] | stop | time (TimeReached, now) | wait (the clock moves on to next_wakeup(), then TimeReached)
// An event is about the newest attempt, unless `of` names another. A line that begins with # is a comment; one that
// begins with two spaces is recorded output:
//
//   -> State at TIME | status entered: its message | effects | when the job next wants to be woken, if that changed
#pragma once

#include <string>

namespace holdfast::job::test {

// The script with its output recorded anew. Throws std::runtime_error on a line that it cannot read.
std::string replay(const std::string& script);

}  // namespace holdfast::job::test
