"""Exams that are carried to a district on a stick, and receipts that come back."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from leapfrog.cli.apps import app
from leapfrog.cli.exit_status import EXIT_FAILED
from leapfrog.cli.options import ConfigOption, JsonOption, settings_of
from leapfrog.cli.output import screen_unless, show
from leapfrog.cli.patient_copy import export_copy
from leapfrog.errors import UsageError


@app.command()
def export(
    stick: Annotated[Path, typer.Argument(metavar="DIR", help="Where the stick is mounted, such as /media/STICK.")],
    destination: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For this destination of the settings; needed if several have a public_key."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only these, such as structured_report; several times for several."),
    ] = None,
    new_only: Annotated[
        bool, typer.Option("--new-only", help="Without what is on another stick and not confirmed yet.")
    ] = False,
    exam: Annotated[
        str | None,
        typer.Option(
            metavar="EXAM",
            help="A patient's own copy of this exam instead, not encrypted, which viewers open (DICOMDIR).",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --exam: do not ask before it is written.")] = False,
    although_patients_differ: Annotated[
        bool, typer.Option("--although-patients-differ", help="With --exam: its images may name several patients.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what is owed on a stick, encrypted to the district, until it is full: results first, urgent and newest
    before others, originals last. Repeat it after the stick was pulled out: what is on it is not written again.

    All stays owed until `leapfrog import` finds the district's receipts on the stick. What is on another stick that did
    not come back yet is written once more, after all that is on none: that stick may be lost.

    With --exam: write a copy of one exam for the patient. Nothing that is on the stick already is changed.
    """
    if exam is not None:
        if destination is not None or kind or new_only:
            raise UsageError("--exam writes a patient's own copy: it goes with no other choice of what is written.")
        export_copy(stick, exam, config, yes=yes, although_patients_differ=although_patients_differ, as_json=as_json)
        return
    if yes or although_patients_differ:
        raise UsageError(
            "--yes and --although-patients-differ are for a patient's own copy: name the exam with --exam."
        )
    from leapfrog.commands.stick.export import export as write
    from leapfrog.state.action_log import acting

    kinds, settings = tuple(kind or ()), settings_of(config)
    with acting(settings.state_dir, "export", detail=f"to {stick}") as acted:
        written = write(settings, stick, destination, kinds, new_only=new_only, console=screen_unless(as_json))
        acted.detail = written.in_short()
    show(asdict(written), as_json, written.lines(stick, kinds), unwrapped=True)


@app.command("import")
def import_receipts(
    given: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE", help="Where the stick is mounted, or a receipt or bundle that came by other means."
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the district's receipts from a stick: what they confirm is not owed any more. So too bundles of settings and
    models. The exit status is 1 if there is nothing, or something that is not to be trusted.
    """
    from leapfrog.commands.stick.receipts import import_from
    from leapfrog.state.action_log import acting

    settings = settings_of(config)
    with acting(settings.state_dir, "import", detail=f"from {given}") as acted:
        imported = import_from(settings, given)
        acted.detail = imported.in_short()
    show(imported.as_json(), as_json, imported.lines(), unwrapped=True)
    if imported.failed:
        raise typer.Exit(EXIT_FAILED)
