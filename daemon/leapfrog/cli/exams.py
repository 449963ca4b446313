"""What the box has and owes, and what a person decides about it."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from leapfrog import tables
from leapfrog.cli.apps import app
from leapfrog.cli.exit_status import EXIT_FAILED
from leapfrog.cli.options import AgeOption, ConfigOption, ExamArgument, JsonOption, LimitOption, ask
from leapfrog.cli.output import show
from leapfrog.errors import UsageError
from leapfrog.settings import MOST_COPIES, PageSize, printer_name
from leapfrog.wording.text import count

REREAD_SECONDS = 600.0  # a million exams take minutes

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
    rows = ask(config, "instances", state=state, limit=limit, file_problems=file_problems, exam=exam)
    show(rows, as_json, tables.instances(rows))


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
    rows = ask(config, "deliveries", state=state, destination=destination, limit=limit)
    show(rows, as_json, tables.deliveries(rows))


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
    outcome = ask(config, "reread", timeout_seconds=REREAD_SECONDS, exams=None if every else exams, age_years=age)
    lines = [f"{count(outcome['queued'], 'image')} to read again. The reports change as they are read."]
    if outcome["waiting"]:
        lines.append(f"{count(outcome['waiting'], 'image')} waiting to be read already.")
    if outcome["kept"]:
        lines.append(
            f"{count(outcome['kept'], 'file')} left as before: not an image, a copy of one, or not whole any more"
            " (`leapfrog instances --file-problems`)."
        )
    show(outcome, as_json, lines)
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
    outcome = ask(config, "dismiss", ids=[], destination=destination)
    line = f"Given up: {count(outcome['dismissed'], 'object')} for {destination}."
    show(outcome, as_json, [line])


def _act(command: str, ids: list[str], config: Path | None, as_json: bool) -> None:
    outcome = ask(config, command, ids=ids)
    done = [f"{one}: done" for one in outcome["done"]]
    unchanged = [f"{one}: nothing to {command}" for one in outcome["unchanged"]]
    show(outcome, as_json, [*done, *unchanged])
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
    outbox = ask(config, "sync", destination=destination)
    waiting = f"{outbox['waiting']:,} {'delivery is' if outbox['waiting'] == 1 else 'deliveries are'} waiting"
    show(outbox, as_json, [f"Sending now: {waiting}. `leapfrog status` shows the progress."])


@app.command("print")
def print_exam(
    exam: ExamArgument,
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
    outcome = ask(config, "print", exam=exam, printer=printer, page_size=page_size, copies=copies)
    named = outcome | {"exam": outcome["exam_number"], "printer": printer_in_words(outcome["printer"])}
    warning = [outcome["warning"]] if outcome["warning"] else []
    show(outcome, as_json, [PRINTING.format(**named), *warning])
