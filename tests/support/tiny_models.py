"""Model packages made on the spot: real int8 models of a few operations, whose answers can be told beforehand.

The classifier (28 x 28) finds "Bright" where the picture is bright and "Dark" where it is dark; its heat map is the
picture in 7 x 7 cells. The segmenter (32 x 48) takes what is bright for a head. Both are written with the schema that
ai-edge-litert carries, so that no training tools are needed.
"""

import hashlib
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

INPUT_SCALE, INPUT_ZERO = 1 / 127.5, 0
LOGIT_SCALE = 1 / 16
BUILTIN = schema.BuiltinOperator
INT8_VERSIONS = {BUILTIN.CONV_2D: 3, BUILTIN.AVERAGE_POOL_2D: 2, BUILTIN.LOGISTIC: 2, BUILTIN.FULLY_CONNECTED: 4}


class _Graph:
    """Collects tensors, buffers and operators of one subgraph."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.buffers: list[Any] = [schema.BufferT()]
        self.operators: list[Any] = []
        self.codes: list[int] = []

    def tensor(
        self,
        shape: tuple[int, ...],
        kind: int = schema.TensorType.INT8,
        scale: float = 0.0,
        zero_point: int = 0,
        content: NDArray[Any] | None = None,
    ) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = list(shape), kind, f"t{len(self.tensors)}".encode()
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
        tensor.buffer = 0
        if content is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(content.tobytes(), np.uint8)
            self.buffers.append(buffer)
            tensor.buffer = len(self.buffers) - 1
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def operator(self, code: int, inputs: list[int], output: int, options_type: int = 0, options: Any = None) -> None:
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = options_type, options
        self.operators.append(operator)

    def pool(self, source: int, output: int, size: int) -> None:
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideH = options.strideW = options.filterHeight = options.filterWidth = size
        self.operator(BUILTIN.AVERAGE_POOL_2D, [source], output, schema.BuiltinOptions.Pool2DOptions, options)

    def content(self, inputs: list[int], outputs: list[int]) -> bytes:
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs, subgraph.name = inputs, outputs, b"main"
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [subgraph], self.buffers
        model.operatorCodes = []
        for code in self.codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode = entry.deprecatedBuiltinCode = code
            entry.version = INT8_VERSIONS.get(code, 1)
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def float_classifier_content() -> bytes:
    """A model of the classifier's input in real numbers, to be timed only."""
    graph = _Graph()
    picture = graph.tensor((1, 28, 28, 1), schema.TensorType.FLOAT32)
    cells = graph.tensor((1, 7, 7, 1), schema.TensorType.FLOAT32)
    graph.pool(picture, cells, 4)
    return graph.content([picture], [cells])


def _logistic(graph: _Graph, source: int, shape: tuple[int, ...]) -> int:
    output = graph.tensor(shape, scale=1 / 256, zero_point=-128)
    graph.operator(BUILTIN.LOGISTIC, [source], output)
    return output


def classifier_content() -> bytes:
    """(1, 28, 28, 1) -> scores (1, 2) for bright and dark, heat map (1, 7, 7, 2)."""
    graph = _Graph()
    picture = graph.tensor((1, 28, 28, 1), scale=INPUT_SCALE, zero_point=INPUT_ZERO)
    cells = graph.tensor((1, 7, 7, 1), scale=INPUT_SCALE, zero_point=INPUT_ZERO)
    graph.pool(picture, cells, 4)
    weights = graph.tensor((2, 1, 1, 1), scale=4 / 127, content=np.array([127, -127], np.int8))
    bias = graph.tensor((2,), schema.TensorType.INT32, INPUT_SCALE * 4 / 127, content=np.zeros(2, np.int32))
    logits = graph.tensor((1, 7, 7, 2), scale=LOGIT_SCALE)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    options.dilationHFactor = options.dilationWFactor = 1
    graph.operator(BUILTIN.CONV_2D, [cells, weights, bias], logits, schema.BuiltinOptions.Conv2DOptions, options)
    whole = graph.tensor((1, 1, 1, 2), scale=LOGIT_SCALE)
    graph.pool(logits, whole, 7)
    flat = graph.tensor((1, 2), scale=LOGIT_SCALE)
    shape = graph.tensor((2,), schema.TensorType.INT32, content=np.array([1, 2], np.int32))
    reshape = schema.ReshapeOptionsT()
    reshape.newShape = [1, 2]
    graph.operator(BUILTIN.RESHAPE, [whole, shape], flat, schema.BuiltinOptions.ReshapeOptions, reshape)
    return graph.content([picture], [_logistic(graph, flat, (1, 2)), _logistic(graph, logits, (1, 7, 7, 2))])


def linear_content(weights: NDArray[np.floating], bias: NDArray[np.floating]) -> bytes:
    """(1, 28, 28, 1) -> scores (1, columns): of each column the sigmoid of the 7 x 7 cells' mean grays, -1 to 1, by its
    `weights` (columns, 7, 7), plus its `bias` (columns,).
    """
    columns, largest = len(weights), float(np.abs(weights).max())
    graph = _Graph()
    picture = graph.tensor((1, 28, 28, 1), scale=INPUT_SCALE, zero_point=INPUT_ZERO)
    cells = graph.tensor((1, 7, 7, 1), scale=INPUT_SCALE, zero_point=INPUT_ZERO)
    graph.pool(picture, cells, 4)
    flat = graph.tensor((1, 49), scale=INPUT_SCALE, zero_point=INPUT_ZERO)
    shape = graph.tensor((2,), schema.TensorType.INT32, content=np.array([1, 49], np.int32))
    reshape = schema.ReshapeOptionsT()
    reshape.newShape = [1, 49]
    graph.operator(BUILTIN.RESHAPE, [cells, shape], flat, schema.BuiltinOptions.ReshapeOptions, reshape)
    scale = largest / 127
    steps = (weights.reshape(columns, 49) / scale).round().astype(np.int8)
    kernel = graph.tensor((columns, 49), scale=scale, content=steps)
    biases = (bias / (INPUT_SCALE * scale)).round().astype(np.int32)
    added = graph.tensor((columns,), schema.TensorType.INT32, INPUT_SCALE * scale, content=biases)
    logits = graph.tensor((1, columns), scale=LOGIT_SCALE)
    graph.operator(
        BUILTIN.FULLY_CONNECTED,
        [flat, kernel, added],
        logits,
        schema.BuiltinOptions.FullyConnectedOptions,
        schema.FullyConnectedOptionsT(),
    )
    return graph.content([picture], [_logistic(graph, logits, (1, columns))])


def segmenter_content() -> bytes:
    """(1, 32, 48, 1) -> mask (1, 16, 24, 1): what is brighter than mid gray."""
    return _segmenter_content([6.0], [0.0])


def blind_content() -> bytes:
    """(1, 32, 48, 1) -> mask (1, 16, 24, 1): everything, whatever the picture shows."""
    return _segmenter_content([1.0], [100.0])


def nerve_and_vessel_content() -> bytes:
    """(1, 32, 48, 1) -> mask (1, 16, 24, 2): what is brighter than mid gray, and what is darker than gray 38."""
    return _segmenter_content([6.0, -40.0], [0.0, -28.0])


def _segmenter_content(weights: list[float], biases: list[float]) -> bytes:
    """A mask with a channel for each of `weights`: the sigmoid of the gray, -1 to 1, times the weight plus the bias."""
    channels, scale = len(weights), max(map(abs, weights)) / 127
    graph = _Graph()
    picture = graph.tensor((1, 32, 48, 1), scale=INPUT_SCALE, zero_point=INPUT_ZERO)
    cells = graph.tensor((1, 16, 24, 1), scale=INPUT_SCALE, zero_point=INPUT_ZERO)
    graph.pool(picture, cells, 2)
    steps = (np.array(weights) / scale).round().astype(np.int8)
    kernel = graph.tensor((channels, 1, 1, 1), scale=scale, content=steps)
    added = (np.array(biases) / (INPUT_SCALE * scale)).round().astype(np.int32)
    bias = graph.tensor((channels,), schema.TensorType.INT32, INPUT_SCALE * scale, content=added)
    logits = graph.tensor((1, 16, 24, channels), scale=LOGIT_SCALE)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    options.dilationHFactor = options.dilationWFactor = 1
    graph.operator(BUILTIN.CONV_2D, [cells, kernel, bias], logits, schema.BuiltinOptions.Conv2DOptions, options)
    return graph.content([picture], [_logistic(graph, logits, (1, 16, 24, channels))])


CLASSIFIER = """
name = "tiny-chest"
version = "1.2.3"
task = "classification"
demonstration = true
intended_use = "Tests only."
[applies_to]
modalities = ["CR", "DX"]
body_parts = ["CHEST"]
views = ["PA", "AP"]
words.CHEST = "THORAX CXR"
[input]
height = 28
width = 28
[outputs]
scores = 0
heatmap = 1
[[finding]]
name = "Bright"
code = {value = "1", scheme = "99TEST", meaning = "Bright"}
threshold = 0.6
urgent = true
[[finding]]
name = "Dark"
code = {value = "2", scheme = "99TEST", meaning = "Dark"}
threshold = 0.6
"""

# The same model, which takes dark pictures for AP films.
VIEW_TELLER = (
    CLASSIFIER[: CLASSIFIER.rindex("[[finding]]")]
    .replace("threshold = 0.6", "threshold = 0.2")
    .replace(
        "urgent = true",
        "urgent = true\nby_view = { PA = { threshold = 0.6, urgent_threshold = 0.8 }, AP = { threshold = 0.2 } }",
    )
    + "[view]\ncolumn = 1\n"
)

SEGMENTER = """
name = "tiny-head"
version = "0.0.1"
task = "segmentation"
demonstration = true
intended_use = "Tests only."
[applies_to]
modalities = ["US"]
body_parts = ["FETUS"]
words.FETUS = "FETAL OB OBSTETRICAL"
[input]
height = 32
width = 48
[outputs]
mask = 0
[[finding]]
name = "Fetal head"
code = {value = "3", scheme = "99TEST", meaning = "Fetal head"}
threshold = 0.8
[measurement]
name = "Head circumference"
code = {value = "11984-2", scheme = "LN", meaning = "Head circumference"}
estimate = "gestational_age_hadlock_1984"
"""

NERVE_SEGMENTER = """
name = "tiny-nerve"
version = "0.0.1"
task = "segmentation"
demonstration = true
intended_use = "Tests only."
[applies_to]
modalities = ["US"]
body_parts = ["NERVE"]
words.NERVE = "INTERSCALENE"
[input]
height = 32
width = 48
[outputs]
mask = 0
[[finding]]
name = "Nerve"
code = {value = "4", scheme = "99TEST", meaning = "Nerve"}
threshold = 0.8
least_area = 0.003
[measurement]
kind = "area"
name = "Area"
code = {value = "42798000", scheme = "SCT", meaning = "Area"}
unit = "mm2"
"""


# What is bright is a nerve, and what is nearly black a vessel.
NERVE_AND_VESSEL = (
    NERVE_SEGMENTER.replace("least_area = 0.003\n", "")
    .replace(
        "[applies_to]",
        'caution = "Of ten nerves it outlines, about three are none."\n'
        'aid = "An aid for finding a nerve, no diagnosis. It must not guide a needle."\n[applies_to]',
    )
    .replace(
        "[measurement]",
        """[[finding]]
name = "Vessel"
code = {value = "5", scheme = "99TEST", meaning = "Vessel"}
threshold = 0.5
drawn = "hatched"
[measurement]""",
    )
)


def write_package(folder: Path, manifest: str, model: bytes) -> Path:
    """A package with its hashes, also of a `quality.npz` that lies in its folder already; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tflite").write_bytes(model)
    hashes = [f'"{path.name}" = "{hashlib.sha256(path.read_bytes()).hexdigest()}"' for path in folder.iterdir()]
    (folder / "model.toml").write_text("\n".join([manifest, "[files]", *sorted(hashes), ""]))
    return folder


def write_classifier(directory: Path) -> Path:
    """The tiny classifier, in a folder of its own in `directory`."""
    return write_package(directory / "tiny-chest", CLASSIFIER, classifier_content())


def write_segmenter(directory: Path) -> Path:
    """The tiny segmenter, in a folder of its own in `directory`."""
    return write_package(directory / "tiny-head", SEGMENTER, segmenter_content())


def write_nerve_and_vessel(directory: Path) -> Path:
    """The tiny segmenter of nerves and vessels, in a folder of its own in `directory`."""
    return write_package(directory / "tiny-nerve", NERVE_AND_VESSEL, nerve_and_vessel_content())
