"""Images are read, and models judged and changed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from leapfrog import tables
from leapfrog.cli.apps import app, models_app
from leapfrog.cli.exit_status import EXIT_FAILED
from leapfrog.cli.options import AgeOption, ConfigOption, JsonOption, settings_of
from leapfrog.cli.output import SCREEN, print_json, screen_unless, show


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="DICOM files or pictures (PNG, JPEG, TIFF).")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the reports.")],
    modality: Annotated[str, typer.Option(help="For pictures: DX, CR or US.")] = "",
    body_part: Annotated[str, typer.Option(help="For pictures: CHEST, FETUS, NERVE, ...")] = "",
    view: Annotated[str, typer.Option(help="For pictures: PA, AP, LATERAL.")] = "",
    pixel_spacing: Annotated[float | None, typer.Option(help="For pictures: millimetres per pixel.", min=1e-4)] = None,
    age: AgeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read files now, without the daemon, and write a report for each study."""
    from leapfrog.commands.read import read_files
    from leapfrog.exam import PictureHints

    hints = PictureHints(
        modality=modality, body_part=body_part, view=view, pixel_spacing_mm=pixel_spacing, age_years=age
    )
    results = read_files(files, out, settings_of(config), hints, screen_unless(as_json))
    if as_json:
        print_json([result.as_json() for result in results])
    else:
        for result in results:
            SCREEN.print(str(result.file), style="bold", soft_wrap=True)
            SCREEN.print(f"    {result.sentence}")
            if result.report:
                SCREEN.print(f"    {result.report}", soft_wrap=True)
    if any(result.failed for result in results):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def evaluate(
    package: Annotated[
        str, typer.Argument(metavar="PACKAGE", help="Name of a package, as in `leapfrog models list`, or its folder.")
    ],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Images with a labels.csv, or in folders named by label.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the result. Default: DIR-PACKAGE, here.")
    ] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Share of the sick among the patients to come, such as 0.05.", min=0, max=1),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a package on your own labelled images: a page with tables and curves. Nothing leaves this box."""
    from leapfrog.commands.evaluate.command import evaluate as evaluate_package

    result = evaluate_package(package, data, out, settings_of(config), prevalence, screen_unless(as_json))
    show(result.as_json() if as_json else None, as_json, result.lines(), unwrapped=True)


@models_app.command("list")
def models_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the model packages, and say whether each passes verification."""
    packages = _packages(config)
    show(packages, as_json, [tables.models(packages)])


@models_app.command("verify")
def models_verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check every package against its signature and hashes. The exit status is 1 if one fails, or if there is none."""
    packages = _packages(config)
    show(packages, as_json, (f"{row['path']}: {'OK' if row['verified'] else row['reason']}" for row in packages))
    if not packages or not all(row["verified"] for row in packages):
        raise typer.Exit(EXIT_FAILED)


@models_app.command("install")
def models_install(
    source: Annotated[Path, typer.Argument(metavar="PACKAGE", help="Folder or zip file of a model package.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a model package, test its model, and install it. The present version is kept for `models remove`."""
    from leapfrog.commands.models.store import install_package
    from leapfrog.state.action_log import acting

    settings = settings_of(config)
    with acting(settings.state_dir, "models install") as acted:
        installed = install_package(source, settings)
        acted.detail = installed.package.title
    show(installed.as_json(), as_json, installed.sentences(), unwrapped=True)


@models_app.command("remove")
def models_remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the package, as in `leapfrog models list`.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the most recently installed version of a model package, and go back to the one before it."""
    from leapfrog.commands.models.store import remove_package
    from leapfrog.state.action_log import acting

    settings = settings_of(config)
    with acting(settings.state_dir, "models remove", name):
        removed = remove_package(name, settings)
    show(removed.as_json(), as_json, removed.sentences(), unwrapped=True)


@models_app.command("thresholds")
def models_thresholds(
    package: Annotated[str, typer.Argument(metavar="PACKAGE", help="Name of the package, as in `models list`.")],
    measured: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="The evaluation.json that the threshold was measured in."),
    ] = None,
    finding: Annotated[
        str, typer.Option(metavar="NAME", help="The finding, as the evaluation or a label names it.")
    ] = "",
    view: Annotated[str, typer.Option(help="PA or AP, where the package has a threshold for each.")] = "",
    threshold: Annotated[float | None, typer.Option(metavar="X", help="The new threshold.", min=0, max=1)] = None,
    urgent_threshold: Annotated[
        float | None,
        typer.Option(metavar="Y", help="From which score on it is urgent; else as in the package.", min=0, max=1),
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides this; it stands on each report.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Go back to the package's own thresholds.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the thresholds that were set at this box, set one from an evaluation, or undo them."""
    from leapfrog.commands.evaluate import thresholds
    from leapfrog.state.action_log import acting

    wanted = thresholds.Wanted(package, measured, finding, view.upper(), threshold, by.strip(), urgent_threshold)
    settings = settings_of(config)
    if undo or wanted.is_given:
        change = "the package's own again" if undo else f"{finding} {view} {threshold} {urgent_threshold or ''}"
        with acting(settings.state_dir, "models thresholds", package, change):
            outcome = thresholds.asked(wanted, undo, settings)
    else:
        outcome = thresholds.asked(wanted, undo, settings)
    show(outcome.as_json(), as_json, outcome.lines, unwrapped=True)
    if outcome.problems:
        raise typer.Exit(EXIT_FAILED)


def _packages(config: Path | None) -> list[dict[str, Any]]:
    from leapfrog.packages.catalogue import packages_in_use

    return packages_in_use(settings_of(config)).listing()
