// One attempt of a training job, from its assignment to its last word. Runs beside the program on the instance, as the
// agent's main task; three other tasks report, listen for orders and follow the checkpoint directory.
//
//   download input and restore the checkpoint -> run the program -> last checkpoint -> model and output -> last word
//
// A notice, an order or the program's end may come at any moment; what happens then is in supervise() and finish().
#pragma once

#include <string>

#include "agent/checkpoint_sync.hpp"
#include "agent/host.hpp"
#include "agent/latest_metrics.hpp"
#include "agent/safety_watch.hpp"
#include "base/time.hpp"
#include "job/spec.hpp"
#include "ports/control_link.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

// Of a notice, kept back for the last upload and the last word.
constexpr Duration kReclaimMargin = seconds{1};
// An agent whose last word nobody takes stays this long: its instance is free otherwise, and the word is worth it.
constexpr Duration kDeliverFor = std::chrono::days{7};
constexpr int kUploadAttempts = 8;

struct Assignment {
  job::JobSpec spec;
  Fence fence;
  std::string stream;  // of the log: "<job>/algo-1-<epoch>"
  CheckpointSyncOptions sync;
  SafetyOptions safety;
};

struct AgentParts {
  Clock& clock;
  ports::ObjectStore& objects;
  Host& host;
  ports::ControlLink& reports;  // one line for each task that uses it: they are blocking
  ports::ControlLink& orders;
  ScanLine scan = {};  // finds the job's metrics; empty: checkpoints are not told apart by them
};

// Returns when the attempt is over and its last word delivered (or nobody wants it). The exit status of the process.
int run_agent(const AgentParts& parts, const Assignment& assignment);

}  // namespace holdfast::agent
