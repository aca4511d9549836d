"""Makes classifiers as other tools export them, to be run in Passfail.

Their networks have random weights, as no package carries those of these small ones, under which every map keeps a
sensible range; their last layer is fitted to pictures of parts, so that scores differ between pictures.
"""

import dataclasses
import functools
import tempfile

import convert  # noqa: F401 (first: it sets the environment that TensorFlow is loaded in)

# isort: split
import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import bases

MOBILENET_V2 = bases.BASES["mobilenet_v2"]
WIDTH = 0.35  # Teachable Machine's, and fast
TEACHABLE_MACHINE_SIZE = 224
KERAS_SIZE = 96
KERAS_LAST = "block_6_expand_relu"  # a third of the network: each of its conversions takes seconds
CONTRAST = 4.0  # in logits
HEAD_UNITS = 100  # Teachable Machine's


@dataclasses.dataclass(frozen=True)
class Export:
    """A file that another tool made, with what its user knows of it."""

    content: bytes
    network: keras.Model  # takes what `mean` and `std` make of a picture, as the file does
    size: int
    mean: float
    std: float
    labels: list

    def normalized(self, pictures):
        """pictures: RGB, 8 bit."""
        return ((np.asarray(pictures, np.float32) - self.mean) / self.std).astype(np.float32)

    def write(self, folder, labels):
        """Writes the file with a sidecar as docs/models.md says it; labels: the sidecar's line for them."""
        model = folder / "model.tflite"
        model.write_bytes(self.content)
        text = f"mean = [{self.mean}]\nstd = [{self.std}]\n{labels}\n"
        model.with_name("model.tflite.toml").write_text(text)
        return model


def read(folders, size):
    """Returns pictures [n, size, size, 3], RGB, 8 bit, and the number of each one's folder."""
    pictures, numbers = [], []
    for number, folder in enumerate(folders):
        for file in sorted(folder.iterdir()):
            pictures.append(np.asarray(Image.open(file).resize((size, size), Image.Resampling.BOX)))
            numbers.append(number)
    return np.stack(pictures), np.array(numbers)


def _backbone(size, pictures, last="out_relu"):
    """MobileNetV2 up to a layer."""
    network = MOBILENET_V2.build(size, alpha=WIDTH)
    bases.randomize(network, MOBILENET_V2.publishers_input(pictures[::4]), seed=0)
    return keras.Model(network.input, network.get_layer(last).output, name=network.name)


def _fit(layer, inputs, numbers):
    """Fits a dense layer by least squares, so that its logits for each picture are apart by CONTRAST.

    inputs: [n, features]; numbers: of the pictures' labels.
    """
    targets = CONTRAST * (np.eye(max(numbers) + 1)[numbers] - 0.5)[:, -layer.units :]
    x = np.hstack([inputs, np.ones((len(inputs), 1))]) if layer.use_bias else np.asarray(inputs)
    products = x.T @ x
    # A little ridge: weights that are not needed stay small, and 8 bit suffice for them.
    ridge = 1e-3 * np.trace(products) * np.eye(len(products)) / len(products)
    fitted = np.linalg.solve(products + ridge, x.T @ targets).astype(np.float32)
    layer.set_weights([fitted[:-1], fitted[-1]] if layer.use_bias else [fitted])


@functools.cache
def _teachable_machine(folders):
    """Returns the network that Teachable Machine trains on an image project, and its training's inputs."""
    keras.utils.set_random_seed(0)
    size, layers = TEACHABLE_MACHINE_SIZE, keras.layers
    pictures, numbers = read(folders, size)
    inputs = (pictures.astype(np.float32) / 127.5) - 1.0
    features = keras.Sequential(
        [
            layers.Input((size, size, 3), name="model1_input"),
            _backbone(size, pictures),
            layers.GlobalAveragePooling2D(name="global_average_pooling2d_GlobalAveragePooling2D1"),
        ],
        name="sequential_1",
    )
    head = keras.Sequential(
        [
            layers.Input(features.output_shape[1:], name="dense_Dense1_input"),
            layers.Dense(HEAD_UNITS, activation="relu", name="dense_Dense1"),
            layers.Dense(len(folders), activation="softmax", use_bias=False, name="dense_Dense2"),
        ],
        name="sequential_3",
    )
    hidden, last = head.layers
    _fit(last, np.asarray(hidden(features(inputs))), numbers)
    whole = [layers.Input((size, size, 3), name="sequential_1_input"), features, head]
    return keras.Sequential(whole, name="sequential_4"), inputs


def teachable_machine(folders, quantized):
    """What "Export model, TensorFlow Lite" of an image project gives, and the text of its labels.txt.

    The network is MobileNetV2 of width 0.35 with its average in one Sequential, two dense layers in another (the second
    without bias), both in a third. It is saved, loaded as a SavedModel and converted: to float as it is, or to 8 bit
    with uint8 at both ends by the pictures that it was trained on.
    """
    network, inputs = _teachable_machine(folders)
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if quantized:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.inference_input_type = converter.inference_output_type = tf.uint8
            converter.representative_dataset = lambda: ([picture[None]] for picture in inputs)
        content = converter.convert()
    labels = [folder.name for folder in folders]
    export = Export(content, network, TEACHABLE_MACHINE_SIZE, 127.5, 127.5, labels)
    return export, "".join(f"{number} {label}\n" for number, label in enumerate(labels))


@functools.cache
def _keras_classifier(folders):
    """Returns a network for inputs of -1..1 after the tutorial of transfer learning, and its training's pictures."""
    keras.utils.set_random_seed(0)
    size, layers = KERAS_SIZE, keras.layers
    pictures, numbers = read(folders, size)
    backbone, pool = _backbone(size, pictures, last=KERAS_LAST), layers.GlobalAveragePooling2D()
    units, activation = (1, "sigmoid") if len(folders) == 2 else (len(folders), "softmax")
    head = layers.Dense(units, activation=activation)
    image = keras.Input((size, size, 3))
    network = keras.Model(image, head(pool(backbone(image))))
    _fit(head, np.asarray(pool(backbone(MOBILENET_V2.publishers_input(pictures)))), numbers)
    return network, pictures


@functools.cache
def keras_classifier(folders, scaling_inside=False, quantization=""):
    """What TFLiteConverter makes of a Keras classifier: one sigmoid for two labels, a softmax for more.

    scaling_inside: the network takes 0..255 and begins with a Rescaling layer; else it takes -1..1.
    quantization: "", "dynamic range", "float16", "int8" (at both ends too) or "int8 inside" (float at both ends).
    """
    network, pictures = _keras_classifier(folders)
    mean, std = 127.5, 127.5
    if scaling_inside:
        image = keras.Input(network.input_shape[1:])
        network = keras.Model(image, network(keras.layers.Rescaling(1 / 127.5, offset=-1)(image)))
        mean, std = 0.0, 1.0
    export = Export(b"", network, KERAS_SIZE, mean, std, [folder.name for folder in folders])
    content = _converted(network, export.normalized(pictures), quantization)
    return dataclasses.replace(export, content=content)


def _converted(network, inputs, quantization):
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if quantization:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantization.startswith("int8"):
        converter.representative_dataset = lambda: ([picture[None]] for picture in inputs)
    if quantization == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()
