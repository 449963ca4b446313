"""What archives promise to keep, whichever way they say so: over the association that asked, or over one that they open
to the receiver, hours later and after restarts.

Only a question that is open counts, and only where the archive answers it to which it was put: by its AE title, and
from the address of its host. Whoever guesses is told nothing.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from leapfrog.dicom.commitment import ReceivedReport
from leapfrog.outbox.commitments.address_book import addresses_of
from leapfrog.outbox.commitments.desk import PeerLines
from leapfrog.peer_address import Address, peer_address
from leapfrog.settings import DestinationSettings
from leapfrog.state.sending.handed_over import HandedOvers
from leapfrog.wording.text import count


class PromiseBook:
    """Any thread may call it."""

    def __init__(
        self,
        archives: Sequence[DestinationSettings],
        handed_over: HandedOvers,
        on_answered: Callable[[], None],
        log: PeerLines,
        addresses_of: Callable[[str], frozenset[Address]] = addresses_of,
    ) -> None:
        """`on_answered` is called when something is due again because an archive answered."""
        self._archives = {archive.name: archive for archive in archives}
        self._handed_over = handed_over
        self._on_answered = on_answered
        self._log = log
        self._addresses_of = addresses_of
        self._lock = threading.Lock()
        self._addresses: dict[str, frozenset[Address]] = {}

    def look_up(self, archive: DestinationSettings) -> None:
        """Look up the addresses of its host, which may have changed. May take seconds. Those of before count too: it
        may answer from one of them.
        """
        found = self._addresses_of(archive.host)
        with self._lock:
            self._addresses[archive.name] = self._addresses.get(archive.name, frozenset()) | found

    def promised(self, ae_title: str, address: str, report: ReceivedReport) -> bool:
        """An archive called back. Returns False if it is none that may promise this."""
        name = self._handed_over.destination_of(report.transaction_uid)
        if name is None:  # it may have been answered before; a stranger is not told
            return any(self._is_from(archive, ae_title, address) for archive in self._archives.values())
        archive = self._archives.get(name)
        if archive is None or not self._is_from(archive, ae_title, address):
            self._log.write(
                address,
                logging.WARNING,
                f"A report of storage commitment from {ae_title} at {address} was not believed: the question was put to"
                f" the archive {name}, whose host and ae_title in the settings are others.",
            )
            return False
        self._take(archive, report)
        return True

    def told(self, archive: DestinationSettings, report: ReceivedReport) -> bool:
        """The archive answered over an association that this box opened to it. Returns whether that was taken."""
        if self._handed_over.destination_of(report.transaction_uid) == archive.name:
            self._take(archive, report)
        return True

    def flush_log(self) -> None:
        """Say how many lines about peers were left out."""
        self._log.flush()

    def _take(self, archive: DestinationSettings, report: ReceivedReport) -> None:
        settled = self._handed_over.answered(report.transaction_uid, report.kept, report.failed)
        self._log.write(
            archive.host,
            logging.WARNING if report.failed else logging.INFO,
            f"The archive {archive.name} answered what it keeps: of {count(settled, 'object')} that it was asked about,"
            f" it does not keep {len(report.failed)}.",
        )
        if settled:
            self._on_answered()

    def _is_from(self, archive: DestinationSettings, ae_title: str, address: str) -> bool:
        if ae_title != archive.ae_title.strip():
            return False
        with self._lock:
            known = self._addresses.get(archive.name, frozenset())
        return _parsed(address) in (known | {_parsed(archive.host)}) - {None}


def _parsed(text: str) -> Address | None:
    try:
        return peer_address(text)
    except ValueError:  # a name
        return None
