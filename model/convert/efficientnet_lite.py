"""EfficientNet-Lite0 in Keras, which has no such network of its own, and its weights from a PyTorch state dict.

The architecture is that of TensorFlow's EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6 for
swish, and with the stem and head not scaled. Batch normalization uses epsilon 1e-3, and padding is TensorFlow's "same"
(the odd pixel at the right and the bottom), in the PyTorch weights too, since they were ported from TensorFlow.
"""

import dataclasses

import keras
from keras import layers

from weights import WeightsError


@dataclasses.dataclass(frozen=True)
class Stage:
    """Blocks of equal width; the first of them has the stride, the others stride 1."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
IMAGENET_CLASSES = 1000


def build(size, classifier=False):
    """Returns the network with untrained weights.

    In: [n, size, size, 3], RGB, (pixel - 127) / 128. Out: the last map, or with classifier the 1000 ImageNet scores.
    """
    picture = keras.Input((size, size, 3), name="image")
    x = _convolution(picture, "stem", STEM_CHANNELS, kernel=3, stride=2)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    channels, index = STEM_CHANNELS, 0
    for stage in STAGES:
        for position in range(stage.blocks):
            stride = stage.stride if position == 0 else 1
            x = _inverted_residual(x, f"b{index}", stage, channels, stride)
            channels, index = stage.channels, index + 1
    x = _convolution(x, "head", HEAD_CHANNELS, kernel=1)
    x = layers.ReLU(6.0, name="out_relu")(x)
    if classifier:
        x = layers.GlobalAveragePooling2D(name="average")(x)
        x = layers.Dense(IMAGENET_CLASSES, activation="softmax", name="classifier")(x)
    return keras.Model(picture, x, name="efficientnet_lite0")


def _convolution(x, name, channels, kernel, stride=1):
    x = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)


def _inverted_residual(x, name, stage, channels, stride):
    shortcut = x
    if stage.expansion > 1:
        x = _convolution(x, f"{name}_expand", channels * stage.expansion, kernel=1)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)  # fmt: skip
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_depthwise_bn")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    x = _convolution(x, f"{name}_project", stage.channels, kernel=1)
    if stride == 1 and channels == stage.channels:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def assign(network, state):
    """Puts a PyTorch state dict's arrays into the network; each layer must find its own, with the right shape."""
    for layer in network.layers:
        if not layer.weights:
            continue
        arrays = [_keras_layout(layer, state[key]) for key in _state_keys(layer)]
        expected = [tuple(variable.shape) for variable in layer.weights]
        found = [array.shape for array in arrays]
        if expected != found:
            raise WeightsError(f"{layer.name}: the weight file has shapes {found}, the layer needs {expected}")
        layer.set_weights(arrays)


def _state_keys(layer):
    """The state dict's names of a layer's weights, in the order in which Keras lists them."""
    if layer.name == "classifier":
        return ["_fc.weight", "_fc.bias"]
    part = layer.name.removesuffix("_bn")
    if part in ("stem", "head"):
        convolution, normalization = f"_conv_{part}", {"stem": "_bn0", "head": "_bn1"}[part]
    else:
        block, kind = part.removeprefix("b").split("_")
        convolution = f"_blocks.{block}._{kind}_conv"
        normalization = f"_blocks.{block}." + {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[kind]
    if isinstance(layer, layers.BatchNormalization):
        return [f"{normalization}.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    return [f"{convolution}.weight"]


def _keras_layout(layer, array):
    """PyTorch's [out, in, height, width] as Keras's [height, width, in, out]; of a depthwise kernel, [.., out, in]."""
    if isinstance(layer, layers.DepthwiseConv2D):
        return array.transpose(2, 3, 0, 1)
    if isinstance(layer, layers.Conv2D):
        return array.transpose(2, 3, 1, 0)
    if isinstance(layer, layers.Dense) and array.ndim == 2:
        return array.T
    return array
