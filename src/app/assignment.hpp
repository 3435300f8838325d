// assignment.json: what the service writes for an agent, and what the agent reads. One place for both directions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "agent/machine.hpp"
#include "aws/credentials.hpp"
#include "base/result.hpp"
#include "objects/bucket_places.hpp"

namespace holdfast::app {

// What an agent has to know beside the job: the same for all agents of a service.
struct ServiceFacts {
  std::filesystem::path data;           // the service's own directory: hidden from programs
  std::filesystem::path endpoint_file;  // where it can be reached now
  std::filesystem::path objects;        // root of the embedded object store
  std::string region;
  std::vector<objects::BucketPlace> places = {};  // of buckets that are not in it
};

struct AgentFacts {
  agent::Assignment assignment;
  agent::MachineFacts machine;
  ServiceFacts service;
  std::string token;
};

// The log stream keeps its name over all attempts of a job: SageMaker's own clients expect one stream for each host.
// `s3`: what its program may use.
std::string encode_assignment(const ServiceFacts& facts, const job::JobSpec& spec, Instant created, Fence fence,
                              const std::string& token, const aws::Credentials& s3);
// Reads assignment.json and instance.json of an instance's directory.
Result<AgentFacts> read_assignment(const std::filesystem::path& directory);

}  // namespace holdfast::app
