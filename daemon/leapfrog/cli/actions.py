"""What people did on the box, by the log of it."""

from typing import Annotated

import typer

from leapfrog import tables
from leapfrog.cli.apps import app
from leapfrog.cli.exit_status import EXIT_FAILED
from leapfrog.cli.options import ConfigOption, JsonOption, LimitOption, settings_of
from leapfrog.cli.output import print_json, show
from leapfrog.errors import UsageError

LOOKED_BACK = 200  # lines between the beginning of an action and its end, while others act


@app.command()
def actions(
    limit: LimitOption = 50,
    verify: Annotated[bool, typer.Option("--verify", help="Check that no line was changed or taken out.")] = False,
    holds: Annotated[
        str,
        typer.Option(
            metavar="NUMBER:HASH", help="With --verify: a line that was seen elsewhere, such as by the district."
        ),
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who did what on this box, newest first. With --verify the exit status is 1 if the log is not whole."""
    from itertools import islice

    from leapfrog.state.action_log import lines
    from leapfrog.state.actions.check import check
    from leapfrog.state.actions.seen import line_seen, seen_by_daemon

    state_dir = settings_of(config).state_dir
    if holds and not verify:
        raise UsageError("--holds is for --verify.")
    if not verify:
        newest_first = lines(state_dir)
        found = list(islice(newest_first, limit))
        if not as_json:  # what was said of the oldest of these before they were done stands before them
            begun = {line.begun for line in found} - {line.sequence for line in found}
            found += [line for line in islice(newest_first, LOOKED_BACK) if line.sequence in begun]
        rows = [line.model_dump(mode="json") for line in found]
        show(rows, as_json, [tables.actions(rows)])
        return
    checked = check(state_dir, seen_by_daemon(state_dir), line_seen(holds) if holds else None)
    if as_json:
        print_json(
            {
                "first": checked.first,
                "newest": checked.newest,
                "newest_hash": checked.newest_hash,
                "torn": checked.torn,
                "problems": list(checked.problems),
            }
        )
    else:
        show(None, False, checked.problems or [checked.sentence()], unwrapped=True)
    if checked.problems:
        raise typer.Exit(EXIT_FAILED)
