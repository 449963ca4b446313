"""`leapfrog-train compile`: what of a compilation gets into a package, and what never does."""

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leapfrog.errors import LeapfrogError, PackageError, UsageError
from leapfrog.packages.manifest import EdgeTpuModel
from leapfrog.packages.package import load_package
from leapfrog_training.cli import app
from leapfrog_training.compilation import packages
from leapfrog_training.compilation.compiled_file import oldest_runtime
from leapfrog_training.edge_tpu_fit.graph import read_graph
from leapfrog_training.errors import CompilerError, ModelFileError, NotForEdgeTpu
from leapfrog_training.packaging.package import add_edge_tpu_model, add_file
from support import edgetpu_compiler, tiny_models

from .conftest import CompilerDouble

# Of Coral's models: the operations that edgetpu_compiler left to the CPU.
PAIRS = {
    "deeplabv3_mnv2_dm05_pascal_quant": 8,
    "keras_lstm_mnist_ptq": 0,
    "mobilenet_v1_0.25_128_quant": 0,
    "mobilenet_v1_0.5_160_quant": 0,
    "mobilenet_v1_1.0_224_quant_embedding_extractor": 0,
    "movenet_single_pose_lightning_ptq": 59,
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compile", *map(str, arguments)])


def refusal(*arguments: object) -> LeapfrogError:
    problem = run(*arguments).exception
    assert isinstance(problem, LeapfrogError), problem
    return problem


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def edge_tpu_of(folder: Path) -> EdgeTpuModel:
    edge_tpu = load_package(folder).manifest.edge_tpu
    assert edge_tpu is not None
    return edge_tpu


def compiled_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "model_edgetpu.tflite").read_bytes()).hexdigest()


def test_the_compiled_model_and_its_report_are_added_to_the_package(double: CompilerDouble, chest: Path) -> None:
    before = load_package(chest).manifest
    done = run(chest)
    size = (chest / "model.tflite").stat().st_size
    assert edge_tpu_of(chest) == EdgeTpuModel(
        compiler_version="16.0.384591198",
        min_runtime_version=14,
        operations_on_edge_tpu=6,
        operations_on_cpu=0,
        on_chip_bytes=round(round(size / 2**10, 2) * 2**10),
        remaining_bytes=round(7.7 * 2**20),
        streamed_bytes=0,
    )
    assert read_graph((chest / "model_edgetpu.tflite").read_bytes()).is_compiled
    after = load_package(chest).manifest
    assert after.files == {**before.files, "model_edgetpu.tflite": compiled_hash(chest)}
    assert after.model_copy(update={"files": before.files, "edge_tpu": None}) == before
    assert "6 operations on the Edge TPU, 0 on the CPU" in done.output and "ignature" not in done.output


def test_packages_compiled_together_record_each_other(double: CompilerDouble, chest: Path, head: Path) -> None:
    assert run(chest, head).exit_code == 0
    assert len(double.calls) == 1
    assert edge_tpu_of(chest).compiled_with == {"tiny-head": compiled_hash(head)}
    assert edge_tpu_of(head).compiled_with == {"tiny-chest": compiled_hash(chest)}


def test_an_invalid_signature_is_removed_and_that_is_reported(double: CompilerDouble, chest: Path) -> None:
    from leapfrog_training.packaging.signing import make_keys, read_private_key, sign_package

    sign_package(chest, read_private_key(make_keys(chest.parent / "keys")[0]))
    assert "no longer valid and was removed: sign it again" in run(chest).output
    assert load_package(chest).signature == "none"


def test_a_partly_mapped_model_is_refused_unless_that_is_allowed(double: CompilerDouble, chest: Path) -> None:
    double.does("partial")
    before = contents(chest)
    problem = refusal(chest)
    assert isinstance(problem, NotForEdgeTpu)
    assert "2 of 6 operations would run on the CPU (2 LOGISTIC: Operation version not supported)" in str(problem)
    assert contents(chest) == before
    assert run(chest, "--allow-cpu-ops").exit_code == 0
    edge_tpu = edge_tpu_of(chest)
    assert (edge_tpu.operations_on_edge_tpu, edge_tpu.operations_on_cpu) == (4, 2)


def test_more_than_one_part_on_the_edge_tpu_is_never_taken(double: CompilerDouble, chest: Path) -> None:
    double.does("two-parts")
    assert "would run as 2 parts on the Edge TPU" in str(refusal(chest, "--allow-cpu-ops"))


def test_a_runtime_too_old_for_the_operations_is_reported(double: CompilerDouble, chest: Path) -> None:
    double.does("older-runtime")
    problem = str(refusal(chest, "--min-runtime-version", 11, "--allow-cpu-ops"))
    assert "none of 6 operations would run on the Edge TPU" in problem
    assert "newer than Edge TPU runtime 11 stay on the CPU" in problem
    assert run(chest).exit_code == 0


def test_a_model_for_a_later_runtime_than_was_asked_for_is_refused(double: CompilerDouble, chest: Path) -> None:
    double.does("newer-runtime")
    before = contents(chest)
    assert "compiled for Edge TPU runtime 14 and later, not for 13 as requested" in str(
        refusal(chest, "--min-runtime-version", 13)
    )
    assert contents(chest) == before


def test_the_runtime_that_was_asked_for_is_recorded(double: CompilerDouble, chest: Path) -> None:
    assert run(chest, "--min-runtime-version", 13).exit_code == 0
    assert edge_tpu_of(chest).min_runtime_version == 13


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("empty-output", "has no edgetpu-custom-op"),
        ("damaged-output", "the compiled tiny-chest cannot be read"),
        ("other-shapes", "different inputs or outputs than the model"),
        ("no-program", "contains? no program for the Edge TPU"),
        ("refused", "refused the model"),
        ("crash", "crashed"),
        ("no-output", "wrote no tiny-chest_edgetpu.tflite"),
    ],
)
def test_nothing_changes_when_one_model_of_several_does_not_compile_well(
    double: CompilerDouble, chest: Path, head: Path, mode: str, expected: str
) -> None:
    double.does(mode)
    before = contents(chest), contents(head)
    with pytest.raises(CompilerError, match=expected):
        raise refusal(chest, head)
    assert (contents(chest), contents(head)) == before


def test_a_compiled_package_is_compiled_anew_only_when_asked(double: CompilerDouble, chest: Path, head: Path) -> None:
    assert run(chest).exit_code == 0
    with pytest.raises(UsageError, match="already has a compiled model: use --again"):
        raise refusal(chest, head)
    assert run("--again", chest, head).exit_code == 0
    assert set(edge_tpu_of(chest).compiled_with) == {"tiny-head"}


def test_a_package_loads_at_every_moment_of_being_compiled_anew(
    double: CompilerDouble, chest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(chest).exit_code == 0
    other = edgetpu_compiler.made_up((chest / "model.tflite").read_bytes(), runtime=12)
    described = edge_tpu_of(chest)
    states = []

    def written(path: Path, content: bytes, mode: int) -> None:
        path.write_bytes(content)
        path.chmod(mode)
        states.append(load_package(chest).manifest.edge_tpu is not None)

    monkeypatch.setattr("leapfrog_training.packaging.package.write_durably", written)
    add_edge_tpu_model(chest, other, described)
    assert states == [False, False, True]
    assert (chest / "model_edgetpu.tflite").read_bytes() == other


def test_a_disk_that_does_not_take_it_leaves_a_package_that_loads(
    double: CompilerDouble, chest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, content: bytes, edge_tpu: EdgeTpuModel) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packages, "add_edge_tpu_model", full)
    assert "No space left on device): that package now has none" in str(refusal(chest))
    assert load_package(chest).manifest.edge_tpu is None


def test_a_package_with_another_file_added_stays_compiled(double: CompilerDouble, chest: Path) -> None:
    assert run(chest).exit_code == 0
    edge_tpu = edge_tpu_of(chest)
    add_file(chest, "quality.npz", b"numbers")
    assert edge_tpu_of(chest) == edge_tpu


def test_a_model_that_is_compiled_itself_is_refused(double: CompilerDouble, tmp_path: Path) -> None:
    content = edgetpu_compiler.made_up(tiny_models.classifier_content(), runtime=14)
    folder = tiny_models.write_package(tmp_path / "p", tiny_models.CLASSIFIER, content)
    with pytest.raises(ModelFileError, match="is already compiled for the Edge TPU"):
        raise refusal(folder)


def test_a_damaged_package_is_refused(double: CompilerDouble, chest: Path) -> None:
    (chest / "model.tflite").write_bytes(b"something else")
    with pytest.raises(PackageError, match="altered or damaged"):
        raise refusal(chest)


def test_two_packages_of_one_name_are_wrong_use(double: CompilerDouble, chest: Path) -> None:
    with pytest.raises(UsageError, match="2 of these packages are called tiny-chest"):
        raise refusal(chest, chest)


def test_a_described_model_must_be_among_the_files(chest: Path) -> None:
    table = "\n[edge_tpu]\n" + "\n".join(
        f"{name} = {value}"
        for name, value in {
            "compiler_version": '"16.0"',
            "min_runtime_version": 14,
            "operations_on_edge_tpu": 6,
            "operations_on_cpu": 0,
            "on_chip_bytes": 1,
            "remaining_bytes": 1,
            "streamed_bytes": 0,
        }.items()
    )
    with (chest / "model.toml").open("a") as stream:
        stream.write(table)
    with pytest.raises(PackageError, match=r"model_edgetpu\.tflite must be listed"):
        load_package(chest)


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_what_the_real_compiler_made_of_corals_models_is_understood(
    double: CompilerDouble, shared_data: Path, tmp_path: Path, name: str
) -> None:
    double.does("full", pairs=shared_data / "coral")
    source = (shared_data / "coral" / f"{name}.tflite").read_bytes()
    folder = tiny_models.write_package(tmp_path / "p", tiny_models.CLASSIFIER, source)
    assert run(folder, *(["--allow-cpu-ops"] if PAIRS[name] else [])).exit_code == 0
    assert (folder / "model_edgetpu.tflite").read_bytes() == (
        shared_data / "coral" / f"{name}_edgetpu.tflite"
    ).read_bytes()
    edge_tpu = edge_tpu_of(folder)
    assert (edge_tpu.min_runtime_version, edge_tpu.operations_on_cpu) == (12, PAIRS[name])


def test_no_model_of_corals_passes_for_what_was_made_of_another(shared_data: Path) -> None:
    small, large = (
        (shared_data / "coral" / f"mobilenet_v1_{size}_quant{suffix}.tflite").read_bytes()
        for size, suffix in (("0.25_128", ""), ("0.5_160", "_edgetpu"))
    )
    with pytest.raises(CompilerError, match="different inputs or outputs"):
        oldest_runtime("small", small, large)
