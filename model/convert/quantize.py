"""Turns a Keras network into an int8 TensorFlow Lite file with named outputs in a fixed order."""

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

FILE_IDENTIFIER = b"TFL3"
INPUT_NAME = "image"


def quantize(network, names, pictures):
    """Returns the bytes of a full-integer file: int8 in, int8 out, weights quantized per output channel.

    network: takes [n, size, size, 3] float32 and gives one map per name.
    pictures: normalized as the network takes them, float32; their values set the ranges of the activations.
    """
    shape = (1, *network.input.shape[1:])

    # Called with arrays in place of its variables: the converter then meets constants, which it folds and quantizes.
    trainable = [variable.numpy() for variable in network.trainable_variables]
    fixed = [variable.numpy() for variable in network.non_trainable_variables]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name=INPUT_NAME)])
    def serve(image):
        maps, _ = network.stateless_call(trainable, fixed, image, training=False)
        return dict(zip(names, maps, strict=True))

    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], tf.Module())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[None]] for picture in pictures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    model = schema.ModelT.InitFromPackedBuf(converter.convert())
    _name_and_order(model, names)
    return pack(model)


def _name_and_order(model, names):
    """Brings the outputs into the order of names: the converter sorts and renames them as it likes.

    Which output is which is known from the signature alone, so that is where it is read from.
    """
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    outputs = {_text(output.name): output.tensorIndex for output in signature.outputs}
    if sorted(outputs) != sorted(names) or sorted(outputs.values()) != sorted(graph.outputs):
        raise ValueError(f"the converter made outputs {outputs}, wanted {names}; it may have merged equal ones")
    graph.outputs = np.array([outputs[name] for name in names], np.int32)
    signature.outputs = [next(item for item in signature.outputs if _text(item.name) == name) for name in names]
    for name in names:
        graph.tensors[outputs[name]].name = name
    graph.tensors[graph.inputs[0]].name = INPUT_NAME


def _text(name):
    return name.decode() if isinstance(name, bytes) else name


def operators(content):
    """Returns {operator: how many} of a file, by name."""
    model = schema.ModelT.InitFromPackedBuf(content)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    counts = {}
    for operator in model.subgraphs[0].operators:
        name = names[model.operatorCodes[operator.opcodeIndex].builtinCode]
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def add_metadata(content, entries):
    """Returns the file with further metadata entries; entries: {name: bytes}."""
    model = schema.ModelT.InitFromPackedBuf(content)
    for name, data in entries.items():
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data, np.uint8)
        model.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, len(model.buffers) - 1
        model.metadata = [*(model.metadata or []), entry]
    return pack(model)


def metadata_entry(content, name):
    """Returns the bytes of a file's metadata entry, or None where the file has none of that name."""
    model = schema.ModelT.InitFromPackedBuf(content)
    for entry in model.metadata or []:
        if _text(entry.name) == name:
            return bytes(model.buffers[entry.buffer].data)
    return None


class _AlignedBuffer(schema.BufferT):
    """A buffer at a multiple of 16 bytes, as the schema demands and the generated Python code forgets."""

    def Pack(self, builder):  # noqa: N802 (overrides generated code)
        data = None
        if self.data is not None and len(self.data):
            content = bytes(self.data)
            builder.StartVector(1, len(content), 16)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def pack(model):
    """Returns the bytes of a model object."""
    aligned = []
    for buffer in model.buffers:
        copy = _AlignedBuffer()
        copy.data = buffer.data
        aligned.append(copy)
    model.buffers = aligned
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())
