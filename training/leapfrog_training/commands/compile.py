"""`leapfrog-train compile`. Runs on the training machine only."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.compilation.compiler import HERE, Compiler
from leapfrog_training.compilation.packages import compile_packages


def compile_models(
    packages: Annotated[list[Path], typer.Argument(help="Folders of packages; several share the chip's memory.")],
    shell: Annotated[
        str,
        typer.Option(
            "--shell",
            envvar="LEAPFROG_COMPILER_SHELL",
            help="What runs a script where edgetpu_compiler is: 'ssh HOST', 'docker run --rm -i IMAGE sh -c'.",
        ),
    ] = HERE,
    timeout: Annotated[int, typer.Option("--timeout", min=1, help="Seconds for each model.")] = 300,
    runtime_version: Annotated[
        int | None, typer.Option("--runtime-version", min=10, help="Oldest Edge TPU runtime that must run it.")
    ] = None,
    allow_cpu_ops: Annotated[
        bool, typer.Option("--allow-cpu-ops", help="Also take a model of which a part stays on the CPU.")
    ] = False,
) -> None:
    """Compile packages for the Edge TPU, together, and put the compiled models into them."""
    compiler = Compiler(shell, timeout, runtime_version)
    for folder, told in zip(packages, compile_packages(packages, compiler, allow_cpu_ops), strict=True):
        typer.echo(
            f"{folder}: {told.operations} operations on the Edge TPU, {told.operations_on_cpu} on the CPU; "
            f"{told.on_chip_bytes / 2**20:.2f} MiB on the chip, {told.streamed_bytes / 2**20:.2f} MiB streamed. "
            "A signature it had is gone: sign it again."
        )
