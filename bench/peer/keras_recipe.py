"""The tutorials' Keras recipe on a folder of pictures for each of two labels: how long it takes, how good it is.

    python bench/peer/keras_recipe.py TRAIN [--test DIR] [--preprocess 0..1] [--from-scratch] [--epochs 20] [--json]

A frozen MobileNetV2 (float), GlobalAveragePooling, Dense(1, sigmoid), adam, batches of 32 of 224 × 224 pixels, from disk
to a saved model. `make bench-keras` runs it in turn with `passfail train`.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

# Before TensorFlow is loaded: no banner, no search for a GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "model" / "convert"))

import bases  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

SIZE, BATCH = 224, 32
WANTED, WRONG = "-1..1", "0..1"
# What is fed to the network: pixel * scale + offset.
RANGES = {WANTED: (1 / 127.5, -1.0), WRONG: (1 / 255, 0.0)}


def since_process_start() -> float:
    """Seconds since the system started this process: Python's own start and all imports count."""
    started = int(pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def pictures(folder: str, fed: str, shuffle: bool, seed: int) -> tf.data.Dataset:
    data = keras.utils.image_dataset_from_directory(
        folder, label_mode="binary", image_size=(SIZE, SIZE), batch_size=BATCH, shuffle=shuffle, seed=seed, verbose=False
    )
    if len(data.class_names) != 2:
        raise SystemExit(f"keras_recipe.py: {folder} has labels {data.class_names}; the recipe is for two")
    scale, offset = RANGES[fed]
    return data.map(lambda x, y: (x * scale + offset, y)).prefetch(tf.data.AUTOTUNE)


def transfer_network() -> keras.Model:
    base, _ = bases.load_network(bases.BASES["mobilenet_v2"], SIZE, "package", 0, None)
    base.trainable = False
    inputs = keras.Input((SIZE, SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(base(inputs, training=False))
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(pooled))


def small_network() -> keras.Model:
    """Three blocks of convolution and pooling, then a dense layer, as the tutorials begin with."""
    network = [keras.Input((SIZE, SIZE, 3))]
    for filters in (32, 32, 64):
        network += [keras.layers.Conv2D(filters, 3, activation="relu"), keras.layers.MaxPooling2D()]
    network += [keras.layers.Flatten(), keras.layers.Dense(64, activation="relu"), keras.layers.Dropout(0.5)]
    return keras.Sequential([*network, keras.layers.Dense(1, activation="sigmoid")])


def evaluate(network: keras.Model, folder: str, fed: str) -> dict:
    """Accuracy at 0.5 and ROC AUC on pictures fed in a range."""
    data = pictures(folder, fed, shuffle=False, seed=0)
    truths, scores = [], []
    for x, y in data:
        truths += y.numpy().ravel().tolist()
        scores += network(x, training=False).numpy().ravel().tolist()
    from sklearn.metrics import roc_auc_score

    right = sum((score >= 0.5) == (truth >= 0.5) for truth, score in zip(truths, scores, strict=True))
    return {"fed": fed, "pictures": len(truths), "accuracy": right / len(truths), "auc": roc_auc_score(truths, scores)}


def run(options: argparse.Namespace) -> dict:
    keras.utils.set_random_seed(options.seed)
    imported, clock = since_process_start(), time.perf_counter()
    data = pictures(options.train, options.preprocess, shuffle=True, seed=options.seed)
    network = small_network() if options.from_scratch else transfer_network()
    network.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    network.fit(data, epochs=options.epochs, shuffle=False, verbose=0)  # the data set shuffles itself
    with tempfile.TemporaryDirectory() as folder:
        network.save(options.output or os.path.join(folder, "model.keras"))
    seconds, processor = time.perf_counter() - clock, time.process_time()
    report = {
        "network": "small, from scratch" if options.from_scratch else "MobileNetV2, frozen",
        "taught_with": options.preprocess,
        "epochs": options.epochs,
        "seconds": imported + seconds,
        "seconds_without_imports": seconds,
        "processor_seconds": processor,  # of all cores together, imports too
        "test": [],
    }
    if options.test:
        served = [options.preprocess]
        if options.preprocess == WANTED and not options.from_scratch:
            served.append(WRONG)  # taught rightly, served wrongly: what happens when two programs prepare the pictures
        report["test"] = [evaluate(network, options.test, fed) for fed in served]
    return report


def show(report: dict) -> None:
    print(
        "{network}, fed {taught_with}, {epochs} epochs: {seconds:.1f} s from the start of the process to a saved model, "
        "{seconds_without_imports:.1f} s without the imports, {processor_seconds:.1f} s of processor time".format(**report)
    )
    for test in report["test"]:
        print(f"  tested with {test['fed']}: accuracy {test['accuracy']:.3f}, AUC {test['auc']:.3f} ({test['pictures']} pictures)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", help="a folder with a folder of pictures for each of two labels")
    parser.add_argument("--test", help="another, to judge the result by")
    parser.add_argument(
        "--preprocess",
        choices=RANGES,
        default=WANTED,
        help="range of the pixels that the network is fed, in training and test (write --preprocess=0..1; default "
        "%(default)s, which MobileNetV2 wants; the test is then done with 0..1 too: wrong in serving only)",
    )
    parser.add_argument("--from-scratch", action="store_true", help="a small network that has seen no other pictures")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", "-o", help="where the model is kept (default: nowhere)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = run(options)
    if options.json:
        print(json.dumps(report))
    else:
        show(report)


if __name__ == "__main__":
    main()
