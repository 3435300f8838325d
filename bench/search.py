#!/usr/bin/python3
"""How long a page of Search takes over many ended jobs: one real job, copied in the database, and boto3.

usage: bench/search.py build/release/holdfast [jobs, 100000 when not said]
"""
import pathlib
import sqlite3
import sys
import time

JOBS = int(sys.argv.pop(2)) if len(sys.argv) > 2 else 100_000
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from support.service import Service  # noqa: E402

QUESTIONS = (
    ("all of them, by LastModifiedTime", None),
    ("a status and a part of the name", [("TrainingJobStatus", "Equals", "Completed"), ("TrainingJobName", "Contains", "0999")]),
    ("a tag that none has", [("Tags.team", "Equals", "nobody")]),
    ("a hyperparameter", [("HyperParameters.depth", "GreaterThan", "48")]),
    ("its seconds of training", [("TrainingTimeInSeconds", "GreaterThan", "1000")]),
    ("a metric", [("Metrics.loss", "LessThan", "0.4")]),
)


def copies(columns, row):
    for i in range(JOBS):
        name = f"job-{i:06d}"
        copy = {**row, "name": name, "arn": row["arn"].replace("/original", f"/{name}")}
        for column in ("created_ms", "modified_ms", "ended_ms"):
            copy[column] += i
        for column in ("spec", "request", "job"):
            copy[column] = copy[column].replace('"original"', f'"{name}"')
        copy["request"] = copy["request"].replace('"depth":"3"', f'"depth":"{i % 50}"')
        yield [copy[column] for column in columns]


def multiply(service):
    service.client("s3").create_bucket(Bucket="tests")
    metrics = [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]
    service.create("original", "print('loss=0.5')", HyperParameters={"depth": "3", "epochs": "10"},
                   AlgorithmSpecification={"MetricDefinitions": metrics})
    service.wait_for_end("original")
    service.kill()
    with sqlite3.connect(service.data / "holdfast.db") as database:
        columns = [column[1] for column in database.execute("PRAGMA table_info(jobs)")]
        row = dict(zip(columns, database.execute("SELECT * FROM jobs WHERE name = 'original'").fetchone()))
        database.executemany(f"INSERT INTO jobs VALUES ({','.join('?' * len(columns))})", copies(columns, row))
    service.start()
    print(f"{JOBS} jobs of {sum(len(str(value)) for value in row.values())} bytes each")


def main():
    service = Service("--slots", "1")
    try:
        multiply(service)
        client = service.new_client("sagemaker", read_timeout=600)
        for what, filters in QUESTIONS:
            expression = {} if filters is None else {"SearchExpression": {"Filters": [
                {"Name": name, "Operator": operator, "Value": value} for name, operator, value in filters]}}
            started = time.monotonic()
            page = client.search(Resource="TrainingJob", MaxResults=100, **expression)
            print(f"{time.monotonic() - started:6.2f} s  {what}: {len(page['Results'])} on the first page", flush=True)
    finally:
        service.close()


if __name__ == "__main__":
    main()
