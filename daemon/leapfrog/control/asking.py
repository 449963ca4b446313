"""Who asks the daemon. When no daemon is running, the command line runs the same command on the state directory itself,
holding its lock; only then is what that needs loaded, since a daemon that runs must be heard at once.
"""

import time
from typing import Any

from leapfrog.control.control_socket import LOCK_PAUSE_SECONDS, StateLock, ask_daemon
from leapfrog.errors import DaemonNotRunning, StateDirectoryHeld, StorageError
from leapfrog.settings import Settings

ONLY_DAEMON = ("sync", "print")  # what needs a running box
HELD_PATIENCE_SECONDS = 10.0  # until another process has let go of the state directory, or answers


def run_command(settings: Settings, command: str, *, timeout_seconds: float | None = None, **arguments: Any) -> Any:
    """Ask the daemon to run `command`. If no daemon is running, run it here, holding the lock of the state directory.

    `timeout_seconds` is for a command that may take long. Another command has the state for a moment, and a daemon that
    starts has it before it answers: so this is tried for some seconds, lest an export that takes minutes ends there.

    Raises LeapfrogError: UsageError for a mistake of the caller, DaemonNotRunning if the command is `sync` or `print`,
    which only a daemon can do, or if no daemon has ever run on this state directory.
    """
    deadline = time.monotonic() + HELD_PATIENCE_SECONDS
    while True:
        try:
            return ask_daemon(settings.state_dir, command, timeout_seconds=timeout_seconds, **arguments)
        except DaemonNotRunning:
            from leapfrog.control.without_daemon import has_run_here, run_here

            if command in ONLY_DAEMON or not has_run_here(settings):
                raise
        try:
            return run_here(settings, command, arguments)
        except StateDirectoryHeld:
            if time.monotonic() >= deadline:
                raise
        time.sleep(LOCK_PAUSE_SECONDS)


def daemon_status(settings: Settings) -> dict[str, Any] | None:
    """The status of the running daemon; None when no daemon is running.

    Raises LeapfrogError when a daemon may be running but cannot be asked, because this user has no permission or
    because a process that does not answer holds the state directory.
    """
    try:
        status: dict[str, Any] = ask_daemon(settings.state_dir, "status")
    except DaemonNotRunning:
        if settings.state_dir.is_dir():
            StateLock(settings.state_dir).release()
        return None
    return status


def status_without_daemon(settings: Settings) -> dict[str, Any] | None:
    """The status by the journal and by a look from outside, while no daemon runs; None when none has ever run here.

    Raises LeapfrogError when the journal or the state directory cannot be used.
    """
    from leapfrog.control.without_daemon import commands_without_daemon, has_run_here

    try:
        found = has_run_here(settings)
    except PermissionError as problem:
        raise StorageError(
            f"The state directory {settings.state_dir} cannot be looked at: {problem.strerror}. Run this as root or as"
            " the daemon's user."
        ) from problem
    if not found:
        return None
    with commands_without_daemon(settings) as commands:
        return commands.status()
