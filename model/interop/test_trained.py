"""What `passfail train` writes is a .tflite file like any other: others run it, read it and agree."""

import dataclasses
import io
import json
import math
import shutil
import zipfile

import numpy as np
import pytest
import tflite
from PIL import Image

import conftest
import station
import witnesses

# XNNPACK's kernels in other builds: measured up to 4e-5.
SAME_KERNELS = 1e-3
# Other kernels round 8-bit sums otherwise, and unsure scores move by up to 0.2. docs/models.md, "Self-test", says
# how far a model may be apart from itself elsewhere: so far in score or so far in log-odds.
OTHER_KERNELS, OTHER_KERNELS_LOG_ODDS = 0.05, 2.0
OTHER_KERNELS_NOVELTY = 0.25

OPTIONS = {
    "views and kernel": ["--base", "mobilenet_v2", "--size", "128", "--augment", "turns", "--seed", "2"],
    "by default": ["--budget", "10s"],
    "good parts only": ["--good-only"],
    "one sigmoid": ["--base", "efficientnet_lite0", "--size", "128", "--augment", "none"],
}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model, what others read in it, and how Passfail judged pictures by it."""

    name: str
    path: object
    described: witnesses.Described
    pictures: list  # files of the size of the model's input
    judged: station.Judged

    def views(self):
        """How many views of a picture the base is run on: the batch of its maps."""
        maps = witnesses.WITNESSES["LiteRT"].open(self.path).get_output_details()[-1]
        return maps["shape"][0]


@pytest.fixture(scope="module", params=list(OPTIONS))
def trained(request, passfail, lessons, parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    taught = {"good parts only": ["good"], "one sigmoid": ["good", "scratch"]}.get(request.param, conftest.LABELS)
    for label in taught:
        shutil.copytree(lessons / label, folder / "lessons" / label)
    path = passfail.train(folder / "lessons", folder / "model.tflite", *OPTIONS[request.param])
    described = witnesses.describe(path)
    assert described.labels == (["good", "unlike_good"] if taught == ["good"] else list(taught))
    pictures = station.resized(parts, described.size, folder)
    judged = passfail.classify(path, described.labels, pictures)
    return Trained(request.param, path, described, pictures, judged)


def test_is_of_the_kind_that_its_name_says(trained):
    """Else the options above have to change: each kind of graph is to be run by others."""
    if trained.name == "views and kernel":
        assert trained.views() == 2
        assert tflite.BuiltinOperator.EXP in operators(trained.path), "there is no kernel machine in it"
    scores = witnesses.WITNESSES["LiteRT"].open(trained.path).get_output_details()[0]
    labels = len(trained.described.labels)
    assert scores["shape"].tolist() == [1, 1 if labels == 2 else labels]
    assert trained.judged.novelty is not None
    # Agreement says something only of scores that differ.
    assert trained.judged.scores.std(axis=0).min() > 0.05


def operators(path):
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    return {model.OperatorCodes(i).BuiltinCode() for i in range(model.OperatorCodesLength())}


@pytest.mark.parametrize("name", witnesses.WITNESSES)
def test_others_judge_alike(trained, name):
    witness, described = witnesses.WITNESSES[name], trained.described
    interpreter = witness.open(trained.path)
    found = []
    for file in trained.pictures:
        found.append(witnesses.outputs(interpreter, described.normalized(Image.open(file))))
        assert list(found[-1]) == described.outputs
        assert all(np.isfinite(values).all() for values in found[-1].values())
        assert found[-1]["novelty_map"].shape[0] == found[-1]["novelty_map"].shape[3] == 1
    scores = witnesses.both(np.vstack([values["scores"] for values in found]))
    novelty = np.array([values["novelty"].item() for values in found])
    print(
        f"\n{trained.name}, {name}: scores at most {np.abs(scores - trained.judged.scores).max():.2g} apart, "
        f"novelty {np.abs(novelty - trained.judged.novelty).max():.2g}"
    )
    if witness.xnnpack:
        np.testing.assert_allclose(scores, trained.judged.scores, atol=SAME_KERNELS)
        np.testing.assert_allclose(novelty, trained.judged.novelty, rtol=SAME_KERNELS)
    else:
        near = np.abs(scores - trained.judged.scores) <= OTHER_KERNELS
        near |= np.abs(log_odds(scores) - log_odds(trained.judged.scores)) <= OTHER_KERNELS_LOG_ODDS
        assert near.all()
        np.testing.assert_allclose(novelty, trained.judged.novelty, rtol=OTHER_KERNELS_NOVELTY)


@pytest.mark.parametrize("name", witnesses.WITNESSES)
def test_others_call_it_by_names(trained, name):
    """By the signature alone, as a program does that knows no tensor's index."""
    witness, described = witnesses.WITNESSES[name], trained.described
    by_index, by_name = witness.open(trained.path), witness.open(trained.path)
    (given,) = by_index.get_input_details()
    assert by_name.get_signature_list() == {
        "serving_default": {"inputs": [given["name"]], "outputs": sorted(described.outputs)}
    }
    assert {"scores", "novelty", "novelty_map"} < {*described.outputs}
    call = by_name.get_signature_runner()
    for file in trained.pictures[::5]:
        normalized = described.normalized(Image.open(file))
        named = call(**{given["name"]: witnesses.quantized(normalized, given)[None]})
        expected = witnesses.outputs(by_index, normalized)
        for out in by_index.get_output_details():
            np.testing.assert_array_equal(witnesses.real(named[out["name"]], out), expected[out["name"]])


def log_odds(scores):
    scores = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.log(scores / (1 - scores))


def test_reference_pictures_score_as_the_file_says(trained):
    """The pictures packed with the model, read by zipfile, must get from LiteRT the scores that Passfail wrote down."""
    kept = json.loads(witnesses.metadata_entry(trained.path.read_bytes(), "PASSFAIL_SELFTEST"))
    interpreter = witnesses.WITNESSES["LiteRT"].open(trained.path)
    assert len(kept["pictures"]) >= 2
    with zipfile.ZipFile(trained.path) as archive:
        for picture in kept["pictures"]:
            image = Image.open(io.BytesIO(archive.read(picture["file"])))
            assert (image.mode, image.size) == ("RGB", (trained.described.size,) * 2)
            values = witnesses.outputs(interpreter, trained.described.normalized(image))
            scores = witnesses.both(values["scores"])[0]
            np.testing.assert_allclose(scores, picture["scores"], atol=SAME_KERNELS)
            assert trained.described.labels[scores.argmax()] == picture["label"]


def test_tflite_support_displays_it(trained):
    """The reader that the metadata's own authors publish."""
    try:
        displayer = witnesses.metadata_displayer().with_model_file(str(trained.path))
    except ImportError as err:
        pytest.skip(f"tflite-support 0.4.4 is compiled for Python 3.11 on x86-64 only: {err}")
    shown = json.loads(displayer.get_metadata_json())
    (graph,) = shown["subgraph_metadata"]
    (image,) = graph["input_tensor_metadata"]
    side = trained.described.size
    assert image["content"]["content_properties"] == {
        "color_space": "RGB",
        "default_size": {"width": side, "height": side},
    }
    (unit,) = image["process_units"]
    np.testing.assert_allclose(unit["options"]["mean"], trained.described.mean)
    np.testing.assert_allclose(unit["options"]["std"], trained.described.std)
    scores = graph["output_tensor_metadata"][0]
    assert scores["stats"] == {"min": [0.0], "max": [1.0]}
    (file,) = scores["associated_files"]
    assert (file["name"], file["type"]) == ("labels.txt", "TENSOR_AXIS_LABELS")
    assert displayer.get_associated_file_buffer("labels.txt").decode().splitlines() == trained.described.labels
    with zipfile.ZipFile(trained.path) as archive:
        assert displayer.get_packed_associated_file_list() == archive.namelist()
    assert shown["license"] and shown["author"]


def test_buffers_and_names_are_as_the_schema_wants(trained):
    """By code that another package generated from the public schema."""
    model = tflite.Model.GetRootAsModel(trained.path.read_bytes(), 0)
    assert model.SubgraphsLength() == 1
    graph = model.Subgraphs(0)
    names = [graph.Tensors(graph.Outputs(i)).Name().decode() for i in range(graph.OutputsLength())]
    assert names == trained.described.outputs
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            start = buffer._tab.Vector(buffer._tab.Offset(4))
            assert start % 16 == 0, f"buffer {index} lies at {start}, not at a multiple of 16"
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        values = model.Buffers(tensor.Buffer())
        if values.DataLength():
            width = {tflite.TensorType.FLOAT32: 4, tflite.TensorType.INT32: 4, tflite.TensorType.INT8: 1}
            elements = math.prod(tensor.Shape(i) for i in range(tensor.ShapeLength()))
            assert values.DataLength() == elements * width[tensor.Type()], tensor.Name()
