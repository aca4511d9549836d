"""Pictures that show the quantizer which values occur at every point of a network.

They are made of photographs that scikit-image carries inside its package, each CC0, in the public domain, or with no
known copyright restrictions. scikit-learn's two photographs and three more of scikit-image are kept out: a converted
file is measured on pictures that calibration never saw.
"""

import importlib.resources

import numpy as np
from PIL import Image

CALIBRATION_PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
    "gravel.png", "hubble_deep_field.jpg", "ihc.png", "rocket.jpg", "text.png",
)  # fmt: skip
HELD_OUT_PHOTOGRAPHS = (
    ("sklearn.datasets.images", "china.jpg"),
    ("sklearn.datasets.images", "flower.jpg"),
    ("skimage.data", "retina.jpg"),
    ("skimage.data", "clock_motion.png"),
    ("skimage.data", "motorcycle_left.png"),
)


def photograph(package, file):
    """Returns a photograph that a package carries, as a PIL image in RGB."""
    with importlib.resources.files(package).joinpath(file).open("rb") as stream:
        return Image.open(stream).convert("RGB")


def calibration_pictures(size, count, seed):
    """Returns [count, size, size, 3] RGB, 8 bit: varied crops of the photographs, and about one in eight drawn."""
    rng = np.random.default_rng(seed)
    photographs = [photograph("skimage.data", file) for file in CALIBRATION_PHOTOGRAPHS]
    drawn = list(_drawn_pictures(size, rng, count // 8))
    crops = [_varied_crop(photographs[index % len(photographs)], size, rng) for index in range(count - len(drawn))]
    return np.stack(drawn + crops)


def held_out_pictures(size, crops, seed=1):
    """Returns [n, size, size, 3] RGB, 8 bit: each held-out photograph whole, then as that many varied crops."""
    rng = np.random.default_rng(seed)
    pictures = []
    for package, file in HELD_OUT_PHOTOGRAPHS:
        whole = photograph(package, file)
        pictures.append(np.asarray(whole.resize((size, size), Image.Resampling.BICUBIC)))
        pictures.extend(_varied_crop(whole, size, rng) for _ in range(crops))
    return np.stack(pictures)


def _varied_crop(picture, size, rng):
    """A square crop of any scale: mirrored, in other light, or in gray, as inspection cameras often give it."""
    width, height = picture.size
    shorter = min(width, height)
    side = int(rng.integers(shorter // 3, shorter + 1))
    left, top = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    crop = picture.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BILINEAR)
    values = np.asarray(crop, np.float64)
    if rng.random() < 0.5:
        values = values[:, ::-1]
    if rng.random() < 0.3:
        values = np.repeat(values.mean(axis=-1, keepdims=True), 3, axis=-1)
    contrast, brightness = rng.uniform(0.6, 1.5), rng.uniform(-40, 40)
    return _to_8_bit((values - 128) * contrast + 128 + brightness)


def _drawn_pictures(size, rng, count):
    """What no photograph has: empty and overexposed frames, colour noise, and plain gradients, by turns."""
    ramp = np.linspace(0, 1, size)
    for index in range(count):
        if index == 0:
            yield np.zeros((size, size, 3), np.uint8)
        elif index == 1:
            yield np.full((size, size, 3), 255, np.uint8)
        elif index % 4 == 2:
            yield rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
        else:
            slopes = rng.uniform(-1, 1, (2, 3))
            gradient = ramp[:, None, None] * slopes[0] + ramp[None, :, None] * slopes[1]
            yield _to_8_bit(128 + 127 * gradient)


def _to_8_bit(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
