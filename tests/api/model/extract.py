#!/usr/bin/python3
"""Writes what botocore's model says of the inputs of our operations (limits, patterns, enums, required members; none of
its text) beside this file. Run by hand when the model changes: extract.py"""

import json
import pathlib
import re

import botocore.session

OPERATIONS = {
    "sagemaker": ["CreateTrainingJob", "DescribeTrainingJob", "ListTrainingJobs", "StopTrainingJob", "UpdateTrainingJob",
                "CreateAlgorithm", "DescribeAlgorithm", "ListAlgorithms", "DeleteAlgorithm", "AddTags", "ListTags",
                "DeleteTags", "Search", "GetSearchSuggestions"],
    "cloudwatch": ["PutMetricData", "GetMetricStatistics", "GetMetricData", "ListMetrics"],
}
# All in one file: they are small.
LOGS = ["CreateLogGroup", "DeleteLogGroup", "DescribeLogGroups", "CreateLogStream", "DeleteLogStream", "DescribeLogStreams",
        "PutLogEvents", "GetLogEvents", "FilterLogEvents", "PutRetentionPolicy", "DeleteRetentionPolicy", "ListTagsLogGroup",
        "TagLogGroup", "UntagLogGroup", "ListTagsForResource", "TagResource", "UntagResource"]


def facts(shape, above=()):
    if shape.name in above:
        return {"type": "again"}  # a structure within itself
    above += (shape.name,)
    out = {"type": shape.type_name}
    out.update({fact: shape.metadata[fact] for fact in ("min", "max", "pattern", "enum") if fact in shape.metadata})
    if shape.type_name == "structure":
        out["required"] = shape.required_members
        out["members"] = {name: facts(member, above) for name, member in shape.members.items()}
    elif shape.type_name == "list":
        out["element"] = facts(shape.member, above)
    elif shape.type_name == "map":
        out["key"] = facts(shape.key, above)
        out["value"] = facts(shape.value, above)
    return out


def main():
    for service, operations in OPERATIONS.items():
        model = botocore.session.get_session().get_service_model(service)
        for operation in operations:
            name = re.sub("(?<!^)(?=[A-Z])", "_", operation).lower()
            path = pathlib.Path(__file__).with_name(name + ".json")
            path.write_text(json.dumps(facts(model.operation_model(operation).input_shape), indent=1, sort_keys=True) + "\n")
    model = botocore.session.get_session().get_service_model("logs")
    inputs = {operation: facts(model.operation_model(operation).input_shape) for operation in LOGS}
    pathlib.Path(__file__).with_name("logs.json").write_text(json.dumps(inputs, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
