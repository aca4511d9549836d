"""Runs and reads .tflite files by what others made: two builds of the interpreter, and a reader of the metadata.

Nothing here shares a line with Passfail. What a file says of itself is read by code of the package tflite-support,
generated from the public schema; the files that a model brings along are a zip archive at its end, for zipfile to read.
"""

import dataclasses
import functools
import hashlib
import importlib
import importlib.util
import sys
import tempfile
import types
import zipfile

import convert  # noqa: F401 (first: it sets the environment that TensorFlow is loaded in)

# isort: split
import numpy as np
import tflite
from ai_edge_litert import interpreter as litert
from tensorflow.lite.python import interpreter as tensorflow_lite

import weights

SUPPORT = weights.PackagedFile(
    package="tflite-support",
    version="0.4.4",
    file="tensorflow_lite_support/metadata/metadata_schema_py_generated.py",
    sha256="bcd857b0f5af7d74ec948e882d4d8e31f4bdd41dece562110d1ffcbd8453bf50",
    licence="Apache-2.0",
)
SUPPORT_WHEEL_SHA256 = "eb6bffda7532bd0e0c95c69a4a3f1276e0434891b8139c21b71db40c713ccc98"
METADATA_ENTRY = "TFLITE_METADATA"
METADATA_PACKAGES = ("tensorflow_lite_support/__init__.py", "tensorflow_lite_support/metadata/")


@dataclasses.dataclass(frozen=True)
class Witness:
    """An interpreter: whose it is, and by which kernels it computes."""

    module: types.ModuleType
    xnnpack: bool  # else by the built-in kernels, which round 8-bit sums otherwise

    def open(self, path):
        resolvers = self.module.OpResolverType
        resolver = resolvers.AUTO if self.xnnpack else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = self.module.Interpreter(str(path), num_threads=1, experimental_op_resolver_type=resolver)
        interpreter.allocate_tensors()
        return interpreter


WITNESSES = {
    "LiteRT": Witness(litert, xnnpack=True),
    "TensorFlow": Witness(tensorflow_lite, xnnpack=True),
    "LiteRT, built-in kernels": Witness(litert, xnnpack=False),
    "TensorFlow, built-in kernels": Witness(tensorflow_lite, xnnpack=False),
}


def outputs(interpreter, normalized):
    """Returns {output name: real numbers, the batch of one taken off where it is one} for a picture [h, w, c]."""
    given = interpreter.get_input_details()[0]
    interpreter.set_tensor(given["index"], quantized(normalized, given)[None])
    interpreter.invoke()
    return {out["name"]: real(interpreter.get_tensor(out["index"]), out) for out in interpreter.get_output_details()}


def quantized(values, tensor):
    if tensor["dtype"] == np.float32:
        return values.astype(np.float32)
    scale, zero_point = tensor["quantization"]
    limits = np.iinfo(tensor["dtype"])
    # Of two steps that are as near (to a thousandth), the upper one.
    steps = np.floor(values.astype(np.float64) / scale + 0.501) + zero_point
    return np.clip(steps, limits.min, limits.max).astype(tensor["dtype"])


def real(values, tensor):
    if values.dtype == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    return (values.astype(np.float32) - zero_point) * np.float32(scale)


def both(scores):
    """Scores [pictures, labels]; of one sigmoid, which is the second label's, those of both labels."""
    return np.hstack([1 - scores, scores]) if scores.shape[1] == 1 else scores


@dataclasses.dataclass(frozen=True)
class Described:
    """What a file's TFLite Metadata say."""

    size: int
    mean: np.ndarray
    std: np.ndarray
    outputs: list  # names
    labels: list

    def normalized(self, picture):
        """picture: RGB, 8 bit."""
        return (np.asarray(picture, np.float32) - self.mean) / self.std


def describe(path):
    """Reads the metadata of a file as a program would that wants to use it."""
    schema = _schema()
    packed = metadata_entry(path.read_bytes(), METADATA_ENTRY)
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(packed, 0)
    graph = schema.ModelMetadataT.InitFromPackedBuf(packed).subgraphMetadata[0]
    (image,) = graph.inputTensorMetadata
    assert image.content.contentPropertiesType == schema.ContentProperties.ImageProperties
    assert image.content.contentProperties.colorSpace == schema.ColorSpaceType.RGB
    (unit,) = image.processUnits
    assert unit.optionsType == schema.ProcessUnitOptions.NormalizationOptions
    (file,) = graph.outputTensorMetadata[0].associatedFiles
    assert file.type == schema.AssociatedFileType.TENSOR_AXIS_LABELS
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        labels = archive.read(file.name.decode()).decode().splitlines()
    return Described(
        size=image.content.contentProperties.defaultSize.width,
        mean=np.float32(unit.options.mean),
        std=np.float32(unit.options.std),
        outputs=[output.name.decode() for output in graph.outputTensorMetadata],
        labels=labels,
    )


def metadata_entry(content, name):
    """Returns the bytes of a .tflite file's metadata entry; KeyError if it has none of that name."""
    model = tflite.Model.GetRootAsModel(content, 0)
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        if entry.Name().decode() == name:
            return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    raise KeyError(name)


@functools.cache
def _schema():
    spec = importlib.util.spec_from_loader("metadata_schema", loader=None)
    module = importlib.util.module_from_spec(spec)
    exec(compile(SUPPORT.read(), SUPPORT.file, "exec"), module.__dict__)
    return module


@functools.cache
def metadata_displayer():
    """Returns tflite-support's own MetadataDisplayer; ImportError where its compiled parts are for another Python."""
    wheel = SUPPORT.fetch()
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SUPPORT_WHEEL_SHA256:
        raise weights.WeightsError(f"{wheel} has SHA-256 {found}, expected {SUPPORT_WHEEL_SHA256}; delete it")
    folder = tempfile.mkdtemp()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(METADATA_PACKAGES)])
    sys.path.append(folder)
    try:
        return importlib.import_module("tensorflow_lite_support.metadata.python.metadata").MetadataDisplayer
    finally:
        sys.path.remove(folder)
