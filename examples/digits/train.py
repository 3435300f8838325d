#!/usr/bin/python3
"""Learns to read handwritten digits: a small neural network in plain numpy, as a SageMaker training program.

It knows the conventions of SageMaker's containers and nothing of who runs it. It reads
/opt/ml/input/config/hyperparameters.json and the channel "train" (digits.npz, see prepare_data.py), keeps one
checkpoint per epoch in /opt/ml/checkpoints and goes on from the newest that it finds there, and leaves the model in
/opt/ml/model and its metrics in /opt/ml/output/data. To try it by hand, name another folder in DIGITS_ROOT.

Hyperparameters: epochs (20), learning-rate (0.1), batch-size (32), hidden (64), seed (1), and seconds-per-epoch (0):
an epoch takes at least so long. That one is only waiting; it gives a demonstration the time to interrupt the program,
which would otherwise be done in a second.
"""
import glob
import json
import os
import signal
import sys
import time

import numpy

ROOT = os.environ.get("DIGITS_ROOT", "/opt/ml")
CHECKPOINTS = os.path.join(ROOT, "checkpoints")

stop_requested = False


def request_stop(number, frame):
    global stop_requested
    stop_requested = True


def read_hyperparameters():
    with open(os.path.join(ROOT, "input/config/hyperparameters.json")) as file:
        given = json.load(file)  # every value is a string
    return {
        "epochs": int(given.get("epochs", 20)),
        "learning_rate": float(given.get("learning-rate", 0.1)),
        "batch_size": int(given.get("batch-size", 32)),
        "hidden": int(given.get("hidden", 64)),
        "seed": int(given.get("seed", 1)),
        "seconds_per_epoch": float(given.get("seconds-per-epoch", 0)),
    }


def load_data(seed):
    data = numpy.load(os.path.join(ROOT, "input/data/train/digits.npz"))
    order = numpy.random.default_rng(seed).permutation(len(data["labels"]))
    images, labels = data["images"][order], data["labels"][order]
    held_out = len(labels) // 5
    return (images[held_out:], labels[held_out:]), (images[:held_out], labels[:held_out])


def new_network(hidden, seed):
    random = numpy.random.default_rng(seed)
    return {
        "w1": random.normal(0, 0.1, (64, hidden)),
        "b1": numpy.zeros(hidden),
        "w2": random.normal(0, 0.1, (hidden, 10)),
        "b2": numpy.zeros(10),
    }


def forward(network, images):
    hidden = numpy.maximum(images @ network["w1"] + network["b1"], 0)
    scores = hidden @ network["w2"] + network["b2"]
    scores -= scores.max(axis=1, keepdims=True)
    likely = numpy.exp(scores)
    return hidden, likely / likely.sum(axis=1, keepdims=True)


def train_batch(network, images, labels, rate):
    hidden, likely = forward(network, images)
    rows = numpy.arange(len(labels))
    loss = -numpy.log(likely[rows, labels] + 1e-12).mean()
    slope = likely
    slope[rows, labels] -= 1
    slope /= len(labels)
    back = (slope @ network["w2"].T) * (hidden > 0)
    network["w2"] -= rate * hidden.T @ slope
    network["b2"] -= rate * slope.sum(axis=0)
    network["w1"] -= rate * images.T @ back
    network["b1"] -= rate * back.sum(axis=0)
    return loss


def train_epoch(network, images, labels, parameters, epoch):
    # The order depends on the epoch alone, so a resumed training sees what an uninterrupted one would have seen.
    order = numpy.random.default_rng([parameters["seed"], epoch]).permutation(len(labels))
    batches = range(0, len(order), parameters["batch_size"])
    losses = []
    for start in batches:
        batch = order[start : start + parameters["batch_size"]]
        losses.append(train_batch(network, images[batch], labels[batch], parameters["learning_rate"]))
    return float(numpy.mean(losses))


def accuracy(network, images, labels):
    return float((forward(network, images)[1].argmax(axis=1) == labels).mean())


def save_checkpoint(epoch, network, history):
    path = os.path.join(CHECKPOINTS, f"epoch-{epoch:05d}.npz")
    # Under its final name only once it is whole, so an interruption never leaves half a checkpoint.
    with open(path + ".part", "wb") as file:
        numpy.savez(file, epoch=epoch, history=json.dumps(history), **network)
    os.replace(path + ".part", path)


def newest_checkpoint():
    paths = sorted(glob.glob(os.path.join(CHECKPOINTS, "epoch-*.npz")))
    if not paths:
        return 0, None, []
    with numpy.load(paths[-1]) as saved:
        network = {name: saved[name] for name in ("w1", "b1", "w2", "b2")}
        return int(saved["epoch"]), network, json.loads(str(saved["history"]))


def main():
    signal.signal(signal.SIGTERM, request_stop)
    os.makedirs(CHECKPOINTS, exist_ok=True)
    parameters = read_hyperparameters()
    training, validation = load_data(parameters["seed"])

    done, network, history = newest_checkpoint()
    if network is None:
        print(f"starting: {len(training[1])} images to learn from, {len(validation[1])} to validate with", flush=True)
        network = new_network(parameters["hidden"], parameters["seed"])
    else:
        print(f"resuming from epoch {done}", flush=True)

    for epoch in range(done + 1, parameters["epochs"] + 1):
        began = time.monotonic()
        loss = train_epoch(network, *training, parameters, epoch)
        share = accuracy(network, *validation)
        while not stop_requested and time.monotonic() - began < parameters["seconds_per_epoch"]:
            time.sleep(0.05)
        history.append({"epoch": epoch, "train_loss": loss, "validation_accuracy": share})
        save_checkpoint(epoch, network, history)
        print(f"epoch={epoch} train_loss={loss:.4f} validation_accuracy={share:.4f};", flush=True)
        if stop_requested and epoch < parameters["epochs"]:
            print(f"asked to stop: epoch {epoch} is saved", flush=True)
            sys.exit(0)

    os.makedirs(os.path.join(ROOT, "model"), exist_ok=True)
    numpy.savez(os.path.join(ROOT, "model/digits-model.npz"), **network)
    os.makedirs(os.path.join(ROOT, "output/data"), exist_ok=True)
    with open(os.path.join(ROOT, "output/data/metrics.json"), "w") as file:
        json.dump({"history": history, "validation_accuracy": accuracy(network, *validation)}, file, indent=1)
    print("done", flush=True)


if __name__ == "__main__":
    main()
