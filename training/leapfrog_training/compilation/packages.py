"""Compiles the models of packages and adds the results to them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leapfrog.errors import UsageError
from leapfrog.packages.manifest import EDGE_TPU_MODEL_NAME, EdgeTpuModel
from leapfrog.packages.package import ModelPackage, load_package
from leapfrog.packages.signature import SIGNATURE_NAME
from leapfrog_training.compilation.compiled_file import oldest_runtime
from leapfrog_training.compilation.compiler import Compiled, Compiler
from leapfrog_training.compilation.log import ModelReport
from leapfrog_training.edge_tpu_fit.graph import read_graph
from leapfrog_training.errors import CompilerError, ModelFileError, NotForEdgeTpu
from leapfrog_training.packaging.package import add_edge_tpu_model, sha256


@dataclass(frozen=True)
class CompiledPackage:
    """A package with its new compiled model. `lost_signature`: it was signed before, and is not any more."""

    folder: Path
    report: ModelReport
    edge_tpu: EdgeTpuModel
    lost_signature: bool


def compile_packages(
    folders: Sequence[Path], compiler: Compiler, *, allow_cpu_ops: bool = False, again: bool = False
) -> list[CompiledPackage]:
    """Compile the models of several packages together and add each to its package, in the order of `folders`.

    The chip's memory is allocated in that order. No package is changed unless all models compile and may be used.
    Raises UsageError for packages that cannot be compiled together or, without `again`, have a compiled model already;
    PackageError for damaged ones; NotForEdgeTpu if operations stay on the CPU and this was not allowed; CompilerError.
    """
    packages = [load_package(folder) for folder in folders]
    _refuse_the_same_name_twice(packages)
    for package in packages:
        _refuse_compiled(package, again)
    sources = {package.manifest.name: package.model_path.read_bytes() for package in packages}
    compiled = compiler.compile(sources)
    for name, one in compiled.items():
        _refuse_unless_mapped(name, one.report, compiler.min_runtime_version, allow_cpu_ops)
    described = {name: _described(name, sources, compiled, compiler.min_runtime_version) for name in sources}
    return [
        _put(package.folder, compiled[package.manifest.name], described[package.manifest.name]) for package in packages
    ]


def _refuse_the_same_name_twice(packages: Sequence[ModelPackage]) -> None:
    for name, count in Counter(package.manifest.name for package in packages).items():
        if count > 1:
            raise UsageError(f"{count} of these packages are called {name}: a kiosk uses only one of them, so name one")


def _refuse_compiled(package: ModelPackage, again: bool) -> None:
    try:
        is_compiled = read_graph(package.model_path.read_bytes()).is_compiled
    except ModelFileError as problem:
        raise ModelFileError(f"the model of {package.folder}: {problem}") from problem
    if is_compiled:
        raise ModelFileError(
            f"{package.model_path} is already compiled for the Edge TPU. It must be the int8 model, which runs on the "
            "processor and is compiled from. Make the package again"
        )
    if EDGE_TPU_MODEL_NAME in package.manifest.files and not again:
        raise UsageError(f"{package.folder} already has a compiled model: use --again to replace it")


def _refuse_unless_mapped(name: str, report: ModelReport, min_runtime_version: int | None, allow_cpu_ops: bool) -> None:
    left = f" ({report.left_to_the_cpu})" if report.left_to_the_cpu else ""
    runtime = (
        ""
        if min_runtime_version is None
        else f". Operations newer than Edge TPU runtime {min_runtime_version} stay on the CPU: use a later "
        "--min-runtime-version if the kiosks have one"
    )
    if report.operations_on_edge_tpu == 0:
        raise NotForEdgeTpu(f"{name}: none of {report.operations} operations would run on the Edge TPU{left}{runtime}")
    if report.operations_on_cpu and not allow_cpu_ops:
        raise NotForEdgeTpu(
            f"{name}: {report.operations_on_cpu} of {report.operations} operations would run on the CPU{left}{runtime}"
            ". Change the network as `leapfrog-train check` advises, or use --allow-cpu-ops"
        )
    if report.subgraphs != 1:
        raise NotForEdgeTpu(
            f"{name}: it would run as {report.subgraphs} parts on the Edge TPU, with the processor between them. "
            f"Change the network so that the operations on the CPU come last{left}"
        )


def _described(
    name: str, sources: dict[str, bytes], compiled: dict[str, Compiled], min_runtime_version: int | None
) -> EdgeTpuModel:
    one = compiled[name]
    needed = oldest_runtime(name, sources[name], one.content)
    if min_runtime_version is not None and needed > min_runtime_version:
        raise CompilerError(
            f"{name} was compiled for Edge TPU runtime {needed} and later, not for {min_runtime_version} as requested: "
            "use edgetpu_compiler 16.0, or install a later runtime on the kiosks and request that one"
        )
    return EdgeTpuModel(
        compiler_version=one.compiler_version,
        min_runtime_version=needed,
        operations_on_edge_tpu=one.report.operations_on_edge_tpu,
        operations_on_cpu=one.report.operations_on_cpu,
        on_chip_bytes=one.report.on_chip_bytes,
        remaining_bytes=one.report.remaining_bytes,
        streamed_bytes=one.report.streamed_bytes,
        compiled_with={other: sha256(compiled[other].content) for other in sources if other != name},
    )


def _put(folder: Path, compiled: Compiled, edge_tpu: EdgeTpuModel) -> CompiledPackage:
    was_signed = (folder / SIGNATURE_NAME).exists()
    try:
        add_edge_tpu_model(folder, compiled.content, edge_tpu)
    except OSError as problem:
        raise CompilerError(
            f"the compiled model cannot be written into {folder} ({problem.strerror}): that package now has none. The "
            "packages named before it have theirs. Solve the problem, then run the command again with --again"
        ) from problem
    return CompiledPackage(folder, compiled.report, edge_tpu, was_signed)
