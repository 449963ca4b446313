"""The command `leapfrog`. Exit status: 0 done, 1 failed, 2 wrong use."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from leapfrog import __version__
from leapfrog.errors import LeapfrogError, SettingsError, UsageError
from leapfrog.settings import Settings, default_file, load_settings

EXIT_FAILED = 1
EXIT_WRONG_USE = 2
ID_LENGTH = 16  # an id is for typing after `retry`: never cut

app = typer.Typer(
    name="leapfrog",
    help="Reads X-ray and ultrasound images on the spot, writes reports, and sends them on when there is a link.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="The model packages on this box.", no_args_is_help=True)
config_app = typer.Typer(help="The settings.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(config_app, name="config")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file; else /etc/leapfrog/leapfrog.toml, else defaults."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with JSON, for programs.")]
IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids, as `leapfrog instances` shows them.")]

_console = Console(markup=False, highlight=False)  # what is shown came from outside


def main() -> None:
    """Run the command line; an expected error is one sentence on stderr, never a traceback."""
    try:
        app()
    except LeapfrogError as problem:
        print(f"leapfrog: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_WRONG_USE if isinstance(problem, SettingsError | UsageError) else EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _settings(config: Path | None) -> Settings:
    return load_settings(config or default_file())


def _ask(config: Path | None, command: str, **arguments: Any) -> Any:
    """What the daemon answers or, when none runs, the state directory at rest."""
    from leapfrog.control.commands import run_command  # each command loads only what it needs

    return run_command(_settings(config), command, **arguments)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def _show(found: Any, as_json: bool, lines: Iterable[str | Table], *, whole: bool = False) -> None:
    """`found` for programs or `lines` for people, which a narrow screen does not break when they are `whole`."""
    if as_json:
        _print_json(found)
        return
    for line in lines:
        _console.print(line, soft_wrap=whole)


def _show_version(wanted: bool) -> None:
    if wanted:
        _console.print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the daemon until it is told to stop."""
    from leapfrog.service import run_daemon  # each command loads only what it needs: `status` must answer at once

    raise typer.Exit(run_daemon(_settings(config)))


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option("--out", help="Where the results go; else a temporary folder.")] = None,
) -> None:
    """Show the whole box at work on made-up exams, with a district server that is down at first."""
    from leapfrog.commands.demo.demo import run_demo

    raise typer.Exit(run_demo(out))


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="DICOM files or pictures (PNG, JPEG, TIFF).")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the reports go.")],
    modality: Annotated[str, typer.Option(help="For pictures: DX, CR or US.")] = "",
    body_part: Annotated[str, typer.Option(help="For pictures: CHEST, HEAD, ...")] = "",
    view: Annotated[str, typer.Option(help="For pictures: PA, AP, LATERAL.")] = "",
    pixel_spacing: Annotated[float | None, typer.Option(help="For pictures: millimetres per pixel.", min=1e-4)] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read files once, without the daemon, and write a report for each study."""
    from leapfrog.commands.read import read_files
    from leapfrog.exam import PictureHints

    hints = PictureHints(modality=modality, body_part=body_part, view=view, pixel_spacing_mm=pixel_spacing)
    results = read_files(files, out, _settings(config), hints, _console if not as_json else None)
    if as_json:
        _print_json([result.as_json() for result in results])
    else:
        for result in results:
            _console.print(str(result.file), style="bold", soft_wrap=True)
            _console.print(f"    {result.sentence}")
            if result.report:
                _console.print(f"    {result.report}", soft_wrap=True)
    if any(result.failed for result in results):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what the box is doing, what it owes, and what needs a person."""
    found = _ask(config, "status")
    _show(found, as_json, [_status_table(found)])


@app.command()
def doctor(
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE", help="Also write a zip file for support, without patients."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at engine, Edge TPUs, models and disk, and say what to do; exit 1 when there is a problem."""
    from leapfrog.commands.doctor import examine, write_bundle

    settings = _settings(config)
    checks = examine(settings)
    if bundle is not None:
        write_bundle(bundle, settings, checks)
    lines = [line for check in checks for line in check.lines()]
    _show({"checks": [check.model_dump() for check in checks]}, as_json, lines, whole=True)
    if any(check.status == "problem" for check in checks):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def bench(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write bench.json and bench.png.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast this box reads: each model on each engine, and whole images."""
    from leapfrog.commands.bench.command import run_bench

    found = run_bench(_settings(config), out, _console if not as_json else None)
    if as_json:
        _print_json(found)


def _status_table(found: dict[str, Any]) -> Table:
    table = Table(
        "", Column(overflow="fold"), show_header=False, title=f"{found['station']} (Leapfrog {found['version']})"
    )
    listening = f"yes, {found['ae_title']} at {found['address']}" if found["listening"] else "no"
    table.add_row("Listening", listening)
    table.add_row("Reading on", found["device"])
    table.add_row("Images", _counts_text(found["instances"]))
    table.add_row("Deliveries", _counts_text(found["deliveries"]))
    table.add_row("District", f"{found['outbox']['link']}: {found['outbox']['explanation']}")
    if found["oldest_owed_seconds"] is not None:
        table.add_row("Oldest owed", f"{found['oldest_owed_seconds'] / 3600:.1f} hours")
    table.add_row("Last confirmed", found["last_confirmed_at"] or "never")
    table.add_row("Disk free", f"{found['free_bytes'] / 1e9:.1f} GB")
    table.add_row("Reports", found["reports_dir"])
    if found["ignored_files"]:
        table.add_row("Left alone", f"{found['ignored_files']} files in the watched folders that are no images")
    for refused in found["refused"]:
        table.add_row(f"Refused {refused['id']}", refused["reason"])
    for sentence in found["attention"]:
        table.add_row("Attention", sentence)
    return table


def _counts_text(counts: dict[str, int]) -> str:
    return ", ".join(f"{total} {state.replace('_', ' ')}" for state, total in counts.items() if total) or "none"


@app.command()
def instances(
    state: Annotated[str | None, typer.Option(help="received, read, set_aside or forward_only.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List instances, newest first."""
    found = _ask(config, "instances", state=state)
    table = Table(Column("Id", no_wrap=True, min_width=ID_LENGTH), "State", "Received", "Source", "Reason")
    for row in found:
        table.add_row(row["id"], row["state"].replace("_", " "), row["received_at"], row["source"], row["reason"])
    _show(found, as_json, [table])


@app.command()
def retry(ids: IdsArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read instances again that were set aside, or send again what the district server refused."""
    _act("retry", ids, config, as_json)


@app.command()
def dismiss(ids: IdsArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Owe deliveries no longer that the district server refused."""
    _act("dismiss", ids, config, as_json)


def _act(command: str, ids: list[str], config: Path | None, as_json: bool) -> None:
    found = _ask(config, command, ids=ids)
    done = [f"{one}: done" for one in found["done"]]
    _show(found, as_json, [*done, *(f"{one}: nothing to {command}" for one in found["unchanged"])])
    if not found["done"]:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def sync(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send what is owed now, whatever the sync windows say."""
    found = _ask(config, "sync")
    told = f"Sending now; {found['waiting']} deliveries wait. `leapfrog status` shows how it goes."
    _show(found, as_json, [told])


@models_app.command("list")
def models_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the model packages, verified or not."""
    found = _packages(config)
    table = Table("Name", "Version", "Task", "Demonstration", "Verified", "Signature", "Folder")
    for row in found:
        table.add_row(
            row["name"],
            row["version"],
            row["task"],
            "yes" if row["demonstration"] else "no",
            "yes" if row["verified"] else f"NO: {row['reason']}",
            row["signature"],
            row["path"],
        )
    _show(found, as_json, [table])


@models_app.command("verify")
def models_verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check every package against its signature and hashes; exit 1 when one is not what it says."""
    found = _packages(config)
    _show(found, as_json, (f"{row['path']}: {'OK' if row['verified'] else row['reason']}" for row in found))
    if not found or not all(row["verified"] for row in found):
        raise typer.Exit(EXIT_FAILED)


@models_app.command("install")
def models_install(
    source: Annotated[Path, typer.Argument(metavar="PACKAGE", help="Folder or zip file of a model package.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a package, run its model once, and keep it; what is used now stays for `remove` to go back to."""
    from leapfrog.commands.models.store import install_package

    done = install_package(source, _settings(config))
    _show(done.as_json(), as_json, done.sentences(), whole=True)


@models_app.command("remove")
def models_remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the package, as `leapfrog models list` has it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take away the version of a package that was installed last; the one before it is used again."""
    from leapfrog.commands.models.store import remove_package

    done = remove_package(name, _settings(config))
    _show(done.as_json(), as_json, done.sentences(), whole=True)


def _packages(config: Path | None) -> list[dict[str, Any]]:
    from leapfrog.packages.catalogue import packages_in_use

    return packages_in_use(_settings(config)).listing()


@config_app.command("check")
def config_check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the settings file and say what is odd; exit 2 when it is wrong."""
    from leapfrog.packages.signature import signature_policy

    file = config or default_file()
    settings = load_settings(file)
    signature_policy(settings.models.trusted_keys, settings.models.require_signature)  # refuses keys that are none
    found = {"file": str(file) if file else None, "ok": True, "warnings": settings.warnings()}
    notes = [f"Note: {warning}" for warning in settings.warnings()]
    _show(found, as_json, [f"{file or 'Built-in defaults'}: OK", *notes])


@app.command()
def install(
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Lay the files out below this folder.")] = Path(
        "/"
    ),
) -> None:
    """Lay out the systemd unit, its user and folders, and the commented settings file."""
    from leapfrog.commands.install import install as lay_out
    from leapfrog.commands.install import next_steps

    for path in lay_out(root):
        _console.print(str(path))
    _console.print(next_steps(root))
