"""Runs the built program, as a person or a script does: by its command line."""

import dataclasses
import json
import pathlib
import subprocess

import numpy as np
from PIL import Image


@dataclasses.dataclass(frozen=True)
class Judged:
    """What `passfail classify --json` says of pictures, in their order."""

    scores: np.ndarray  # [pictures, labels]
    novelty: np.ndarray | None  # [pictures], of models that tell it


class Program:
    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()
        if not self.path.exists():
            raise FileNotFoundError(f"{self.path}: not there; `make build` makes it, or name another in $PASSFAIL")

    def run(self, *arguments):
        """Returns what the command prints. What it says on standard error is the error if it fails."""
        command = [str(self.path), *map(str, arguments)]
        # Away from any configuration, which would change how pictures are seen.
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
        return done.stdout

    def train(self, folder, model, *options):
        self.run("train", folder, "-o", model, "--cache", "none", *options)
        return model

    def classify(self, model, labels, pictures):
        """labels: all of the model's, in the order that the scores are wanted in."""
        judged = json.loads(self.run("classify", "--json", "--model", model, "--pass", "good", *pictures))
        assert [item["file"] for item in judged] == [str(picture) for picture in pictures]
        assert {*judged[0]["scores"]} == {*labels}
        scores = np.array([[item["scores"][label] for label in labels] for item in judged])
        novelty = np.array([item["novelty"] for item in judged]) if "novelty" in judged[0] else None
        return Judged(scores, novelty)


def resized(pictures, size, folder):
    """Writes the pictures as size × size PNG files, which Passfail and Python then see pixel for pixel alike."""
    files = []
    for picture in pictures:
        file = folder / f"{picture.parent.name}-{picture.stem}-{size}.png"
        Image.open(picture).resize((size, size), Image.Resampling.BOX).save(file)
        files.append(file)
    return files
