#!/usr/bin/python3
"""Writes the handwritten digits that come with scikit-learn (1797 images of 8 x 8 pixels) as digits.npz into a folder.

Usage: prepare_data.py FOLDER
"""
import os
import sys

import numpy
from sklearn.datasets import load_digits


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    digits = load_digits()
    path = os.path.join(folder, "digits.npz")
    numpy.savez_compressed(path, images=digits.data.astype("float32") / 16, labels=digits.target.astype("int64"))
    print(f"wrote {len(digits.target)} images to {path}")


if __name__ == "__main__":
    main()
