"""The command `leapfrog`. Exit status: 0 success, 1 failure, 2 wrong usage or settings."""

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leapfrog import __version__, tables
from leapfrog.errors import LeapfrogError, SettingsError, UsageError
from leapfrog.settings import (
    MOST_COPIES,
    OLDEST_YEARS,
    SYSTEM_FILE,
    PageSize,
    Settings,
    default_file,
    load_settings,
    printer_name,
)
from leapfrog.wording.text import count, harmless

EXIT_FAILED = 1
EXIT_WRONG_USE = 2
REREAD_SECONDS = 600.0  # a million exams take minutes

app = typer.Typer(
    name="leapfrog",
    help="Reads X-ray and ultrasound images on the spot, writes reports, and sends them on when the network is up.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Manage the model packages on this box.", no_args_is_help=True)
config_app = typer.Typer(help="Check the settings.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(config_app, name="config")
journal_app = typer.Typer(help="Check the journal, or make it anew from the spool.", no_args_is_help=True)
app.add_typer(journal_app, name="journal")
station_app = typer.Typer(help="What identifies this box.", no_args_is_help=True)
app.add_typer(station_app, name="station")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file. Default: /etc/leapfrog/leapfrog.toml if it exists, else the built-in defaults.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="List at most so many.")]
AgeOption = Annotated[
    int | None,
    typer.Option(
        metavar="YEARS",
        help="The patient's age in completed years, for images that do not give it.",
        min=0,
        max=OLDEST_YEARS,
    ),
]
IdsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help="Ids, as shown by `leapfrog instances` or `leapfrog deliveries`, or numbers of exams, such as K7-42F.",
    ),
]

SomeIdsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID...", help="As shown by `leapfrog deliveries`, or numbers of exams, such as K7-42F."),
]


class _HarmlessConsole(Console):
    """Shows text from outside as text: rich itself would hand escape sequences on to the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(harmless(text), **options)


_console = _HarmlessConsole(markup=False, highlight=False)
STEERS_A_TERMINAL = re.compile(
    r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)  # what JSON leaves as it is


def main() -> None:
    """Run the command line. An expected error is printed to stderr as a sentence, never as a traceback."""
    try:
        app()
    except LeapfrogError as problem:
        print(f"leapfrog: {harmless(str(problem))}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_WRONG_USE if isinstance(problem, SettingsError | UsageError) else EXIT_FAILED)
    except OSError as problem:
        print(f"leapfrog: {harmless(_system_error(problem))}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _system_error(problem: OSError) -> str:
    """What the system refused to a command, as a sentence: most often a file of the daemon's to another user."""
    what = f"{problem.filename}: {problem.strerror}." if problem.filename else f"{problem.strerror or problem}."
    if isinstance(problem, PermissionError):
        return f"{what} Run this as root, or as the user that the daemon runs as."
    return what


def _settings(config: Path | None) -> Settings:
    return load_settings(config or default_file())


def _ask(config: Path | None, command: str, **arguments: Any) -> Any:
    """The answer of the daemon or, when no daemon is running, of the same command on the state directory."""
    from leapfrog.control.commands import run_command  # each command loads only what it needs

    return run_command(_settings(config), command, **arguments)


def _print_json(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(STEERS_A_TERMINAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: T201


def _show(value: Any, as_json: bool, lines: Iterable[str | Table], *, unwrapped: bool = False) -> None:
    """Print `value` as JSON for programs, or `lines` for people; `unwrapped` lines stay whole on a narrow screen."""
    if as_json:
        _print_json(value)
        return
    for line in lines:
        _console.print(line, soft_wrap=unwrapped)


def _show_version(requested: bool) -> None:
    if requested:
        _console.print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Handle the options that come before a command."""


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the daemon until it is stopped with Ctrl-C or SIGTERM."""
    from leapfrog.service import run_daemon  # each command loads only what it needs: `status` must answer at once

    raise typer.Exit(run_daemon(_settings(config)))


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results. Default: a temporary folder.")
    ] = None,
) -> None:
    """Show everything at work on made-up exams, with a district server that is down at first."""
    from leapfrog.commands.demo.demo import run_demo

    raise typer.Exit(run_demo(out))


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

    settings, console = _settings(config), _console if not as_json else None
    result = evaluate_package(package, data, out, settings, prevalence, console)
    _show(result.as_json() if as_json else None, as_json, result.lines(), unwrapped=True)


@app.command()
def status(limit: LimitOption = 20, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what the box is doing, what it still has to send, and what needs attention: then the exit status is 1."""
    box_status = _ask(config, "status", limit=limit)
    _show(box_status, as_json, [tables.status(box_status)])
    if box_status["attention"]:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def doctor(
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE", help="Also write a zip file for support, without patient data."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the box, its engine and its models, and say what to do. The exit status is 1 if there is a problem."""
    from leapfrog.commands.doctor.bundle import write_bundle
    from leapfrog.commands.doctor.doctor import examine

    settings = _settings(config)
    daemon, checks = examine(settings)
    if bundle is not None:
        write_bundle(bundle, settings, checks, daemon.status or {})
    lines = [line for check in checks for line in check.lines()]
    _show({"checks": [check.model_dump() for check in checks]}, as_json, lines, unwrapped=True)
    if any(check.status == "problem" for check in checks):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def bench(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write bench.json and bench.png to this folder.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast this box is: each model on each engine, and reading whole images."""
    from leapfrog.commands.bench.command import run_bench

    measurements = run_bench(_settings(config), out, _console if not as_json else None)
    if as_json:
        _print_json(measurements)


@app.command()
def instances(
    state: Annotated[
        str | None, typer.Option(help="Only this state: received, read, set_aside or forward_only.")
    ] = None,
    exam: Annotated[
        str | None, typer.Option(metavar="EXAM", help="Only those of this exam, by its number, such as K7-42F.")
    ] = None,
    file_problems: Annotated[
        bool, typer.Option("--file-problems", help="Only those whose stored file is missing or damaged.")
    ] = False,
    limit: LimitOption = 1000,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the received images and other instances, newest first."""
    rows = _ask(config, "instances", state=state, limit=limit, file_problems=file_problems, exam=exam)
    _show(rows, as_json, tables.instances(rows))


@app.command()
def deliveries(
    state: Annotated[
        str | None, typer.Option(help="Only this state: waiting, confirmed, refused, superseded or dismissed.")
    ] = None,
    destination: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only those to this destination of the settings.")
    ] = None,
    limit: LimitOption = 1000,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is owed to a destination or a printer, or was delivered, oldest first, with the last problem."""
    rows = _ask(config, "deliveries", state=state, destination=destination, limit=limit)
    _show(rows, as_json, tables.deliveries(rows))


@app.command()
def retry(ids: IdsArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read set-aside instances again, send refused deliveries to the district server again, print again what could not
    be printed, or tell a machine after all whether its images are stored.
    """
    _act("retry", ids, config, as_json)


@app.command()
def reread(
    exams: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EXAM...", help="Exams, each by its number, such as K7-42F, or the folder of its report."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every exam that the box still has.")] = False,
    age: AgeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the images of exams again, such as with a new model. Each exam gets a new version of its report."""
    if every == bool(exams):
        raise UsageError("Name the exams that are to be read again, or use --all.")
    if age is not None and (every or len(exams or ()) > 1):
        raise UsageError("--age is the age of one patient: name one exam.")
    outcome = _ask(config, "reread", timeout_seconds=REREAD_SECONDS, exams=None if every else exams, age_years=age)
    lines = [f"{count(outcome['queued'], 'image')} to read again. The reports change as they are read."]
    if outcome["waiting"]:
        lines.append(f"{count(outcome['waiting'], 'image')} waiting to be read already.")
    if outcome["kept"]:
        lines.append(
            f"{count(outcome['kept'], 'file')} left as before: not an image, a copy of one, or not whole any more"
            " (`leapfrog instances --file-problems`)."
        )
    _show(outcome, as_json, lines)
    if not outcome["queued"] and not outcome["waiting"]:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def dismiss(
    ids: SomeIdsArgument = None,
    destination: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Everything owed to this destination, which the settings have no more."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give up deliveries that the district server refused, sheets that were not printed, or what a machine could not be
    told about its images; or all that is owed to a destination that was taken out of the settings.
    """
    if bool(ids) == bool(destination):
        raise UsageError("Name what is to be given up by its ids, or a destination with --destination.")
    if destination is None:
        _act("dismiss", ids or [], config, as_json)
        return
    outcome = _ask(config, "dismiss", ids=[], destination=destination)
    line = f"Given up: {count(outcome['dismissed'], 'object')} for {destination}."
    _show(outcome, as_json, [line])


def _act(command: str, ids: list[str], config: Path | None, as_json: bool) -> None:
    outcome = _ask(config, command, ids=ids)
    done = [f"{one}: done" for one in outcome["done"]]
    unchanged = [f"{one}: nothing to {command}" for one in outcome["unchanged"]]
    _show(outcome, as_json, [*done, *unchanged])
    if not outcome["done"]:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def sync(
    destination: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only to this destination of the settings.", show_default=False),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send all waiting deliveries now, even outside the sync windows."""
    outbox = _ask(config, "sync", destination=destination)
    waiting = f"{outbox['waiting']:,} {'delivery is' if outbox['waiting'] == 1 else 'deliveries are'} waiting"
    _show(outbox, as_json, [f"Sending now: {waiting}. `leapfrog status` shows the progress."])


@app.command("print")
def print_exam(
    exam: Annotated[
        str,
        typer.Argument(metavar="EXAM", help="The exam, by its number, such as K7-42F, or the folder of its report."),
    ],
    printer: Annotated[
        str | None, typer.Option(metavar="NAME", help="A CUPS queue, or ipp://...; default: print.printer.")
    ] = None,
    page_size: Annotated[
        str | None, typer.Option(metavar="PAPER", help="A4, A5, Letter or 80mm; default: print.page_size.")
    ] = None,
    copies: Annotated[int | None, typer.Option(metavar="N", min=1, max=MOST_COPIES, help="How many.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the report of an exam now, whether or not it was printed before."""
    from leapfrog.wording.print_words import PRINTING, printer_in_words

    if page_size is not None and page_size not in get_args(PageSize):
        raise UsageError(f"There is no paper {page_size!r}. Use one of: {', '.join(get_args(PageSize))}.")
    if printer is not None:
        try:
            printer_name(printer)
        except ValueError as problem:
            raise UsageError(f"--printer {printer}: {problem}.") from None
    outcome = _ask(config, "print", exam=exam, printer=printer, page_size=page_size, copies=copies)
    named = outcome | {"exam": outcome["exam_number"], "printer": printer_in_words(outcome["printer"])}
    warning = [outcome["warning"]] if outcome["warning"] else []
    _show(outcome, as_json, [PRINTING.format(**named), *warning])


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist yet.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write journal, images, reports, models and settings to one file, while the daemon goes on."""
    from leapfrog.commands.backup.backup import write_backup

    settings_file = config or default_file()
    written = write_backup(file, load_settings(settings_file), settings_file, _console if not as_json else None)
    answer = {"path": str(written.path), "files": written.files, "byte_count": written.byte_count}
    _show(answer, as_json, [written.sentence], unwrapped=True)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `leapfrog backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Do not ask: move the state that is here aside, and restore.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the place of this box's state, while no daemon runs."""
    from leapfrog.commands.backup.restore import restore_backup, settings_in

    def may_replace() -> bool:
        question = "This box has a state already. Move it aside and restore the backup?"
        return replace or (sys.stdin.isatty() and not as_json and typer.confirm(question))

    settings_file = config or SYSTEM_FILE
    settings = load_settings(settings_file) if settings_file.is_file() else settings_in(file)
    restored = restore_backup(file, settings, settings_file, may_replace, _console if not as_json else None)
    answer = {
        "images": restored.images,
        "asked_for": restored.asked_for,
        "newer": restored.newer,
        "former": str(restored.former or ""),
    }
    _show(answer, as_json, restored.sentences(), unwrapped=True)


@app.command()
def verify(
    given: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|PHOTO|REPORT.json",
            help="The text of a sheet's code in 'quotes', a photo of it (JPEG, PNG), or the report.json of a report.",
        ),
    ],
    patient_id: Annotated[
        str | None, typer.Option("--patient-id", metavar="ID", help="Also compare the number of the patient.")
    ] = None,
    stations: Annotated[
        Path | None,
        typer.Option("--stations", metavar="DIR", help="Folder with the public keys of known stations: NAME.pem."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether a sheet or a report is what a known box signed. The exit status is 1 if nobody may trust it."""
    from leapfrog.commands.verify.command import verify as verify_given

    outcome = verify_given(given, patient_id, stations, _settings(config).state_dir)
    _show(outcome.as_json() if as_json else None, as_json, outcome.lines, unwrapped=True)
    if not outcome.trusted:
        raise typer.Exit(EXIT_FAILED)


@models_app.command("list")
def models_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the model packages, and say whether each passes verification."""
    packages = _packages(config)
    _show(packages, as_json, [tables.models(packages)])


@models_app.command("verify")
def models_verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check every package against its signature and hashes. The exit status is 1 if one fails, or if there is none."""
    packages = _packages(config)
    _show(packages, as_json, (f"{row['path']}: {'OK' if row['verified'] else row['reason']}" for row in packages))
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

    installed = install_package(source, _settings(config))
    _show(installed.as_json(), as_json, installed.sentences(), unwrapped=True)


@models_app.command("remove")
def models_remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the package, as in `leapfrog models list`.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the most recently installed version of a model package, and go back to the one before it."""
    from leapfrog.commands.models.store import remove_package

    removed = remove_package(name, _settings(config))
    _show(removed.as_json(), as_json, removed.sentences(), unwrapped=True)


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

    wanted = thresholds.Wanted(package, measured, finding, view.upper(), threshold, by.strip(), urgent_threshold)
    outcome = thresholds.asked(wanted, undo, _settings(config))
    _show(outcome.as_json(), as_json, outcome.lines, unwrapped=True)
    if outcome.problems:
        raise typer.Exit(EXIT_FAILED)


@station_app.command("key")
def station_key(
    new: Annotated[bool, typer.Option("--new", help="Make a new key in the place of one that was lost.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the public key of this box, with which others check its sheets. It is made if there is none yet."""
    from leapfrog.state.station.key_at_start import key_was_asked_for, require_not_lost
    from leapfrog.state.station.station_key import station_key as key_of

    state_dir = _settings(config).state_dir
    if not new:
        require_not_lost(state_dir)
    key = key_of(state_dir)
    key_was_asked_for(state_dir)
    answer = {"algorithm": "Ed25519", "id": key.id, "public_key": key.public_key.hex(), "pem": key.public_pem}
    _show(answer, as_json, [key.public_pem.strip()], unwrapped=True)


def _packages(config: Path | None) -> list[dict[str, Any]]:
    from leapfrog.packages.catalogue import packages_in_use

    return packages_in_use(_settings(config)).listing()


@config_app.command("check")
def config_check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the settings file and print warnings. The exit status is 2 if the file has errors."""
    from leapfrog.packages.signature import signature_policy

    file = config or default_file()
    settings = load_settings(file)
    signature_policy(
        settings.models.trusted_keys, settings.models.require_signature
    )  # raises SettingsError for a bad key
    outcome = {"file": str(file) if file else None, "ok": True, "warnings": settings.warnings()}
    warnings = [f"Warning: {warning}" for warning in settings.warnings()]
    _show(outcome, as_json, [f"{file or 'Built-in defaults'}: OK", *warnings])


@journal_app.command("check")
def journal_check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say what is wrong with the journal, and which files lie aside. The exit status is 1 if there is a problem."""
    from leapfrog.commands.journal import check

    found = check(_settings(config))
    _show(found.model_dump(mode="json"), as_json, found.lines(), unwrapped=True)
    if found.problems:
        raise typer.Exit(EXIT_FAILED)


@journal_app.command("rebuild")
def journal_rebuild(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Make a new journal from the images in the spool, and keep the old one. Stop the daemon first."""
    from leapfrog.commands.journal import rebuild

    rebuilt = rebuild(_settings(config))
    _show(asdict(rebuilt), as_json, [rebuilt.sentence()], unwrapped=True)


@app.command()
def install(
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Install below this folder.")] = Path("/"),
    *,
    web: Annotated[bool, typer.Option("--web", help="And what nginx needs to show the reports to tablets.")] = False,
    screen: Annotated[bool, typer.Option("--screen", help="And what shows the list on the box's own screen.")] = False,
) -> None:
    """Install the systemd unit, its user and folders, and a settings file with comments."""
    from leapfrog.commands.install import Extras, next_steps
    from leapfrog.commands.install import install as install_files

    extras = Extras(web=web, screen=screen)
    for path in install_files(root, extras):
        _console.print(str(path))
    _console.print(next_steps(root, extras), soft_wrap=True, markup=False)
