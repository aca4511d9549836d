"""Writes the standard TensorFlow Lite Metadata of a base: what to feed it, and what its outputs are.

The tables are those of the public metadata schema (file identifier M001). Only the few that a base needs are written,
by slot number: the one package that carries generated code for them wants old versions of everything else.
"""

import flatbuffers
from flatbuffers import number_types

FILE_IDENTIFIER = b"M001"
ENTRY_NAME = "TFLITE_METADATA"
MIN_PARSER_VERSION = "1.0.0"  # all tables and fields used here are of the schema's first version

RGB = 1  # ColorSpaceType
FEATURE_PROPERTIES, IMAGE_PROPERTIES = 1, 2  # ContentProperties
NORMALIZATION_OPTIONS = 1  # ProcessUnitOptions


class _Writer:
    """Writes tables bottom up: what a table refers to exists before it."""

    def __init__(self):
        self.builder = flatbuffers.Builder(2048)

    def text(self, value):
        return self.builder.CreateString(value)

    def floats(self, values):
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(value)
        return self.builder.EndVector()

    def references(self, offsets):
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def table(self, references=None, numbers=None):
        """references: {slot: offset}; numbers: {slot: (flags, value)}, with flags of flatbuffers.number_types."""
        references, numbers = references or {}, numbers or {}
        self.builder.StartObject(max([-1, *references, *numbers]) + 1)
        for slot, offset in references.items():
            self.builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, (flags, value) in numbers.items():
            self.builder.PrependSlot(flags, slot, value, 0)
        return self.builder.EndObject()

    def union(self, kind, value):
        """A table that holds nothing but a union: its type in slot 0, its value in slot 1."""
        return self.table(references={1: value}, numbers={0: (number_types.Uint8Flags, kind)})


def write(title, description, version, author, licence, size, mean, std, outputs):
    """Returns the metadata's bytes.

    size: width and height of the picture. mean, std: of R, G and B in 8-bit pixel values.
    outputs: [(name, description)] in the order of the file's outputs.
    """
    writer = _Writer()
    inputs = writer.references([_image_input(writer, size, mean, std)])
    maps = writer.references([_feature_map(writer, *output) for output in outputs])
    graph = writer.table(references={2: inputs, 3: maps})
    references = {
        0: writer.text(title),
        1: writer.text(description),
        2: writer.text(version),
        3: writer.references([graph]),
        4: writer.text(author),
        5: writer.text(licence),
        7: writer.text(MIN_PARSER_VERSION),
    }
    writer.builder.Finish(writer.table(references=references), FILE_IDENTIFIER)
    return bytes(writer.builder.Output())


def _image_input(writer, size, mean, std):
    unsigned = number_types.Uint32Flags
    default_size = writer.table(numbers={0: (unsigned, size), 1: (unsigned, size)})
    image = writer.table(references={1: default_size}, numbers={0: (number_types.Int8Flags, RGB)})
    content = writer.union(IMAGE_PROPERTIES, image)
    normalization = writer.table(references={0: writer.floats(mean), 1: writer.floats(std)})
    process_units = writer.references([writer.union(NORMALIZATION_OPTIONS, normalization)])
    # What black and white become by the normalization, to check a program's preprocessing against.
    darkest = [(0 - m) / s for m, s in zip(mean, std, strict=True)]
    brightest = [(255 - m) / s for m, s in zip(mean, std, strict=True)]
    stats = writer.table(references={0: writer.floats(brightest), 1: writer.floats(darkest)})
    name = writer.text("image")
    description = writer.text("The picture of a part, in RGB.")
    return writer.table(references={0: name, 1: description, 3: content, 4: process_units, 5: stats})


def _feature_map(writer, name, description):
    content = writer.union(FEATURE_PROPERTIES, writer.table())
    return writer.table(references={0: writer.text(name), 1: writer.text(description), 3: content})
