"""What a box keeps: its journal, its key, its backups, and what it signed."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from leapfrog.cli.apps import app, journal_app, station_app
from leapfrog.cli.exit_status import EXIT_FAILED
from leapfrog.cli.options import ConfigOption, JsonOption, settings_of
from leapfrog.cli.output import screen_unless, show
from leapfrog.settings import SYSTEM_FILE, default_file, load_settings


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist yet.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write journal, images, reports, models and settings to one file, while the daemon goes on."""
    from leapfrog.commands.backup.backup import write_backup
    from leapfrog.state.action_log import acting

    settings_file = config or default_file()
    settings = load_settings(settings_file)
    with acting(settings.state_dir, "backup", detail=f"to {file}"):
        written = write_backup(file, settings, settings_file, screen_unless(as_json))
    answer = {"path": str(written.path), "files": written.files, "byte_count": written.byte_count}
    show(answer, as_json, [written.sentence], unwrapped=True)


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
    from leapfrog.state.action_log import acting

    def may_replace() -> bool:
        question = "This box has a state already. Move it aside and restore the backup?"
        return replace or (sys.stdin.isatty() and not as_json and typer.confirm(question))

    settings_file = config or SYSTEM_FILE
    settings = load_settings(settings_file) if settings_file.is_file() else settings_in(file)
    with acting(settings.state_dir, "restore", detail=f"from {file}") as acted:
        restored = restore_backup(file, settings, settings_file, may_replace, screen_unless(as_json))
        acted.detail = f"the state of {restored.created_at}"
    answer = {
        "images": restored.images,
        "asked_for": restored.asked_for,
        "newer": restored.newer,
        "forgotten": restored.forgotten,
        "former": str(restored.former or ""),
    }
    show(answer, as_json, restored.sentences(), unwrapped=True)


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

    outcome = verify_given(given, patient_id, stations, settings_of(config).state_dir)
    show(outcome.as_json() if as_json else None, as_json, outcome.lines, unwrapped=True)
    if not outcome.trusted:
        raise typer.Exit(EXIT_FAILED)


@station_app.command("key")
def station_key(
    new: Annotated[bool, typer.Option("--new", help="Make a new key in the place of one that was lost.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the public key of this box, with which others check its sheets. It is made if there is none yet."""
    from leapfrog.state.action_log import acting
    from leapfrog.state.station.key_at_start import key_was_asked_for, require_no_key, require_not_lost
    from leapfrog.state.station.station_key import station_key as key_of

    state_dir = settings_of(config).state_dir
    if new:
        require_no_key(state_dir)
        with acting(state_dir, "station key") as acted:
            key = key_of(state_dir)
            acted.detail = f"its id is {key.id}"
    else:
        require_not_lost(state_dir)
        key = key_of(state_dir)
    key_was_asked_for(state_dir)
    answer = {"algorithm": "Ed25519", "id": key.id, "public_key": key.public_key.hex(), "pem": key.public_pem}
    show(answer, as_json, [key.public_pem.strip()], unwrapped=True)


@journal_app.command("check")
def journal_check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say what is wrong with the journal, and which files lie aside. The exit status is 1 if there is a problem."""
    from leapfrog.commands.journal import check

    found = check(settings_of(config))
    show(found.model_dump(mode="json"), as_json, found.lines(), unwrapped=True)
    if found.problems:
        raise typer.Exit(EXIT_FAILED)


@journal_app.command("rebuild")
def journal_rebuild(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Make a new journal from the images in the spool, and keep the old one. Stop the daemon first."""
    from leapfrog.commands.journal import rebuild

    rebuilt = rebuild(settings_of(config))
    show(asdict(rebuilt), as_json, [rebuilt.sentence()], unwrapped=True)
