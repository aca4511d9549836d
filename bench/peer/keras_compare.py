"""`passfail train` against the tutorials' Keras recipe, in turn on the same pictures: seconds to a model, and how good it is.

    python bench/peer/keras_compare.py [--program bin/passfail] [--elpv DIR] [--more]

The pictures are the demo's, drawn for it: 100 to train on, half of them good, and 400 others to test on. With --elpv, the
data set's folder, the same on 100 and 656 of its solar cells. Run it from the repository's root, by `make bench-keras`.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPE = pathlib.Path(__file__).resolve().parent / "keras_recipe.py"
sys.path.insert(0, str(ROOT / "model" / "convert"))

import bases  # noqa: E402

HEAD_ONLY = ("--base", "mobilenet_v2", "--size", "224", "--augment", "none")
PASSFAIL = {"MobileNetV2 at 224, head only": HEAD_ONLY, "as it comes": ()}


def go(*arguments: str) -> None:
    subprocess.run(["deploy/env.sh", "go", "run", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def demo_pictures(folder: pathlib.Path, count: int, seed: int) -> str:
    """Draws parts, half of them good and the others faulty in turn in each of three ways, and returns their folder."""
    drawn, labelled = folder / f"drawn-{seed}", folder / f"demo-{count}-{seed}"
    go("./demo/generate", "-dataset", str(drawn), "-per-class", str(count // 2), "-seed", str(seed))
    faults = sorted(p.name for p in drawn.iterdir() if p.name != "good")
    for label in ("good", "bad"):
        (labelled / label).mkdir(parents=True)
    for i, good in enumerate(sorted((drawn / "good").iterdir())):
        fault = faults[i % len(faults)]
        (labelled / "good" / good.name).symlink_to(good)
        (labelled / "bad" / f"{fault}-{good.name}").symlink_to(drawn / fault / good.name)
    return str(labelled)


def elpv_pictures(folder: pathlib.Path, data: str, program: str) -> tuple[str, str]:
    """Lets cmd/elpv link the folders of its first split: 100 cells to train on, and the test's."""
    go("./cmd/elpv", "-data", data, "-passfail", program, "-out", str(folder), "-few", "100", "-seeds", "1", "-train", " ".join(HEAD_ONLY))
    return str(folder / "split-1" / "train"), str(folder / "split-1" / "test")


def children_seconds() -> float:
    """Processor time of all processes that were started and have ended: other programs' load counts less in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def passfail(program: str, train: str, test: str, options: tuple[str, ...]) -> dict:
    """Trains with nothing cached. The time is that of the whole process, which also tests the model it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.tflite")
        start, used = time.perf_counter(), children_seconds()
        subprocess.run([program, "train", train, "-o", model, "--cache", "none", *options], check=True, stdout=subprocess.DEVNULL)
        seconds, processor = time.perf_counter() - start, children_seconds() - used
        done = subprocess.run([program, "evaluate", model, test, "--json"], check=True, stdout=subprocess.PIPE)
    figures = json.loads(done.stdout)
    return {"seconds": seconds, "processor_seconds": processor, "accuracy": figures["accuracy"], "auc": figures["auc"]}


def keras_recipe(train: str, test: str, *options: str) -> dict:
    command = [sys.executable, str(RECIPE), train, "--test", test, "--json", *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def compare(name: str, program: str, train: str, test: str) -> None:
    print(f"\n{name}", flush=True)
    ours = {}
    for what, options in PASSFAIL.items():
        before = load()
        ours[what] = passfail(program, train, test, options)
        show_passfail(what, ours[what], before)
    before = load()
    theirs = keras_recipe(train, test)
    show_keras(theirs, before)
    for what, figures in ours.items():
        whole, without = (theirs[key] / figures["seconds"] for key in ("seconds", "seconds_without_imports"))
        used = theirs["processor_seconds"] / figures["processor_seconds"]
        print(
            f"  Keras takes {whole:.0f} × the time of passfail, {what}; {without:.0f} × without its imports; "
            f"{used:.0f} × the processor time",
            flush=True,
        )


def show_passfail(what: str, report: dict, before: str) -> None:
    print(
        f"  passfail, {what}:",
        "{seconds:.2f} s, {processor_seconds:.2f} s of processor time, accuracy {accuracy:.3f}, AUC {auc:.3f}".format(**report),
        f"({before})",
        flush=True,
    )


def show_keras(report: dict, before: str) -> None:
    print(
        "  Keras, {network}, fed {taught_with}: {seconds:.1f} s, {seconds_without_imports:.1f} s without imports, "
        "{processor_seconds:.1f} s of processor time".format(**report),
        f"({before})",
    )
    for test in report["test"]:
        print("    tested with {fed}: accuracy {accuracy:.3f}, AUC {auc:.3f}, {pictures} pictures".format(**test), flush=True)


def more(name: str, program: str, train: str, test: str) -> None:
    """What a network from scratch comes to, and what pictures in the wrong range cost."""
    print(f"\n{name}", flush=True)
    before = load()
    ours = passfail(program, train, test, HEAD_ONLY)
    show_passfail("MobileNetV2 at 224, head only", ours, before)
    for options in ((), ("--preprocess=0..1",), ("--from-scratch",)):
        before = load()
        show_keras(keras_recipe(train, test, *options), before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "bin" / "passfail"))
    parser.add_argument("--elpv", help="the folder with ELPV's labels.csv (deploy/elpv.sh fetches it)")
    parser.add_argument(
        "--more", action="store_true", help="also 200 pictures: a small network from scratch, and pictures fed as 0..1"
    )
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    bases.MOBILENET_V2_WEIGHTS.read()  # fetched now if need be: no download shall count
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        test = demo_pictures(folder, 400, 2)
        compare("100 demo parts", program, demo_pictures(folder, 100, 1), test)
        if options.elpv:
            compare("100 solar cells of ELPV", program, *elpv_pictures(folder / "elpv", options.elpv, program))
        if options.more:
            more("200 demo parts", program, demo_pictures(folder, 200, 3), test)


if __name__ == "__main__":
    main()
