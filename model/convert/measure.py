"""Runs converted files: how near int8 is to float, and how long one picture takes."""

import argparse
import pathlib
import statistics
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

WARM_UP_RUNS = 5


def open_file(content, threads=1):
    """Returns a LiteRT interpreter of a .tflite file's bytes, ready to run."""
    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def run(interpreter, normalized):
    """Returns the outputs for one normalized picture [size, size, 3] as real numbers, in the file's order."""
    tensor = interpreter.get_input_details()[0]
    scale, zero_point = tensor["quantization"]
    quantized = np.clip(np.rint(normalized / scale) + zero_point, -128, 127).astype(np.int8)
    interpreter.set_tensor(tensor["index"], quantized[None])
    interpreter.invoke()
    outputs = []
    for output in interpreter.get_output_details():
        scale, zero_point = output["quantization"]
        outputs.append((interpreter.get_tensor(output["index"])[0].astype(np.float32) - zero_point) * scale)
    return outputs


def similarity(content, network, normalized):
    """Returns for each output the mean over pictures of the cosine between its int8 and its float map.

    network: gives the float maps, in the same order. normalized: [n, size, size, 3].
    """
    interpreter = open_file(content)
    cosines = []
    for picture in normalized:
        floats = [np.asarray(value)[0] for value in network(picture[None], training=False)]
        cosines.append([_cosine(a, b) for a, b in zip(run(interpreter, picture), floats, strict=True)])
    return [float(value) for value in np.mean(cosines, axis=0)]


def _cosine(a, b):
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return a @ b / np.sqrt((a @ a) * (b @ b))


def latencies(content, threads, runs):
    """Returns the milliseconds of each of so many inferences, after a few that warm the caches."""
    interpreter = open_file(content, threads)
    times = []
    for _ in range(WARM_UP_RUNS + runs):
        start = time.perf_counter()
        interpreter.invoke()
        times.append((time.perf_counter() - start) * 1000)
    return times[WARM_UP_RUNS:]


def main():
    parser = argparse.ArgumentParser(description="Print how long one inference of each .tflite file takes.")
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--threads", type=int, default=1, help="threads of the interpreter (default %(default)s)")
    parser.add_argument("--runs", type=int, default=50, help="inferences to time (default %(default)s)")
    args = parser.parse_args()
    for file in args.files:
        times = latencies(file.read_bytes(), args.threads, args.runs)
        # On a machine with other work the fastest run says more about the network, the median more about the machine.
        print(f"{statistics.median(times):8.2f} ms median, {min(times):.2f} ms fastest  {file.name}", flush=True)


if __name__ == "__main__":
    main()
