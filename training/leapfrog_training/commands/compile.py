"""`leapfrog-train compile`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog.wording.text import count
from leapfrog_training.compilation.compiler import HERE, Compiler
from leapfrog_training.compilation.packages import CompiledPackage, compile_packages

MEBIBYTE = 2**20


def compile_models(
    packages: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of packages. Several are compiled to share the chip's memory; the first gets memory first."
        ),
    ],
    shell: Annotated[
        str,
        typer.Option(
            "--shell",
            help="Command that runs a script where edgetpu_compiler is installed: 'ssh HOST', or "
            "'docker run --rm -i IMAGE sh -c'.",
        ),
    ] = HERE,
    timeout: Annotated[int, typer.Option("--timeout", min=1, help="Time limit of the compiler, in seconds.")] = 180,
    min_runtime_version: Annotated[
        int | None,
        typer.Option("--min-runtime-version", min=10, help="Oldest Edge TPU runtime (10 to 14) on any of your kiosks."),
    ] = None,
    allow_cpu_ops: Annotated[
        bool, typer.Option("--allow-cpu-ops", help="Accept models of which a part runs on the CPU.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also compile packages that already have a compiled model.")
    ] = False,
) -> None:
    """Compile packages together for the Edge TPU, and add the compiled models to them."""
    compiler = Compiler(shell, timeout, min_runtime_version)
    for compiled in compile_packages(packages, compiler, allow_cpu_ops=allow_cpu_ops, again=again):
        typer.echo(_summary(compiled))


def _summary(compiled: CompiledPackage) -> str:
    edge_tpu, sizes = compiled.edge_tpu, compiled.report
    return (
        f"{compiled.folder}: {count(edge_tpu.operations_on_edge_tpu, 'operation')} on the Edge TPU, "
        f"{edge_tpu.operations_on_cpu} on the CPU; {_mebibytes(edge_tpu.on_chip_bytes)} of parameters on the chip, "
        f"{_mebibytes(edge_tpu.streamed_bytes)} streamed; {_mebibytes(sizes.input_bytes)} became "
        f"{_mebibytes(sizes.output_bytes)}; for Edge TPU runtime {edge_tpu.min_runtime_version} and later."
        + (" Its signature is no longer valid and was removed: sign it again." if compiled.lost_signature else "")
    )


def _mebibytes(byte_count: int) -> str:
    return f"{byte_count / MEBIBYTE:.2f} MiB"
