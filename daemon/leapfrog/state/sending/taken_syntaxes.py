"""In which transfer syntaxes each destination takes originals, besides the one in which they came."""

from collections.abc import Iterable
from datetime import date, timedelta

from leapfrog.dicom.uids import JPEG_LS_LOSSLESS
from leapfrog.settings import DestinationSettings
from leapfrog.state.journal import Journal

# What a server of each kind is tried with, unless the settings say what it takes. Orthanc and dcm4chee take it, also
# from a stick.
USUALLY_TAKEN = {"dicomweb": (JPEG_LS_LOSSLESS,), "dicom": (JPEG_LS_LOSSLESS,), "stick": (JPEG_LS_LOSSLESS,)}
REMEMBERED = timedelta(days=31)  # servers are upgraded; one try a month costs the link one original


class TakenSyntaxes:
    """What the settings say, without what a destination turned out to refuse. Any thread may call it."""

    def __init__(self, journal: Journal, destinations: Iterable[DestinationSettings]) -> None:
        """Use the connection of `journal`."""
        self._journal = journal
        self._destinations = {one.name: one for one in destinations}

    def by(self, destination: str) -> frozenset[str]:
        """The transfer syntaxes that the destination of this name takes, as far as is known."""
        settings = self._destinations.get(destination)
        if settings is None:
            return frozenset()
        return frozenset(_stated(settings)) - self._declined(settings)

    def _declined(self, settings: DestinationSettings) -> frozenset[str]:
        rows = self._journal.rows(
            "SELECT transfer_syntax_uid FROM declined_syntaxes WHERE destination = ? AND setting = ?"
            " AND declined_on BETWEEN ? AND ?",
            (settings.name, _setting(settings), (date.today() - REMEMBERED).isoformat(), date.today().isoformat()),
        )
        return frozenset(row["transfer_syntax_uid"] for row in rows)

    def decline(self, destination: str, transfer_syntax_uid: str) -> None:
        """Remember that this destination does not take this transfer syntax."""
        settings = self._destinations.get(destination)
        if settings is not None:
            self._journal.change(
                "INSERT OR REPLACE INTO declined_syntaxes VALUES (?, ?, ?, ?)",
                destination,
                transfer_syntax_uid,
                _setting(settings),
                date.today().isoformat(),
            )

    def wishes(self, transfer_syntax_uid: str) -> list[tuple[str, str]]:
        """The destinations that get originals and take this transfer syntax, each with it."""
        return [
            (one.name, transfer_syntax_uid)
            for one in self._destinations.values()
            if "original" in one.send and transfer_syntax_uid in self.by(one.name)
        ]


def _stated(settings: DestinationSettings) -> tuple[str, ...]:
    return settings.transfer_syntaxes or USUALLY_TAKEN[settings.kind]


def _setting(settings: DestinationSettings) -> str:
    """What the settings say of where it is and what it takes: a change of either begins anew."""
    return " ".join((settings.kind, settings.url or f"{settings.host}:{settings.port}", *settings.transfer_syntaxes))
