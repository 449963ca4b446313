"""What edgetpu_compiler prints, read into numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from leapfrog_training.errors import CompilerError

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)")
VERSION = re.compile(r"^Edge TPU Compiler version (\S+)", re.MULTILINE)
FIELD = re.compile(r"^([^:\n]+):[ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
OPERATOR_ROW = re.compile(r"^([A-Z][A-Z0-9_]*)[ \t]+(\d+)[ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
MAPPED = "Mapped to Edge TPU"
TIMED_OUT = "Compilation timeout"
# Lines that stand in every output and say nothing of why a model was refused.
FRAME = (
    "Edge TPU Compiler version",
    "Started a compilation timeout timer",
    "Compilation child process completed",
    "Compilation failed! ",
)
LONGEST_COMPLAINT = 400


@dataclass(frozen=True)
class OperatorStatus:
    """A row of the table that -s prints: how many operations of a kind share a fate."""

    operator: str
    count: int
    status: str


@dataclass(frozen=True)
class ModelReport:
    """What the compiler says of one model. Sizes in bytes, as exact as two decimals of the unit that it chose."""

    input_model: str
    input_bytes: int
    output_model: str
    output_bytes: int
    on_chip_bytes: int
    remaining_bytes: int
    streamed_bytes: int
    subgraphs: int
    operations: int
    operations_on_cpu: int
    operators: tuple[OperatorStatus, ...]

    @property
    def operations_on_edge_tpu(self) -> int:
        """How many operations were mapped."""
        return self.operations - self.operations_on_cpu

    @property
    def left_to_the_cpu(self) -> str:
        """The operations that were not mapped and why, for a person."""
        rows = [f"{row.count} {row.operator}: {row.status}" for row in self.operators if row.status != MAPPED]
        return "; ".join(rows)


@dataclass(frozen=True)
class CompilerLog:
    """The whole output of a run that compiled."""

    version: str
    models: tuple[ModelReport, ...]


def read_log(text: str) -> CompilerLog:
    """The log of one run with -s. Raises CompilerError when the compiler refused or its output is in no known form."""
    version = VERSION.search(text)
    if version is None:
        raise CompilerError(f"this is not the output of edgetpu_compiler: {complaint(text)}")
    starts = [match.start() for match in re.finditer(r"^Input model:", text, re.MULTILINE)]
    if not starts and TIMED_OUT in text:
        raise CompilerError(
            f"edgetpu_compiler {version.group(1)} ran out of time: {complaint(text)} Give it longer with --timeout, or "
            "make the largest activations of the network smaller"
        )
    if not starts:
        raise CompilerError(
            f"edgetpu_compiler {version.group(1)} refused the model: {complaint(text)} `leapfrog-train check` says "
            "what the Edge TPU takes"
        )
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return CompilerLog(version.group(1), tuple(map(_report, parts)))


def complaint(text: str) -> str:
    """The compiler's own sentences, without the lines that stand in every output."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(FRAME)]
    said = " ".join(line if line.endswith((".", "!")) else f"{line}." for line in lines)
    return said[:LONGEST_COMPLAINT] or "it gave no reason."


def _report(part: str) -> ModelReport:
    fields = dict(FIELD.findall(part))
    rows = tuple(OperatorStatus(name, int(count), status) for name, count, status in OPERATOR_ROW.findall(part))
    try:
        report = ModelReport(
            input_model=fields["Input model"],
            input_bytes=_bytes(fields, "Input size"),
            output_model=fields["Output model"],
            output_bytes=_bytes(fields, "Output size"),
            on_chip_bytes=_bytes(fields, "On-chip memory used for caching model parameters"),
            remaining_bytes=_bytes(fields, "On-chip memory remaining for caching model parameters"),
            streamed_bytes=_bytes(fields, "Off-chip memory used for streaming uncached model parameters"),
            subgraphs=int(fields["Number of Edge TPU subgraphs"]),
            operations=int(fields["Total number of operations"]),
            operations_on_cpu=int(fields.get("Number of operations that will run on CPU", 0)),
            operators=rows,
        )
    except KeyError as problem:
        raise _unknown(f"there is no line {problem.args[0]!r}") from problem
    except ValueError as problem:
        raise _unknown(str(problem)) from problem
    told = int(fields.get("Number of operations that will run on Edge TPU", report.operations))
    mapped = sum(row.count for row in rows if row.status == MAPPED)
    if told != report.operations_on_edge_tpu or (mapped, sum(row.count for row in rows)) != (told, report.operations):
        raise _unknown(
            f"of {report.operations} operations, {report.operations_on_cpu} on the CPU, its table has {mapped} mapped"
        )
    return report


def _bytes(fields: Mapping[str, str], name: str) -> int:
    match = SIZE.fullmatch(fields[name])
    if match is None:
        raise ValueError(f"{name!r} is {fields[name]!r}")
    return round(float(match.group(1)) * UNITS[match.group(2)])


def _unknown(detail: str) -> CompilerError:
    return CompilerError(
        f"the output of edgetpu_compiler is in an unknown form: {detail}. Leapfrog knows that of version 16.0: use it"
    )
