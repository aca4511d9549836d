"""Makes the small classifiers in this folder and golden.json, what Python's LiteRT says of them and of the demo's model.

`make golden` runs it when a file here has to change.

It writes the preprocessing once more, in NumPy and straight from the definition in model/scale.c, so that the Go code is
compared with something that it does not share a line with. It has to be the definition to the bit: an 8-bit network
makes other scores, some by a tenth and more, of a picture in which a few pixels differ by one gray level. How near the
definition is to OpenCV's own resizing is for model/scale_test.go to say.
"""

import json
import os
import pathlib

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PICTURES = sorted((ROOT / "demo" / "parts").glob("*.jpg"))[:12]
# The picture's part that is judged: x, y, width, height. The last one is smaller than the networks' inputs.
REGIONS = [(0, 0, 640, 480), (80, 0, 480, 480), (13, 27, 301, 222), (200, 150, 40, 30)]

# name: size, channels, mean, std, input type, output activation
MODELS = {
    "float": (64, 3, [127.5] * 3, [127.5] * 3, None, "softmax"),
    "caffe": (48, 3, [123.68, 116.779, 103.939], [58.4, 57.1, 57.4], None, "softmax"),
    "int8": (64, 3, [127.5] * 3, [127.5] * 3, tf.int8, "softmax"),
    "uint8": (64, 3, [0.0] * 3, [255.0] * 3, tf.uint8, "softmax"),
    "uint8-odd": (56, 3, [110.0, 120.0, 130.0], [50.0, 60.0, 70.0], tf.uint8, "softmax"),
    "gray": (40, 1, [127.5], [127.5], tf.int8, "softmax"),
    "sigmoid": (64, 3, [127.5] * 3, [127.5] * 3, None, "sigmoid"),
    "logits": (64, 3, [127.5] * 3, [127.5] * 3, None, None),
}


def weights(source: int, target: int, area: bool) -> np.ndarray:
    """[target, source] in 1/65536: how much of each source pixel is in each target pixel."""
    scale = source / target
    shares = np.zeros((target, source))
    for i in range(target):
        if area:
            for k in range(int(i * scale), min(source, int((i + 1) * scale) + 1)):
                shares[i, k] = max(0.0, (min((i + 1) * scale, k + 1) - max(i * scale, k)) / scale)
        else:
            centre = min(max((i + 0.5) * scale - 0.5, 0.0), source - 1.0)
            first = max(min(int(centre), source - 2), 0)
            shares[i, first] += 1 - (centre - first)
            if source > 1:
                shares[i, first + 1] += centre - first
    # What is rounded off one share goes to the next.
    upto = np.floor(np.cumsum(shares, axis=1) * 65536 + 0.5).astype(np.int64)
    given = np.diff(upto, axis=1, prepend=0)
    return np.minimum(given, 65535)


def resize(part: np.ndarray, size: int) -> np.ndarray:
    """A BGR picture as size × size: the sums of model/scale.c, whose products lose what is below 1/256."""
    h, w = part.shape[:2]
    area = h >= size and w >= size
    rows, columns = weights(h, size, area), weights(w, size, area)
    lost = (rows > 0).sum(axis=1).max() + (columns > 0).sum(axis=1).max()
    values = part.astype(np.int64) * 256
    blended = np.stack([((values * row[:, None, None]) >> 16).sum(axis=0) for row in rows])
    mixed = np.stack([((blended * column[None, :, None]) >> 16).sum(axis=1) for column in columns], axis=1)
    return ((mixed + 128 + min(int(lost) // 2, 127)) >> 8).astype(np.uint8)


def crop_and_resize(picture: np.ndarray, region: tuple, size: int, channels: int) -> np.ndarray:
    """The part of a BGR picture as size × size RGB or gray, 0..255."""
    x, y, w, h = region
    part = resize(picture[y : y + h, x : x + w], size)
    if channels == 1:
        return cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)[..., None]
    return cv2.cvtColor(part, cv2.COLOR_BGR2RGB)


def normalize(pixels: np.ndarray, mean: list, std: list) -> np.ndarray:
    return ((pixels.astype(np.float32) - np.float32(mean)) / np.float32(std)).astype(np.float32)


def small_network(size: int, channels: int, activation: str | None) -> keras.Model:
    layers = keras.layers
    units = 1 if activation == "sigmoid" else 4
    return keras.Sequential(
        [
            layers.Input((size, size, channels), batch_size=1),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Conv2D(12, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            # Weights large enough that scores differ between pictures.
            layers.Dense(units, activation=activation, kernel_initializer=keras.initializers.RandomNormal(stddev=6.0, seed=3)),
        ]
    )


def convert(name: str) -> None:
    size, channels, mean, std, kind, activation = MODELS[name]
    keras.utils.set_random_seed(5)
    converter = tf.lite.TFLiteConverter.from_keras_model(small_network(size, channels, activation))
    if kind is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = kind
        converter.representative_dataset = lambda: (
            [normalize(crop_and_resize(cv2.imread(str(p)), r, size, channels), mean, std)[None]]
            for p in PICTURES
            for r in REGIONS
        )
    (HERE / f"{name}.tflite").write_bytes(converter.convert())


def quantize(values: np.ndarray, detail: dict) -> np.ndarray:
    if detail["dtype"] == np.float32:
        return values
    scale, zero = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    # The nearest step, or the upper one of two that are (to a thousandth) as near.
    steps = np.floor(values.astype(np.float64) / scale + 0.501)
    return np.clip(steps + zero, limits.min, limits.max).astype(detail["dtype"])


def scores_of(path: pathlib.Path, mean: list, std: list) -> tuple[float, list]:
    """The step between two scores, and the scores of every picture and region."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, got = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    _, size, _, channels = given["shape"]
    scores = []
    for picture in PICTURES:
        image = cv2.imread(str(picture))
        for region in REGIONS:
            pixels = crop_and_resize(image, region, int(size), int(channels))
            interpreter.set_tensor(given["index"], quantize(normalize(pixels, mean, std), given)[None])
            interpreter.invoke()
            out = interpreter.get_tensor(got["index"])[0]
            if got["dtype"] != np.float32:
                scale, zero = got["quantization"]
                out = (out.astype(np.float32) - zero) * scale
            scores.append([round(float(v), 6) for v in out])
    # A float score has no step: the one that an 8-bit score would have.
    step = 1 / 256 if got["dtype"] == np.float32 else float(got["quantization"][0])
    return step, scores


def main() -> None:
    golden = {"pictures": [p.name for p in PICTURES], "regions": REGIONS, "models": {}}
    for name, (_, _, mean, std, _, _) in MODELS.items():
        convert(name)
        step, scores = scores_of(HERE / f"{name}.tflite", mean, std)
        golden["models"][name] = {"file": f"{name}.tflite", "mean": mean, "std": std, "step": step, "scores": scores}
    demo = ROOT / "demo" / "model.tflite"
    step, scores = scores_of(demo, [127.5] * 3, [127.5] * 3)
    golden["models"]["demo"] = {"file": "../../demo/model.tflite", "step": step, "scores": scores}
    text = json.dumps(golden, indent=1)
    (HERE / "golden.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
