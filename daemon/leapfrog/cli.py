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
from leapfrog.wording.text import count

EXIT_FAILED = 1
EXIT_WRONG_USE = 2
ID_LENGTH = 16  # ids are never cut, since people type them after `retry`

app = typer.Typer(
    name="leapfrog",
    help="Reads X-ray and ultrasound images on the spot, writes reports, and sends results when there is a connection.",
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
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids, as `leapfrog instances` shows them.")]

_console = Console(markup=False, highlight=False)  # no markup: much of what is printed came from outside


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
    """Ask the daemon or, if none is running, look into the state directory."""
    from leapfrog.control.commands import run_command  # each command loads only what it needs

    return run_command(_settings(config), command, **arguments)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def _show(answer: Any, as_json: bool, lines: Iterable[str | Table], *, whole: bool = False) -> None:
    """Print `answer` as JSON for programs, or `lines` for people; `whole` lines are not wrapped on a narrow screen."""
    if as_json:
        _print_json(answer)
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
    """Show what the box is doing, what it still has to send, and what needs attention."""
    answer = _ask(config, "status")
    _show(answer, as_json, [_status_table(answer)])


@app.command()
def doctor(
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE", help="Also write a zip file for support, without patient data."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the engine, Edge TPUs, models and disk, and say how to fix problems; exit 1 if there are any."""
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
    """Measure how fast this box is: each model on each engine, and reading whole images."""
    from leapfrog.commands.bench.command import run_bench

    answer = run_bench(_settings(config), out, _console if not as_json else None)
    if as_json:
        _print_json(answer)


def _status_table(answer: dict[str, Any]) -> Table:
    table = Table(
        "", Column(overflow="fold"), show_header=False, title=f"{answer['station']} (Leapfrog {answer['version']})"
    )
    listening = f"yes, {answer['ae_title']} at {answer['address']}" if answer["listening"] else "no"
    table.add_row("Listening", listening)
    table.add_row("Reading on", answer["device"])
    table.add_row("Images", _counts_text(answer["instances"]))
    table.add_row("Deliveries", _counts_text(answer["deliveries"]))
    table.add_row("District", f"{answer['outbox']['link']}: {answer['outbox']['explanation']}")
    if answer["oldest_owed_seconds"] is not None:
        table.add_row("Oldest owed", f"{answer['oldest_owed_seconds'] / 3600:.1f} hours")
    table.add_row("Last confirmed", answer["last_confirmed_at"] or "never")
    table.add_row("Disk free", f"{answer['free_bytes'] / 1e9:.1f} GB")
    table.add_row("Reports", answer["reports_dir"])
    if answer["ignored_files"]:
        table.add_row("Ignored", f"{count(answer['ignored_files'], 'file')} in the watched folders, not images")
    for refused in answer["refused"]:
        table.add_row(f"Refused {refused['id']}", refused["reason"])
    for sentence in answer["attention"]:
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
    answer = _ask(config, "instances", state=state)
    table = Table(Column("Id", no_wrap=True, min_width=ID_LENGTH), "State", "Received", "Source", "Reason")
    for row in answer:
        table.add_row(row["id"], row["state"].replace("_", " "), row["received_at"], row["source"], row["reason"])
    _show(answer, as_json, [table])


@app.command()
def retry(ids: IdsArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read set-aside instances again, or send refused deliveries again."""
    _act("retry", ids, config, as_json)


@app.command()
def dismiss(ids: IdsArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Give up deliveries that the district server refused."""
    _act("dismiss", ids, config, as_json)


def _act(command: str, ids: list[str], config: Path | None, as_json: bool) -> None:
    answer = _ask(config, command, ids=ids)
    done = [f"{one}: done" for one in answer["done"]]
    _show(answer, as_json, [*done, *(f"{one}: nothing to {command}" for one in answer["unchanged"])])
    if not answer["done"]:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def sync(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send everything that is owed now, even outside the sync windows."""
    answer = _ask(config, "sync")
    _show(answer, as_json, [f"Sending now. Waiting deliveries: {answer['waiting']}. `leapfrog status` shows progress."])


@models_app.command("list")
def models_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the model packages, and whether each is verified."""
    answer = _packages(config)
    table = Table("Name", "Version", "Task", "Demonstration", "Verified", "Signature", "Folder")
    for row in answer:
        table.add_row(
            row["name"],
            row["version"],
            row["task"],
            "yes" if row["demonstration"] else "no",
            "yes" if row["verified"] else f"NO: {row['reason']}",
            row["signature"],
            row["path"],
        )
    _show(answer, as_json, [table])


@models_app.command("verify")
def models_verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the signature and hashes of every package; exit 1 if one fails."""
    answer = _packages(config)
    _show(answer, as_json, (f"{row['path']}: {'OK' if row['verified'] else row['reason']}" for row in answer))
    if not answer or not all(row["verified"] for row in answer):
        raise typer.Exit(EXIT_FAILED)


@models_app.command("install")
def models_install(
    source: Annotated[Path, typer.Argument(metavar="PACKAGE", help="Folder or zip file of a model package.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a package, run its model once and install it; `remove` goes back to the version used until now."""
    from leapfrog.commands.models.store import install_package

    done = install_package(source, _settings(config))
    _show(done.as_json(), as_json, done.sentences(), whole=True)


@models_app.command("remove")
def models_remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the package, as `leapfrog models list` has it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the version of a package that was installed last, and go back to the one before it."""
    from leapfrog.commands.models.store import remove_package

    done = remove_package(name, _settings(config))
    _show(done.as_json(), as_json, done.sentences(), whole=True)


def _packages(config: Path | None) -> list[dict[str, Any]]:
    from leapfrog.packages.catalogue import packages_in_use

    return packages_in_use(_settings(config)).listing()


@config_app.command("check")
def config_check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the settings file and warn about what looks wrong; exit 2 if it cannot be used."""
    from leapfrog.packages.signature import signature_policy

    file = config or default_file()
    settings = load_settings(file)
    signature_policy(settings.models.trusted_keys, settings.models.require_signature)  # refuses keys that are none
    answer = {"file": str(file) if file else None, "ok": True, "warnings": settings.warnings()}
    notes = [f"Note: {warning}" for warning in settings.warnings()]
    _show(answer, as_json, [f"{file or 'Built-in defaults'}: OK", *notes])


@app.command()
def install(
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Install the files under this folder.")] = Path(
        "/"
    ),
) -> None:
    """Install the systemd unit, its user and folders, and the commented settings file."""
    from leapfrog.commands.install import install as lay_out
    from leapfrog.commands.install import next_steps

    for path in lay_out(root):
        _console.print(str(path))
    _console.print(next_steps(root))
