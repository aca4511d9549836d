"""Tests of the conversion. Quick ones by default; `-m slow` adds those that take minutes."""

import dataclasses
import hashlib
import importlib.util
import json
import math

import convert  # first: it sets the environment that TensorFlow is loaded in

# isort: split
import keras
import numpy as np
import pytest
import tflite
from PIL import Image

import bases
import calibration
import efficientnet_lite
import measure
import metadata
import quantize
import weights

COMMITTED = ("mobilenet_v2", "efficientnet_lite0")
IMAGENET_DAISY, IMAGENET_PALACE = 985, 698
# On held-out pictures; measured values lie about 0.01 above. See model/base/README.md.
LOWEST_COSINE = {
    ("mobilenet_v2", "stride32"): 0.89,
    ("mobilenet_v2", "stride32_expand"): 0.96,
    ("mobilenet_v2", "stride16"): 0.97,
    ("efficientnet_lite0", "stride32"): 0.98,
    ("efficientnet_lite0", "stride16"): 0.975,
}
# A reader of metadata that someone else generated from the public schema.
METADATA_READER = weights.PackagedFile(
    package="tflite-support",
    version="0.4.4",
    file="tensorflow_lite_support/metadata/metadata_schema_py_generated.py",
    sha256="bcd857b0f5af7d74ec948e882d4d8e31f4bdd41dece562110d1ffcbd8453bf50",
    licence="Apache-2.0",
)
TINY = {"size": 96, "weights": "random", "count": 24}


def committed_file(name):
    return convert.DEFAULT_OUT / f"{name}.tflite"


def packaged_network(name, size=224):
    network, _source = bases.load_network(bases.BASES[name], size, "package", 0, None)
    return network


@pytest.fixture(scope="module")
def read_metadata(tmp_path_factory):
    """Parses the standard metadata of a file's bytes with the independent reader."""
    source = tmp_path_factory.mktemp("reader") / "metadata_schema.py"
    source.write_bytes(METADATA_READER.read())
    spec = importlib.util.spec_from_file_location("metadata_schema", source)
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)

    def read(content):
        packed = quantize.metadata_entry(content, metadata.ENTRY_NAME)
        assert reader.ModelMetadata.ModelMetadataBufferHasIdentifier(packed, 0)
        return reader.ModelMetadataT.InitFromPackedBuf(packed), reader

    return read


@pytest.mark.parametrize(("file", "expected"), [("flower.jpg", IMAGENET_DAISY), ("china.jpg", IMAGENET_PALACE)])
def test_efficientnet_lite0_recognizes(file, expected):
    network = efficientnet_lite.build(224, classifier=True)
    data = bases.EFFICIENTNET_LITE0_WEIGHTS.read()
    efficientnet_lite.assign(network, weights.read_torch_state_dict(data))
    photograph = calibration.photograph("sklearn.datasets.images", file)
    width, height = photograph.size
    centre = photograph.crop(((width - height) // 2, 0, (width + height) // 2, height))
    picture = np.asarray(centre.resize((224, 224), Image.Resampling.BICUBIC))
    scores = np.asarray(network(bases.BASES["efficientnet_lite0"].normalized(picture[None]), training=False))[0]
    assert scores.argmax() == expected


@pytest.mark.parametrize(("name", "normalization"), [("mobilenet_v2", "bn_Conv1"), ("efficientnet_lite0", "stem_bn")])
def test_weights_themselves_confirm_the_preprocessing(name, normalization):
    """The first batch normalization recorded its inputs' means in training, and the right preprocessing meets them."""
    network = packaged_network(name)
    layer = network.get_layer(normalization)
    _gamma, _beta, mean, variance = layer.get_weights()
    before = keras.Model(network.input, layer.input)
    pictures = calibration.held_out_pictures(224, crops=7)

    def distance(inputs):
        found = np.asarray(before(np.asarray(inputs, np.float32), training=False)).mean(axis=(0, 1, 2))
        return np.sqrt(np.mean((found - mean) ** 2 / (variance + layer.epsilon)))

    right = bases.BASES[name].normalized(pictures)
    caffe = pictures[..., ::-1] - np.float32([103.939, 116.779, 123.68])
    wrong = {"0..1": pictures / 255, "0..255": pictures, "BGR": right[..., ::-1], "caffe": caffe}
    for label, inputs in wrong.items():
        assert distance(right) < 0.8 * distance(inputs), label


@pytest.mark.parametrize("name", [name for name in bases.BASES if name not in ("efficientnet_lite0", "resnet152")])
def test_metadata_normalization_equals_keras_own(name):
    """Written against Keras directly, not by way of check_preprocessing, which is tested below."""
    base = bases.BASES[name]
    pictures = calibration.held_out_pictures(96, crops=1)
    published, _source = bases.load_network(base, 96, "random", 3, pictures)
    converted = bases.tap_network(base, bases.rgb_network(base, published))
    module = getattr(keras.applications, base.keras_module)
    if name.startswith("mobilenet_v3"):
        constructor = getattr(keras.applications, base.keras_class)
        original = constructor(input_shape=(96, 96, 3), include_top=False, weights=None, include_preprocessing=True)
        original.set_weights(published.get_weights())
    else:
        original = published
    expected = np.asarray(original(module.preprocess_input(pictures.astype(np.float32)), training=False))
    pixels = (pictures - np.float32(base.mean)) / np.float32(base.std)
    found = np.asarray(converted(pixels, training=False)[0])
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("mobilenet_v2", {"mean": (0.0,) * 3, "std": (255.0,) * 3}),
        ("mobilenet_v2", {"mean": (127.0,) * 3}),
        ("efficientnet_lite0", {"mean": (127.5,) * 3, "std": (127.5,) * 3}),
        ("mobilenet_v3_small", {"mean": (0.0,) * 3, "std": (1.0,) * 3}),
        ("resnet50", {"bgr": False}),
        ("resnet50", {"mean": (103.939, 116.779, 123.68)}),
    ],
)
def test_wrong_preprocessing_is_refused(name, mistake):
    base = dataclasses.replace(bases.BASES[name], **mistake)
    pictures = calibration.held_out_pictures(96, crops=0)
    published, _source = bases.load_network(base, 96, "random", 0, pictures)
    converted = bases.tap_network(base, bases.rgb_network(base, published))
    with pytest.raises(weights.WeightsError, match=f"{name}: by mean .* differs from the publisher's preprocessing"):
        bases.check_preprocessing(base, published, converted, pictures)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("mobilenet", ["conv_pw_13_relu", "conv_pw_11_relu"]),
        ("resnet50", ["conv5_block3_out", "conv4_block6_out"]),
        ("vgg16", ["block5_pool", "block5_conv3"]),
    ],
)
def test_last_maps(name, layers):
    base = bases.BASES[name]
    network = base.build(224)
    assert [bases.tap_layer(network, tap) for tap in base.taps] == layers


@pytest.mark.parametrize(
    "name",
    ["mobilenet", "mobilenet_v3_large", "mobilenet_v3_small", "resnet50", "vgg16",
     pytest.param("resnet152", marks=pytest.mark.slow)],
)  # fmt: skip
def test_any_architecture_converts(name, read_metadata):
    base = bases.BASES[name]
    content, provenance, cosines = convert.convert(base, **TINY)
    assert min(cosines.values()) > 0.95
    check_file(content, provenance, read_metadata)
    described, _reader = read_metadata(content)
    assert described.name == base.title.encode()


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_file(name, read_metadata):
    content = committed_file(name).read_bytes()
    beside = json.loads(committed_file(name).with_suffix(".json").read_text())
    assert beside.pop("sha256") == hashlib.sha256(content).hexdigest()
    check_file(content, beside, read_metadata)
    assert set(beside["converter"]["operators"]) == {"ADD", "CONV_2D", "DEPTHWISE_CONV_2D"}
    assert beside["source"] == dataclasses.asdict(bases.BASES[name].packaged_weights)
    assert [tap["name"] for tap in beside["taps"]] == [tap.name for tap in bases.BASES[name].taps]


def check_file(content, provenance, read_metadata):
    """Provenance, standard metadata, interpreter and a third party's parser must tell the same of one file."""
    assert json.loads(quantize.metadata_entry(content, convert.PROVENANCE_ENTRY)) == provenance
    size, names = provenance["size"], [tap["name"] for tap in provenance["taps"]]

    described, reader = read_metadata(content)
    graph = described.subgraphMetadata[0]
    assert described.minParserVersion == b"1.0.0"
    assert described.license.decode() == provenance["source"]["licence"]
    (image,) = graph.inputTensorMetadata
    assert image.content.contentPropertiesType == reader.ContentProperties.ImageProperties
    assert image.content.contentProperties.colorSpace == reader.ColorSpaceType.RGB
    assert image.content.contentProperties.defaultSize.width == size
    assert image.content.contentProperties.defaultSize.height == size
    (unit,) = image.processUnits
    assert unit.optionsType == reader.ProcessUnitOptions.NormalizationOptions
    np.testing.assert_allclose(unit.options.mean, provenance["mean"], rtol=1e-6)
    np.testing.assert_allclose(unit.options.std, provenance["std"], rtol=1e-6)
    mean, std = np.array(provenance["mean"]), np.array(provenance["std"])
    np.testing.assert_allclose(image.stats.min, -mean / std, rtol=1e-6)
    np.testing.assert_allclose(image.stats.max, (255 - mean) / std, rtol=1e-6)
    assert [output.name.decode() for output in graph.outputTensorMetadata] == names

    interpreter = measure.open_file(content)
    (given,) = interpreter.get_input_details()
    assert (given["shape"].tolist(), given["dtype"]) == ([1, size, size, 3], np.int8)
    outputs = interpreter.get_output_details()
    assert [output["name"] for output in outputs] == names
    assert [output["dtype"] for output in outputs] == [np.int8] * len(names)
    assert [output["shape"].tolist()[1:] for output in outputs] == [tap["shape"] for tap in provenance["taps"]]
    assert all(tap["shape"][:2] == [size // tap["stride"]] * 2 for tap in provenance["taps"])
    pixels = (calibration.held_out_pictures(size, crops=0)[0] - mean) / std
    for found in measure.run(interpreter, pixels):
        assert len(np.unique(found)) > 20, "a degenerate map: quantization left next to no values"

    model = tflite.Model.GetRootAsModel(content, 0)
    assert model.SubgraphsLength() == 1
    graph = model.Subgraphs(0)
    assert [graph.Tensors(graph.Outputs(i)).Name().decode() for i in range(graph.OutputsLength())] == names
    for index in range(model.BuffersLength()):
        if model.Buffers(index).DataLength():
            start = model.Buffers(index)._tab.Vector(model.Buffers(index)._tab.Offset(4))
            assert start % 16 == 0, f"buffer {index} lies at {start}, not at a multiple of 16"


@pytest.mark.parametrize("name", COMMITTED)
def test_int8_maps_are_near_float_maps(name):
    base = bases.BASES[name]
    network = bases.tap_network(base, packaged_network(name))
    pictures = base.normalized(calibration.held_out_pictures(224, convert.HELD_OUT_CROPS))
    cosines = measure.similarity(committed_file(name).read_bytes(), network, pictures)
    for tap, cosine in zip(base.taps, cosines, strict=True):
        assert cosine > LOWEST_COSINE[name, tap.name], tap.name


def test_same_bytes_every_time():
    base = bases.BASES["mobilenet_v3_small"]
    assert convert.convert(base, **TINY)[0] == convert.convert(base, **TINY)[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMITTED)
def test_committed_file_is_made_again(name):
    """Not byte by byte: another kind of processor sums in another order, and a weight at .5 rounds the other way."""
    committed = committed_file(name).read_bytes()
    made, provenance, _cosines = convert.convert(bases.BASES[name])
    beside = json.loads(committed_file(name).with_suffix(".json").read_text())
    del beside["sha256"]
    assert provenance == beside
    described = [quantize.metadata_entry(content, metadata.ENTRY_NAME) for content in (committed, made)]
    assert described[0] == described[1]
    for old, new in zip(tensors(committed), tensors(made), strict=True):
        assert (old.name, old.shape) == (new.name, new.shape)
        np.testing.assert_allclose(old.scales, new.scales, rtol=1e-3, err_msg=old.name)
        if old.values is not None:
            difference = np.abs(old.values.astype(np.int64) - new.values)
            # Biases are counted in steps of the scales, so they may differ by as much as these.
            allowed = 1 if old.values.dtype == np.int8 else 1e-3 * np.abs(old.values).max() + 1
            assert difference.max() <= allowed, old.name


@dataclasses.dataclass
class TensorContent:
    name: str
    shape: tuple
    scales: np.ndarray
    values: np.ndarray | None


def tensors(content):
    interpreter = measure.open_file(content)
    constant = constant_tensors(content)
    for details in interpreter.get_tensor_details():
        index = details["index"]
        values = interpreter.get_tensor(index) if index in constant else None
        scales = details["quantization_parameters"]["scales"]
        yield TensorContent(details["name"], tuple(details["shape"]), scales, values)


def constant_tensors(content):
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    return {i for i in range(graph.TensorsLength()) if model.Buffers(graph.Tensors(i).Buffer()).DataLength()}


def test_calibration_and_measuring_share_no_photograph():
    held_out = {file for _package, file in calibration.HELD_OUT_PHOTOGRAPHS}
    assert not held_out & set(calibration.CALIBRATION_PHOTOGRAPHS)


def test_command_writes_file_and_provenance(tmp_path, capsys):
    convert.main(["mobilenet_v3_small", "--weights", "random", "--size", "96", "--out", str(tmp_path)])
    content = (tmp_path / "mobilenet_v3_small_96.tflite").read_bytes()
    beside = json.loads((tmp_path / "mobilenet_v3_small_96.json").read_text())
    assert beside["sha256"] == hashlib.sha256(content).hexdigest()
    assert beside["sha256"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnet50"], "resnet50: no package is known to carry its weights .* --weights keras"),
        (["efficientnet_lite0", "--weights", "keras"], "Keras has no such network; use --weights package"),
        (["mobilenet_v2", "--size", "200"], "--size 200: must be a multiple of 32 and at least 96"),
    ],
)
def test_command_says_what_is_wrong(arguments, message, tmp_path):
    with pytest.raises(SystemExit, match=message):
        convert.main([*arguments, "--out", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_another_weight_file_is_refused():
    other = dataclasses.replace(bases.MOBILENET_V2_WEIGHTS, sha256="0" * 64)
    with pytest.raises(weights.WeightsError, match="has SHA-256 272e38e5.*, expected 0000"):
        other.read()


def test_pickle_that_would_run_something_is_refused():
    harmful = b"cos\nsystem\n(S'true'\ntR."
    with pytest.raises(weights.WeightsError, match="wants os.system"):
        weights.read_torch_state_dict(harmful)


def test_keras_file_that_lacks_a_layer_is_refused():
    arrays = weights.read_keras_h5(bases.MOBILENET_V2_WEIGHTS.read(), bases.MOBILENET_V2_IN_PACKAGE)
    network = bases.BASES["mobilenet_v2"].build(96)
    lacking = {name: array for name, array in arrays.items() if name != "Conv1/kernel"}
    with pytest.raises(weights.WeightsError, match="lacks Conv1/kernel"):
        bases.assign_by_name(network, lacking)
    with pytest.raises(weights.WeightsError, match="holds what the network does not: extra/kernel"):
        bases.assign_by_name(network, {**arrays, "extra/kernel": math.pi})
