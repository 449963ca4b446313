"""The command `leapfrog-train`. Runs on the training machine only.

TensorFlow takes seconds to import and is an extra: only `fit` and `quantize` import it, when they need it.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from leapfrog.errors import LeapfrogError, UsageError
from leapfrog.reading.package import QUALITY_NAME, load_package
from leapfrog.reading.package_version import is_version
from leapfrog_training.cards import chest_card, head_card
from leapfrog_training.chest_evaluation import ChestEvaluation, evaluate_chest
from leapfrog_training.chest_films import covered_findings
from leapfrog_training.datasets import HC18, ChestXray14, open_chestxray14, open_hc18
from leapfrog_training.errors import RunError
from leapfrog_training.head_evaluation import HeadEvaluation, evaluate_head
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.manifests import HEAD_NAME, chest_manifest, head_manifest
from leapfrog_training.package import QUALITY_METRICS, add_file, write_package
from leapfrog_training.runs import PackageName, Run, RunNotes, begin_run, open_run, write_atomically
from leapfrog_training.signing import make_keys, read_private_key, sign_package

app = typer.Typer(help="Makes the models that Leapfrog runs.", no_args_is_help=True, add_completion=False)

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the data set, in its own layout.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `fit` wrote with --out.")]
KeyOption = Annotated[Path | None, typer.Option("--key", help="Private key to sign with, as `keys` makes it.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads for TensorFlow.")]


@app.command()
def fit(
    package: Annotated[PackageName, typer.Argument(help="Which package to make a model for.")],
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run. An interrupted run is taken up again.")],
    imagenet: Annotated[
        Path | None,
        typer.Option("--imagenet", help="tf2_mobilenet_v2_1.0_224_ptq.tflite of Coral (chest-findings only)."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many networks to make.")] = 3,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Of the cross-validation (chest-findings only).")] = 5,
    threads: ThreadsOption = 2,
) -> None:
    """Train the networks of a package in float."""
    if package is PackageName.CHEST_FINDINGS:
        if imagenet is None:
            raise UsageError("chest-findings starts from ImageNet weights: give --imagenet FILE")
        _fit_chest(_chest_films(data), out, imagenet, seeds, folds, threads)
    else:
        _fit_head(_head_pictures(data), out, seeds, threads)
    typer.echo(f"Fitted. Next: leapfrog-train quantize {out} --data {data}")


@app.command()
def quantize(run: RunArgument, data: DataOption, threads: ThreadsOption = 2) -> None:
    """Make the int8 networks of a run by quantization-aware training."""
    opened = open_run(run)
    if opened.notes.package is PackageName.CHEST_FINDINGS:
        films = _chest_films(data)
        from leapfrog_training import chest_findings

        _use_threads(threads)
        chest_findings.quantize_run(opened, films)
    else:
        pictures = _head_pictures(data)
        from leapfrog_training import fetal_head

        _use_threads(threads)
        fetal_head.quantize_run(opened, pictures)
    typer.echo(f"Quantized. Next: leapfrog-train evaluate {run} --data {data}")


@app.command()
def evaluate(run: RunArgument, data: DataOption) -> None:
    """Measure the int8 networks of a run through the kiosk's own reading, and print what the card will say."""
    opened = open_run(run)
    if opened.notes.package is PackageName.CHEST_FINDINGS:
        measured: ChestEvaluation | HeadEvaluation = evaluate_chest(opened, _chest_films(data))
    else:
        measured = evaluate_head(opened, _head_pictures(data))
    write_atomically(opened.evaluation, measured.model_dump_json(indent=2).encode())
    for name, value in measured.metrics().items():
        typer.echo(f"{name}: {value}")


@app.command()
def package(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the package; what it held is replaced.")],
    version: Annotated[
        str, typer.Option("--version", help="Version of the package, higher than that of the one in --out.")
    ] = "0.1.0",
    key: KeyOption = None,
) -> None:
    """Write the package of an evaluated run: model, hashes, scores and card; signed, where a key is given."""
    if not is_version(version):
        raise UsageError(f"--version {version} is no version such as 1.2.0 or 1.3.0-rc.1")
    signer = None if key is None else read_private_key(key)
    opened = open_run(run)
    if opened.notes.package is PackageName.CHEST_FINDINGS:
        _package_chest(opened, out, version)
    else:
        _package_head(opened, out, version)
    if signer is not None:
        sign_package(out, signer)
    typer.echo(f"{out} holds {opened.notes.package} {version}")


@app.command()
def keys(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pair of keys. Nothing is overwritten.")],
) -> None:
    """Make the keys to sign packages with: the private one for yourself, the public one for the kiosks."""
    private_file, public_file = make_keys(out)
    typer.echo(f"{private_file} signs packages: keep it where nobody else reads it, and keep a copy.")
    typer.echo(f"{public_file} is for the kiosks: name it in models.trusted_keys.")


@app.command()
def sign(
    package: Annotated[Path, typer.Argument(help="Folder of the finished package.")],
    key: Annotated[Path, typer.Option("--key", help="Private key, as `keys` makes it.")],
) -> None:
    """Sign a package. What is added to it later ends the signature."""
    sign_package(package, read_private_key(key))
    typer.echo(f"{package} is signed")


@app.command()
def quality(
    package: Annotated[Path, typer.Argument(help="Folder of the package that gets the check.")],
    chest: Annotated[Path, typer.Option("--chest", help="Folder of ChestX-ray14.")],
    heads: Annotated[Path, typer.Option("--heads", help="Folder of HC18.")],
    strangers: Annotated[
        list[Path] | None,
        typer.Option("--strangers", help="Folder of DICOM files of other things, to measure on; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed")] = 7,
) -> None:
    """Fit and measure the check that a picture looks like what the model is for, and put it into the package."""
    from leapfrog_training.foreign import foreign_pictures
    from leapfrog_training.quality import metrics, quality_bytes
    from leapfrog_training.quality_recipes import chest_quality, head_quality

    loaded = load_package(package)
    name = loaded.manifest.name
    foreign = {folder.name: foreign_pictures(folder) for folder in strangers or ()}
    films, pictures = _chest_films(chest), _head_pictures(heads)
    if name == PackageName.CHEST_FINDINGS:
        made = chest_quality(films, pictures, foreign, seed)
    elif name == PackageName.FETAL_HEAD:
        made = head_quality(pictures, films, foreign, seed)
    else:
        raise UsageError(f"there is no recipe for the quality check of {name}")
    measured = metrics(made.fitted, made.rates)
    add_file(package, QUALITY_NAME, quality_bytes(made.fitted.check), {QUALITY_METRICS: measured})
    for key, value in measured.items():
        typer.echo(f"{key}: {value}")
    if loaded.signature != "none":
        typer.echo(f"The signature no longer holds and was removed. Next: leapfrog-train sign {package} --key FILE")


@app.command()
def phantoms(
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="The file, chest_model.npz, that the phantoms are drawn from.")],
) -> None:
    """Fit the low-rank model of chest films from which the demonstration's phantoms are sampled."""
    from leapfrog_training.datasets import read_gray
    from leapfrog_training.phantom_model import chest_model_bytes, fit_chest_model

    films = _chest_films(data).in_split("train")
    model = fit_chest_model([read_gray(film.path) for film in films], [film.labels for film in films])
    write_atomically(out, chest_model_bytes(model))
    typer.echo(f"{out} blends {len(films)} films")


def main() -> None:
    """Run the command; a mistake that is known ends with one sentence and exit status 1, wrong use with 2."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        app()
    except LeapfrogError as error:
        typer.echo(f"leapfrog-train: {error}", err=True)
        raise SystemExit(2 if isinstance(error, UsageError) else 1) from error


def _fit_chest(data: ChestXray14, out: Path, imagenet: Path, seeds: int, folds: int, threads: int) -> None:
    if not imagenet.is_file():
        raise UsageError(f"--imagenet {imagenet}: there is no such file")
    notes = RunNotes(
        package=PackageName.CHEST_FINDINGS,
        seeds=seeds,
        folds=folds,
        findings=covered_findings(data),
        left_out=data.problems,
    )
    if not notes.findings:
        raise UsageError("no finding has enough films on both sides to be learnt and measured")
    run = begin_run(out, notes)
    from leapfrog_training import chest_findings

    _use_threads(threads)
    chest_findings.fit_run(run, data, imagenet)


def _fit_head(data: HC18, out: Path, seeds: int, threads: int) -> None:
    notes = RunNotes(
        package=PackageName.FETAL_HEAD, seeds=seeds, folds=0, findings=(HEAD_NAME,), left_out=data.problems
    )
    run = begin_run(out, notes)
    from leapfrog_training import fetal_head

    _use_threads(threads)
    fetal_head.fit_run(run, data)


def _package_chest(run: Run, out: Path, version: str) -> None:
    evaluation = ChestEvaluation.model_validate_json(_evaluation_of(run))
    model_path = run.seed(0).int8
    rules = tuple(rule.rule() for rule in evaluation.rules)
    manifest = chest_manifest(version, KioskModel(model_path), rules, run.notes.findings, metrics=evaluation.metrics())
    write_package(out, manifest, model_path.read_bytes(), chest_card(manifest, evaluation))


def _package_head(run: Run, out: Path, version: str) -> None:
    evaluation = HeadEvaluation.model_validate_json(_evaluation_of(run))
    model_path = run.seed(0).int8
    shipped = evaluation.seeds[0]
    manifest = head_manifest(
        version, KioskModel(model_path), shipped.threshold, shipped.level, metrics=evaluation.metrics()
    )
    write_package(out, manifest, model_path.read_bytes(), head_card(manifest, evaluation))


def _evaluation_of(run: Run) -> bytes:
    try:
        return run.evaluation.read_bytes()
    except FileNotFoundError as error:
        raise RunError(f"{run.folder} was not measured: run `leapfrog-train evaluate` first") from error


def _chest_films(folder: Path) -> ChestXray14:
    films = open_chestxray14(folder)
    _report(films.problems)
    return films


def _head_pictures(folder: Path) -> HC18:
    pictures = open_hc18(folder)
    _report(pictures.problems)
    return pictures


def _report(problems: tuple[str, ...]) -> None:
    for problem in problems:
        typer.echo(f"left out: {problem}", err=True)


def _use_threads(threads: int) -> None:
    from leapfrog_training.keras import use_threads

    use_threads(threads)
