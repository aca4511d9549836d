"""Passfail against the usual Python loop, in turn on the same video: OpenCV reads it, LiteRT judges each frame.

    python bench/peer/peer.py [--program bin/passfail] [--model demo/model.tflite] [--video FILE] [--rounds 3]

Without --video one is written from the demo's pictures: 600 frames of 640 × 480 as Motion JPEG.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

FRAMES = 600


def write_video(path: pathlib.Path) -> None:
    pictures = [cv2.imread(str(p)) for p in sorted(pathlib.Path("demo/parts").glob("*.jpg"))]
    if not pictures:
        raise SystemExit("peer.py: demo/parts has no pictures; run this from the repository's root, or give --video")
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (width, height))
    for i in range(FRAMES):
        writer.write(pictures[i % len(pictures)])
    writer.release()


def python_loop(model: str, video: str) -> dict:
    """One pass over the video: frames a second, and medians of the steps in milliseconds."""
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    got = interpreter.get_output_details()[0]
    _, height, width, _ = given["shape"]
    scale, zero = given["quantization"]
    interpreter.set_tensor(given["index"], np.zeros(given["shape"], np.int8))
    interpreter.invoke()  # the first run is slower
    capture = cv2.VideoCapture(video)
    steps = {"decode": [], "prepare": [], "invoke": [], "path": []}
    labels = set()
    start = time.perf_counter()
    while True:
        t0 = time.perf_counter()
        ok, frame = capture.read()
        if not ok:
            break
        t1 = time.perf_counter()
        image = cv2.cvtColor(cv2.resize(frame, (int(width), int(height))), cv2.COLOR_BGR2RGB)
        real = (image.astype(np.float32) - 127.5) / 127.5
        tensor = np.clip(np.round(real / scale + zero), -128, 127).astype(np.int8)
        interpreter.set_tensor(given["index"], tensor[None])
        t2 = time.perf_counter()
        interpreter.invoke()
        t3 = time.perf_counter()
        labels.add(int(interpreter.get_tensor(got["index"])[0].argmax()))
        t4 = time.perf_counter()
        for name, seconds in (("decode", t1 - t0), ("prepare", t2 - t1), ("invoke", t3 - t2), ("path", t4 - t1)):
            steps[name].append(seconds)
    report = {"fps": len(steps["path"]) / (time.perf_counter() - start)}
    for name, seconds in steps.items():
        report[f"{name}_ms"] = 1000 * statistics.median(seconds)
    return report


def passfail(program: str, model: str, video: str) -> dict:
    done = subprocess.run(
        [program, "bench", "--json", "--for", "4s", "--video", video, "--model", model], check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="bin/passfail")
    parser.add_argument("--model", default="demo/model.tflite", help="int8, normalized to -1..1 (default: the demo's)")
    parser.add_argument("--video")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = options.video
        if video is None:
            video = str(pathlib.Path(folder) / "parts.avi")
            write_video(pathlib.Path(video))
        ratios = []
        for _ in range(options.rounds):
            ours, theirs = passfail(options.program, options.model, video), python_loop(options.model, video)
            ratios.append(ours["fps"] / theirs["fps"])
            print(
                f"passfail {ours['fps']:.0f} frames/s, decoded frame to pins {ours['path_ms']:.2f} ms; "
                f"Python {theirs['fps']:.0f} frames/s, decoded frame to score {theirs['path_ms']:.2f} ms "
                f"(invoke {theirs['invoke_ms']:.2f}); ratio of frames/s {ratios[-1]:.2f}",
                flush=True,
            )
        print(f"passfail plays the video {statistics.median(ratios):.2f} times as fast (median of {options.rounds})")


if __name__ == "__main__":
    main()
