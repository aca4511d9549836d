"""The usual Python loop: OpenCV reads a video, LiteRT judges each frame. What `passfail bench` is compared with.

    python peer.py MODEL VIDEO [THREADS]

prints one JSON object: frames a second, and medians of each step in milliseconds.
"""

import json
import sys
import time

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    model, video = sys.argv[1:3]
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    interpreter = Interpreter(model_path=model, num_threads=threads)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    got = interpreter.get_output_details()[0]
    _, height, width, _ = given["shape"]
    scale, zero = given["quantization"]
    interpreter.set_tensor(given["index"], np.zeros(given["shape"], np.int8))
    interpreter.invoke()  # the first run is slower
    capture = cv2.VideoCapture(video)
    steps = {"decode": [], "prepare": [], "invoke": [], "path": []}
    passed = 0
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
        scores = interpreter.get_tensor(got["index"])[0]
        passed += int(scores.argmax() == 0)
        t4 = time.perf_counter()
        for name, seconds in (("decode", t1 - t0), ("prepare", t2 - t1), ("invoke", t3 - t2), ("path", t4 - t1)):
            steps[name].append(seconds)
    took = time.perf_counter() - start
    frames = len(steps["path"])
    report = {"frames": frames, "fps": frames / took, "passed": passed}
    for name, seconds in steps.items():
        report[f"{name}_ms"] = 1000 * float(np.median(seconds))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
