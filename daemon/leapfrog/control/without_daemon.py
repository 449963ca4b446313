"""The commands of the daemon, run on the state directory itself while no daemon has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from leapfrog.control.commands import Commands
from leapfrog.control.control_socket import StateLock
from leapfrog.control.noting import Noting
from leapfrog.control.own_state.own_state import OwnState
from leapfrog.control.status import StatusSource
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import Settings
from leapfrog.state.actions.who import own_self
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import JOURNAL_NAME, Journal
from leapfrog.state.spool import SPOOL_NAME, Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.station.station_key import existing_station_key


def has_run_here(settings: Settings) -> bool:
    """Whether a daemon has ever run on this state directory. Raises PermissionError where this user cannot know."""
    return (settings.state_dir / JOURNAL_NAME).exists()


def run_here(settings: Settings, command: str, arguments: dict[str, Any]) -> Any:
    """The answer to `command`, noted as the daemon would note it. Raises LeapfrogError, and StateDirectoryHeld while
    another process has the state directory.
    """
    with commands_without_daemon(settings) as commands:
        return Noting(settings).run(command, commands.handlers()[command], arguments, own_self())


@contextmanager
def commands_without_daemon(settings: Settings) -> Iterator[Commands]:
    """The commands, and meanwhile the lock of the state directory. Raises LeapfrogError."""
    with StateLock(settings.state_dir):
        journal = Journal(settings.state_dir / JOURNAL_NAME, migrate=False)
        try:
            spool = Spool(settings.state_dir / SPOOL_NAME, settings.retention.min_free_bytes)
            deliveries = Deliveries(journal)
            source = StatusSource(settings=settings, journal=journal, deliveries=deliveries, spool=spool)
            own_state = OwnState(
                journal=journal,
                source=source,
                models=lambda: packages_in_use(settings),
                station_key=lambda: existing_station_key(settings.state_dir),
            )
            yield Commands(
                journal=journal,
                deliveries=deliveries,
                source=source,
                wake=lambda: None,
                sync=lambda _: None,
                spool=spool,
                box_state=own_state.signed,
                knows_all_images=lambda: not SpooledFiles(journal).unknown(spool.names()),
            )
        finally:
            journal.close()
