"""What edgetpu_compiler prints, read into numbers. Runs on the training machine only."""

import re
from dataclasses import dataclass

from leapfrog_training.errors import CompilerError

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SIZE = re.compile(r"([0-9.]+)\s*(B|KiB|MiB|GiB)$")
VERSION = re.compile(r"^Edge TPU Compiler version (\S+)", re.MULTILINE)
INPUT_MODEL = "Input model"
OPERATOR_ROW = re.compile(r"^([A-Z][A-Z0-9_]+)\s+(\d+)\s+(\S.*)$")
MAPPED = "Mapped to Edge TPU"


@dataclass(frozen=True)
class OperatorStatus:
    """A row of the table that -s prints."""

    operator: str
    count: int
    status: str


@dataclass(frozen=True)
class CompiledModel:
    """One model's part of the log; sizes in bytes."""

    input_model: str
    output_model: str
    on_chip_bytes: int
    remaining_bytes: int
    streamed_bytes: int
    subgraphs: int
    operations: int
    operations_on_cpu: int
    operators: tuple[OperatorStatus, ...]


@dataclass(frozen=True)
class CompilerLog:
    """The whole output of a run that compiled."""

    version: str
    models: tuple[CompiledModel, ...]


def read_log(text: str) -> CompilerLog:
    """The log of one run. Raises CompilerError when the compiler refused or when its output is in no known form."""
    version = VERSION.search(text)
    if version is None:
        raise CompilerError(f"this is not the output of edgetpu_compiler: {_first_lines(text)}")
    starts = [match.start() for match in re.finditer(rf"^{INPUT_MODEL}:", text, re.MULTILINE)]
    if not starts:
        raise CompilerError(f"edgetpu_compiler {version.group(1)} refused the model: {_complaint(text)}")
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return CompilerLog(version.group(1), tuple(map(_compiled, parts)))


def _compiled(part: str) -> CompiledModel:
    fields = dict(re.findall(r"^([^:\n]+):\s*(.+?)\s*$", part, re.MULTILINE))
    try:
        operations = int(fields["Total number of operations"])
        return CompiledModel(
            input_model=fields[INPUT_MODEL],
            output_model=fields["Output model"],
            on_chip_bytes=_bytes(fields["On-chip memory used for caching model parameters"]),
            remaining_bytes=_bytes(fields["On-chip memory remaining for caching model parameters"]),
            streamed_bytes=_bytes(fields["Off-chip memory used for streaming uncached model parameters"]),
            subgraphs=int(fields["Number of Edge TPU subgraphs"]),
            operations=operations,
            operations_on_cpu=int(fields.get("Number of operations that will run on CPU", 0)),
            operators=tuple(_operators(part)),
        )
    except (KeyError, ValueError) as problem:
        raise CompilerError(
            f"the output of edgetpu_compiler is in an unknown form ({problem}): Leapfrog knows that of version 16.0"
        ) from problem


def _operators(part: str) -> list[OperatorStatus]:
    rows = (OPERATOR_ROW.match(line.strip()) for line in part.splitlines())
    return [OperatorStatus(row.group(1), int(row.group(2)), row.group(3).strip()) for row in rows if row]


def _bytes(text: str) -> int:
    match = SIZE.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size")
    return round(float(match.group(1)) * UNITS[match.group(2)])


def _complaint(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not VERSION.match(line)]
    return " ".join(lines[:4]) or "it said nothing"


def _first_lines(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[:3]) or "it printed nothing"
