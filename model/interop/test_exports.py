"""Passfail runs classifiers that other tools export, by the sidecars that docs/models.md says to write."""

import numpy as np
import pytest
from PIL import Image

import conftest
import exports
import station
import witnesses

ALL, TWO = conftest.LABELS, ("good", "scratch")

SAME_KERNELS = 1e-4
# Kernels of dynamic range round a picture's activations as it comes, and each version of them does so otherwise.
DYNAMIC_RANGE = 0.03
TO_KERAS = 1e-3


def folders(lessons, labels):
    return tuple(lessons / label for label in labels)


def check(export, model, passfail, parts, folder, to_keras, same_kernels=SAME_KERNELS):
    """Passfail, LiteRT on the same file, and Keras before the conversion must give the same scores.

    to_keras: by how much the scores may be off those of Keras, in the mean.
    """
    pictures = station.resized(parts, export.size, folder)
    judged = passfail.classify(model, export.labels, pictures)
    inputs = export.normalized([np.asarray(Image.open(file)) for file in pictures])
    for name in ("LiteRT", "TensorFlow"):
        interpreter = witnesses.WITNESSES[name].open(model)
        rows = [next(iter(witnesses.outputs(interpreter, picture).values())) for picture in inputs]
        scores = witnesses.both(np.vstack(rows))
        print(f"{name}: at most {np.abs(scores - judged.scores).max():.2g} apart", end="; ")
        np.testing.assert_allclose(judged.scores, scores, atol=same_kernels)
    expected = witnesses.both(np.asarray(export.network.predict(inputs, verbose=0)))
    apart = np.abs(expected - judged.scores)
    print(f"Keras: {apart.mean():.2g} in the mean, at most {apart.max():.2g}")
    # Agreement says something only of scores that differ.
    assert expected.std(axis=0).min() > 0.05
    assert apart.mean() < to_keras
    assert judged.novelty is None
    return judged


@pytest.mark.parametrize("quantized", [False, True], ids=["float", "quantized"])
def test_teachable_machine(quantized, passfail, lessons, parts, tmp_path):
    export, labels_text = exports.teachable_machine(folders(lessons, ("chip", "good", "scratch")), quantized)
    given = witnesses.litert.Interpreter(model_content=export.content).get_input_details()[0]
    assert given["dtype"] == (np.uint8 if quantized else np.float32)
    assert given["shape_signature"].tolist() == [-1, 224, 224, 3]
    assert labels_text == "0 chip\n1 good\n2 scratch\n"
    (tmp_path / "labels.txt").write_text(labels_text)
    model = export.write(tmp_path, 'labels_file = "labels.txt"')
    judged = check(export, model, passfail, parts, tmp_path, to_keras=0.1 if quantized else TO_KERAS)
    # The other way of saying the labels that docs/models.md shows.
    export.write(tmp_path, 'labels = ["chip", "good", "scratch"]')
    again = passfail.classify(model, export.labels, station.resized(parts, export.size, tmp_path))
    np.testing.assert_array_equal(again.scores, judged.scores)


@pytest.mark.parametrize(
    ("labels", "options", "to_keras", "same_kernels"),
    [
        pytest.param(TWO, {}, TO_KERAS, SAME_KERNELS, id="float, one sigmoid"),
        pytest.param(ALL, {"scaling_inside": True}, TO_KERAS, SAME_KERNELS, id="float, scaling inside"),
        pytest.param(ALL, {"quantization": "float16"}, 0.01, SAME_KERNELS, id="float16 weights"),
        pytest.param(ALL, {"quantization": "dynamic range"}, 0.1, DYNAMIC_RANGE, id="dynamic range"),
        pytest.param(TWO, {"quantization": "int8"}, 0.1, SAME_KERNELS, id="int8, one sigmoid"),
        pytest.param(ALL, {"quantization": "int8"}, 0.1, SAME_KERNELS, id="int8"),
        pytest.param(
            ALL, {"quantization": "int8 inside", "scaling_inside": True}, 0.1, SAME_KERNELS,
            id="int8, float at both ends, scaling inside",
        ),
    ],
)  # fmt: skip
def test_keras(labels, options, to_keras, same_kernels, passfail, lessons, parts, tmp_path):
    export = exports.keras_classifier(folders(lessons, labels), **options)
    names = ", ".join(f'"{label}"' for label in export.labels)
    model = export.write(tmp_path, f"labels = [{names}]")
    check(export, model, passfail, parts, tmp_path, to_keras, same_kernels)


def test_without_sidecar_it_is_refused(passfail, lessons, parts, tmp_path):
    export = exports.keras_classifier(folders(lessons, TWO))
    model = export.write(tmp_path, 'labels = ["good", "scratch"]')
    model.with_name("model.tflite.toml").unlink()
    with pytest.raises(AssertionError, match="does not say how pictures must be prepared"):
        passfail.classify(model, export.labels, parts)
