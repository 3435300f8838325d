// One attempt of a training job, from its assignment to its last word. Runs beside the program on the instance, as the
// agent process's main thread; three other threads report, listen for orders and follow the checkpoint directory.
//
//   download input and restore the checkpoint -> run the program -> last checkpoint -> model and output -> last word
//
// A notice, an order or the program's end may come at any moment; what happens then is in supervise() and finish().
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/ml_layout.hpp"
#include "base/time.hpp"
#include "job/spec.hpp"
#include "ports/control_link.hpp"
#include "ports/object_store.hpp"
#include "ports/runtime.hpp"

namespace holdfast::agent {

// Of a notice, kept back for the last upload and the last word.
constexpr Duration kReclaimMargin = seconds{1};
// SIGTERM to the agent is a machine that shuts down: what we give ourselves then.
constexpr Duration kShutdownNotice = seconds{25};
// An agent whose last word nobody takes stays this long: its instance is free otherwise, and the word is worth it.
constexpr Duration kDeliverFor = std::chrono::days{7};
constexpr int kUploadAttempts = 8;

struct Assignment {
  job::JobSpec spec;
  Fence fence;
  std::string stream;                         // of the log: "<job>/algo-1-<epoch>"
  std::filesystem::path directory;            // of this instance
  std::vector<std::filesystem::path> hidden;  // the service's own data: not for programs
  std::vector<std::string> devices;           // "/dev/nvidia0"
  InstanceFacts facts;
};

struct AgentParts {
  Clock& clock;
  ports::ObjectStore& objects;
  ports::Runtime& runtime;
  ports::ControlLink& reports;
  ports::ControlLink& orders;
};

// Returns when the attempt is over and its last word delivered (or nobody wants it). The exit status of the process.
// Call it on the process's main thread, with SIGTERM blocked in all threads: it is taken as a notice.
int run_agent(const AgentParts& parts, const Assignment& assignment);

}  // namespace holdfast::agent
