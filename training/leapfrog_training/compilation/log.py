"""Parses the output of edgetpu_compiler."""

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
# Lines of every output, which do not say why a model was refused.
BOILERPLATE = (
    "Edge TPU Compiler version",
    "Started a compilation timeout timer",
    "Compilation child process completed",
    "Compilation failed! ",
)
LONGEST_COMPLAINT = 400


@dataclass(frozen=True)
class OperatorStatus:
    """A row of the table that -s prints: how many operations of one kind have this status."""

    operator: str
    count: int
    status: str


@dataclass(frozen=True)
class ModelReport:
    """The compiler's report on one model. Sizes are in bytes, rounded as the compiler prints them: to two decimals of a
    larger unit.
    """

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
        """The operations that were not mapped, and why, as text for users."""
        rows = [f"{row.count} {row.operator}: {row.status}" for row in self.operators if row.status != MAPPED]
        return "; ".join(rows)


@dataclass(frozen=True)
class CompilerLog:
    """The output of a successful compilation."""

    version: str
    models: tuple[ModelReport, ...]


def read_log(text: str) -> CompilerLog:
    """Parse the output of one run with -s. Raises CompilerError if the compiler refused the model, or if the output's
    format is unknown.
    """
    version = VERSION.search(text)
    if version is None:
        raise CompilerError(f"this is not the output of edgetpu_compiler: {complaint(text)}")
    starts = [match.start() for match in re.finditer(r"^Input model:", text, re.MULTILINE)]
    if not starts and TIMED_OUT in text:
        raise CompilerError(
            f"edgetpu_compiler {version.group(1)} ran out of time: {complaint(text)} Allow more time with --timeout, "
            "or make the network's largest activations smaller"
        )
    if not starts:
        raise CompilerError(
            f"edgetpu_compiler {version.group(1)} refused the model: {complaint(text)} `leapfrog-train check` shows "
            "which operations the Edge TPU can run"
        )
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return CompilerLog(version.group(1), tuple(map(_report, parts)))


def complaint(text: str) -> str:
    """The compiler's error messages, without the lines that every output has."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(BOILERPLATE)]
    sentences = " ".join(line if line.endswith((".", "!")) else f"{line}." for line in lines)
    return sentences[:LONGEST_COMPLAINT] or "it gave no reason."


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
    stated = int(fields.get("Number of operations that will run on Edge TPU", report.operations))
    mapped = sum(row.count for row in rows if row.status == MAPPED)
    in_table = sum(row.count for row in rows)
    if stated != report.operations_on_edge_tpu or (mapped, in_table) != (stated, report.operations):
        raise _unknown(
            f"{report.operations_on_cpu} of {report.operations} operations are on the CPU, but {mapped} of {in_table} "
            "are mapped in its table"
        )
    return report


def _bytes(fields: Mapping[str, str], name: str) -> int:
    match = SIZE.fullmatch(fields[name])
    if match is None:
        raise ValueError(f"{name!r} is {fields[name]!r}")
    return round(float(match.group(1)) * UNITS[match.group(2)])


def _unknown(detail: str) -> CompilerError:
    return CompilerError(
        f"the output of edgetpu_compiler is in an unknown format: {detail}. Use version 16.0, whose format is known"
    )
