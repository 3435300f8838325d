// What the service can be asked for, one file each. `call.request` is a JSON object that nobody has checked yet.
#pragma once

#include "api/protocol.hpp"

namespace holdfast::api::operations {

// SageMaker's own.
void create_training_job(const Call& call, Answer answer);
void describe_training_job(const Call& call, Answer answer);
void list_training_jobs(const Call& call, Answer answer);
void stop_training_job(const Call& call, Answer answer);
void update_training_job(const Call& call, Answer answer);
void delete_training_job(const Call& call, Answer answer);
void create_algorithm(const Call& call, Answer answer);
void describe_algorithm(const Call& call, Answer answer);
void list_algorithms(const Call& call, Answer answer);
void delete_algorithm(const Call& call, Answer answer);
void add_tags(const Call& call, Answer answer);
void list_tags(const Call& call, Answer answer);
void delete_tags(const Call& call, Answer answer);
void search(const Call& call, Answer answer);
void get_search_suggestions(const Call& call, Answer answer);

// CloudWatch Logs'.
void create_log_group(const Call& call, Answer answer);
void delete_log_group(const Call& call, Answer answer);
void describe_log_groups(const Call& call, Answer answer);
void list_log_groups(const Call& call, Answer answer);
void create_log_stream(const Call& call, Answer answer);
void delete_log_stream(const Call& call, Answer answer);
void describe_log_streams(const Call& call, Answer answer);
void put_log_events(const Call& call, Answer answer);
void get_log_events(const Call& call, Answer answer);
void filter_log_events(const Call& call, Answer answer);
void put_retention_policy(const Call& call, Answer answer);
void delete_retention_policy(const Call& call, Answer answer);
void list_tags_log_group(const Call& call, Answer answer);
void tag_log_group(const Call& call, Answer answer);
void untag_log_group(const Call& call, Answer answer);
void list_tags_for_log_resource(const Call& call, Answer answer);
void tag_log_resource(const Call& call, Answer answer);
void untag_log_resource(const Call& call, Answer answer);

// CloudWatch's metrics.
void put_metric_data(const Call& call, Answer answer);
void get_metric_statistics(const Call& call, Answer answer);
void get_metric_data(const Call& call, Answer answer);
void list_metrics(const Call& call, Answer answer);

// Of STS and IAM what SageMaker's clients ask for on their way.
void get_caller_identity(const Call& call, Answer answer);
void get_role(const Call& call, Answer answer);

// Holdfast's: what SageMaker has no operation for.
void describe_training_run(const Call& call, Answer answer);
void interrupt_training_job(const Call& call, Answer answer);

// The agent's. The caller has proved that it is the attempt that TrainingJobName and Fence name.
void agent_report(const Call& call, Answer answer);
void agent_wait(const Call& call, Answer answer);

}  // namespace holdfast::api::operations
