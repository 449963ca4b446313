"""Brings one object after the other to the district's server, as a box does over a link: it asks whether the object is
there, compares what is there with it, sends it if it is not, and asks again.

So what came by link before, on another stick, or in a run that was killed, is there once and confirmed; and what the
server has under the same UID with another content is not taken for it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leapfrog.dicom.part10 import Part10Source
from leapfrog.errors import DistrictLocked, DistrictRefused, DistrictUnclear, DistrictUnreachable
from leapfrog.outbox.courier import NOT_COMPARED, OTHER_CONTENT
from leapfrog.outbox.destinations.dicomweb.client import StowClient
from leapfrog.outbox.forms import SameImage
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.settings import DestinationSettings

BOX_HEADER = "X-Leapfrog-Box"  # by which config/district/box_issuer.py knows whose number a patient's is
PAUSES_SECONDS = (1.0, 3.0, 6.0, 10.0)  # before it is tried again; an Orthanc starts within them, and PostgreSQL too
LISTING_PAUSES_SECONDS = (0.2, 1.0, 3.0)  # some servers list what is new only after a while

NOT_LISTED = "The server says that it stored it, but its search does not list it."
REFUSES_WHO_ASKS = (
    "The district's server does not let this program in. On the machine of the server that config/district/set-up made,"
    " leave out --to; of another server, name an address at which this machine may store and search."
)


@dataclass(frozen=True)
class Outcome:
    """What became of an object. `refused`: the server does not take it, and would not next time; `doubtful`: refused
    without a reason that concerns this object; `unclear`: neither held nor refused.
    """

    kind: Literal["confirmed", "refused", "doubtful", "unclear"]
    reason: str = ""
    was_there: bool = False


CONFIRMED = Outcome("confirmed")


class DistrictServer:
    """The server, for what one box sent. `roots` are DICOMweb roots that lead to one and the same content: when one
    does not answer, the next is asked.
    """

    def __init__(
        self,
        roots: Sequence[str],
        box: str,
        work_folder: Path,
        same_image: SameImage,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`work_folder`: where it may lay files meanwhile. `same_image`: whether two files in different transfer
        syntaxes are the same image.
        """
        pace = Pace(Throttle(0, wait), lambda: None)
        self._clients = [
            StowClient(
                DestinationSettings(name="district", url=root), pace, same_image=same_image, headers={BOX_HEADER: box}
            )
            for root in roots
        ]
        self._work_folder = work_folder
        self._wait = wait

    def close(self) -> None:
        """End the connections."""
        for client in self._clients:
            client.close()

    def hand_over(self, source: Part10Source, sop_instance_uid: str) -> Outcome:
        """Bring one object. Raises DistrictUnreachable when the server does not answer, DistrictLocked when it lets
        nobody in, StorageError when the work folder's disk fails.
        """
        last: Outcome | DistrictUnreachable = Outcome("unclear")
        for pause in (0.0, *PAUSES_SECONDS):
            if pause:
                self._wait(pause)
            for _ in self._clients:
                try:
                    last = self._attempt(self._clients[0], source, sop_instance_uid)
                except DistrictUnreachable as problem:
                    last = problem
                except DistrictLocked as problem:
                    raise DistrictLocked(REFUSES_WHO_ASKS) from problem
                if isinstance(last, Outcome) and last.kind != "unclear":
                    return last
                self._clients.append(self._clients.pop(0))
        if isinstance(last, DistrictUnreachable):
            raise last
        return last

    def _attempt(self, client: StowClient, source: Part10Source, uid: str) -> Outcome:
        held = client.holds(uid, lambda: source)
        if held == "held":
            return self._compared(client, source, uid)
        try:
            client.store(source, uid)
        except DistrictRefused as problem:
            # It may be refused because it is there.
            if client.holds(uid, lambda: source) == "held":
                return self._compared(client, source, uid)
            return Outcome("refused" if problem.is_definite else "doubtful", str(problem))
        except DistrictUnclear as problem:
            if client.holds(uid, lambda: source) == "held":
                return CONFIRMED if held == "not held" else self._compared(client, source, uid)
            return Outcome("unclear", str(problem))
        return self._listed(client, source, uid)

    def _listed(self, client: StowClient, source: Part10Source, uid: str) -> Outcome:
        """Whether it can find what it says to have stored; where it cannot be asked, its word counts."""
        for pause in (0.0, *LISTING_PAUSES_SECONDS):
            if pause:
                self._wait(pause)
            if client.holds(uid, lambda: source) != "not held":
                return CONFIRMED
        return Outcome("unclear", NOT_LISTED)

    def _compared(self, client: StowClient, source: Part10Source, uid: str) -> Outcome:
        comparison = client.compare(uid, source, self._work_folder)
        if comparison == "same":
            return Outcome("confirmed", was_there=True)
        return Outcome("refused", OTHER_CONTENT if comparison == "other" else NOT_COMPARED)
