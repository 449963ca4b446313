"""`leapfrog-train compile`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.compilation.compiler import HERE, Compiler
from leapfrog_training.compilation.packages import CompiledPackage, compile_packages

MEBIBYTE = 2**20


def compile_models(
    packages: Annotated[
        list[Path],
        typer.Argument(help="Folders of packages. Several are compiled to share the chip; the first is served first."),
    ],
    shell: Annotated[
        str,
        typer.Option(
            "--shell",
            help="What runs a script where edgetpu_compiler is: 'ssh HOST', 'docker run --rm -i IMAGE sh -c'.",
        ),
    ] = HERE,
    timeout: Annotated[int, typer.Option("--timeout", min=1, help="Seconds that the compiler may take.")] = 180,
    min_runtime_version: Annotated[
        int | None,
        typer.Option("--min-runtime-version", min=10, help="Oldest Edge TPU runtime (10 to 14) among the kiosks."),
    ] = None,
    allow_cpu_ops: Annotated[
        bool, typer.Option("--allow-cpu-ops", help="Also take a model of which a part stays on the CPU.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also compile packages that have a compiled model.")] = False,
) -> None:
    """Compile packages for the Edge TPU, together, and put the compiled models into them."""
    compiler = Compiler(shell, timeout, min_runtime_version)
    for compiled in compile_packages(packages, compiler, allow_cpu_ops=allow_cpu_ops, again=again):
        typer.echo(_summary(compiled))


def _summary(compiled: CompiledPackage) -> str:
    told, sizes = compiled.edge_tpu, compiled.report
    return (
        f"{compiled.folder}: {told.operations_on_edge_tpu} operations on the Edge TPU, {told.operations_on_cpu} on the "
        f"CPU; {_mebibytes(told.on_chip_bytes)} of parameters on the chip, {_mebibytes(told.streamed_bytes)} streamed; "
        f"{_mebibytes(sizes.input_bytes)} became {_mebibytes(sizes.output_bytes)}; for Edge TPU runtime "
        f"{told.min_runtime_version} and later."
        + (" Its signature no longer holds and was removed: sign it again." if compiled.lost_signature else "")
    )


def _mebibytes(count: int) -> str:
    return f"{count / MEBIBYTE:.2f} MiB"
