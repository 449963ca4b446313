"""The command `leapfrog`. Exit status: 0 success, 1 failure, 2 wrong usage or settings.

`command_line.py` has all commands. A command loads only what it needs, when it runs: `status` must answer at once, and
the daemon, which runs for months, holds nothing that reads options and draws tables (5 MiB).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from leapfrog.cli.exit_status import EXIT_FAILED, EXIT_WRONG_USE
from leapfrog.errors import LeapfrogError, SettingsError, UsageError
from leapfrog.wording.text import harmless


def main() -> None:
    """Run the command line. An expected error is printed to stderr as a sentence, never as a traceback."""
    try:
        _run(sys.argv[1:])
    except LeapfrogError as problem:
        print(f"leapfrog: {harmless(str(problem))}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_WRONG_USE if isinstance(problem, SettingsError | UsageError) else EXIT_FAILED)
    except OSError as problem:
        print(f"leapfrog: {harmless(_system_error(problem))}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: Sequence[str]) -> None:
    """The daemon as systemd starts it, past the command line, whose `run` does the same."""
    match arguments:
        case ["run"]:
            _run_daemon(None)
        case ["run", "--config", file]:
            _run_daemon(Path(file))
        case _:
            from leapfrog.cli.command_line import app

            app()


def _run_daemon(config: Path | None) -> None:
    from leapfrog.service import run_daemon
    from leapfrog.settings import default_file

    sys.exit(run_daemon(config or default_file()))


def _system_error(problem: OSError) -> str:
    """What the system refused to a command, as a sentence: most often a file of the daemon's to another user."""
    what = f"{problem.filename}: {problem.strerror}." if problem.filename else f"{problem.strerror or problem}."
    if isinstance(problem, PermissionError):
        return f"{what} Run this as root, or as the user that the daemon runs as."
    return what
