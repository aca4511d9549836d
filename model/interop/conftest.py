"""What the tests share: the built program, pictures of parts, and models that the program trained."""

import os
import pathlib
import subprocess

import convert  # first: it sets the environment that TensorFlow is loaded in

# isort: split
import pytest

import station

REPOSITORY = pathlib.Path(convert.__file__).resolve().parents[2]
LABELS = ("chip", "good", "missing_hole", "scratch")


@pytest.fixture(scope="session")
def passfail():
    """The program under test: bin/passfail, or the one that $PASSFAIL names."""
    return station.Program(pathlib.Path(os.environ.get("PASSFAIL", REPOSITORY / "bin" / "passfail")))


def generate(folder, per_class, seed):
    """Writes pictures of synthetic parts, a folder for each of LABELS."""
    command = ["deploy/env.sh", "go", "run", "./demo/generate", "-dataset", str(folder)]
    subprocess.run([*command, "-per-class", str(per_class), "-seed", str(seed)], cwd=REPOSITORY, check=True)
    return folder


@pytest.fixture(scope="session")
def lessons(tmp_path_factory):
    """Pictures to train on: twelve of each label."""
    return generate(tmp_path_factory.mktemp("lessons") / "parts", per_class=12, seed=1)


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    """Twenty pictures of parts that no model was trained on."""
    folder = generate(tmp_path_factory.mktemp("parts") / "parts", per_class=5, seed=77)
    return sorted(folder.glob("*/*.jpg"))
