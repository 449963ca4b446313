"""Compiled models put into their packages. Runs on the training machine only."""

from collections.abc import Sequence
from pathlib import Path

from leapfrog.reading.package import EDGE_TPU_MODEL_NAME, EdgeTpuModel, ModelPackage, load_package
from leapfrog_training.compilation.compiler import Compiled, Compiler
from leapfrog_training.compilation.log import CompiledModel
from leapfrog_training.errors import CompilerError, NotForEdgeTpu
from leapfrog_training.package import add_edge_tpu_model


def compile_packages(folders: Sequence[Path], compiler: Compiler, allow_cpu_ops: bool) -> list[EdgeTpuModel]:
    """Compile the models of several packages together and put each into its package, in the order of `folders`.

    No package is changed unless all compiled. Raises CompilerError, and NotForEdgeTpu when operations are left to the
    CPU and that was not allowed.
    """
    packages = [load_package(folder) for folder in folders]
    names = [package.manifest.name for package in packages]
    if len(set(names)) != len(names):
        raise CompilerError(f"one package was given twice: {', '.join(sorted(names))}")
    compiled = compiler.compile({package.manifest.name: package.model_path.read_bytes() for package in packages})
    described = [_described(package, compiled, names, allow_cpu_ops) for package in packages]
    for package, edge_tpu in zip(packages, described, strict=True):
        add_edge_tpu_model(package.folder, compiled.models[package.manifest.name], edge_tpu)
    return described


def _described(package: ModelPackage, compiled: Compiled, names: Sequence[str], allow_cpu_ops: bool) -> EdgeTpuModel:
    name = package.manifest.name
    told = _part_of(name, compiled)
    if (told.operations_on_cpu or told.subgraphs != 1) and not allow_cpu_ops:
        left = "; ".join(
            f"{one.operator}: {one.status}" for one in told.operators if not one.status.startswith("Mapped")
        )
        raise NotForEdgeTpu(
            f"{name}: {told.operations_on_cpu} of {told.operations} operations would run on the CPU"
            f"{f' ({left})' if left else ''}. Change the network, or say --allow-cpu-ops"
        )
    return EdgeTpuModel(
        compiler_version=compiled.log.version,
        operations=told.operations - told.operations_on_cpu,
        operations_on_cpu=told.operations_on_cpu,
        on_chip_bytes=told.on_chip_bytes,
        streamed_bytes=told.streamed_bytes,
        compiled_with=tuple(other for other in names if other != name),
        file=EDGE_TPU_MODEL_NAME,
    )


def _part_of(name: str, compiled: Compiled) -> CompiledModel:
    for model in compiled.log.models:
        if Path(model.input_model).name == f"{name}.tflite":
            return model
    raise CompilerError(f"edgetpu_compiler said nothing of {name}")
