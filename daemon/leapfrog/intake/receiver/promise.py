"""Storage commitment the other way round: an archive to which the box sent things calls back with an N-EVENT-REPORT
that says what it keeps (PS3.4 Section J.3.3). It opens the association itself, and is its SCP.
"""

import logging
from typing import Protocol

from leapfrog.dicom.commitment import (
    PUSH_MODEL,
    PUSH_MODEL_INSTANCE,
    ReceivedReport,
    ReportInvalid,
    TooManyReferences,
    decode_report,
)
from leapfrog.errors import LeapfrogError
from leapfrog.intake.receiver.commitment import LONGEST_REQUEST_BYTES, Peer
from leapfrog.intake.receiver.dimse import Command, DimseStatus
from leapfrog.intake.receiver.negotiation import PresentationContext

EVENT_TYPES = (1, 2)  # all are kept; there are failures (PS3.4 Table J.3-2)

_log = logging.getLogger(__name__)


class Promises(Protocol):
    """Takes what archives promise."""

    def promised(self, ae_title: str, address: str, report: ReceivedReport) -> bool:
        """Take a report, durably. Returns False if it is not from an archive that may give one. Raises StorageError."""


class NoPromises:
    """Nobody was asked to promise anything."""

    def promised(self, ae_title: str, address: str, report: ReceivedReport) -> bool:
        """It is from nobody that may give one."""
        return False


class ArrivingReport:
    """The data set of an N-EVENT-REPORT on its way in. No method raises: any failure shows in the status."""

    def __init__(self, promises: Promises, peer: Peer, context: PresentationContext) -> None:
        """Nothing has come yet."""
        self._promises = promises
        self._peer = peer
        self._context = context
        self._content = bytearray()
        self._too_long = False

    def write(self, piece: memoryview) -> None:
        """Keep `piece`, unless there is too much already."""
        self._too_long = self._too_long or len(self._content) + len(piece) > LONGEST_REQUEST_BYTES
        if not self._too_long:
            self._content += piece

    def finish(self) -> DimseStatus:
        """Take the report. Returns SUCCESS once it is durable, otherwise why it is not taken."""
        if self._too_long:
            return DimseStatus.RESOURCE_LIMITATION
        try:
            report = decode_report(bytes(self._content), self._context.transfer_syntax_uid)
            taken = self._promises.promised(self._peer.ae_title, self._peer.address, report)
        except (ReportInvalid, TooManyReferences):
            return DimseStatus.INVALID_ARGUMENT_VALUE
        except LeapfrogError as problem:
            _log.error("A report of storage commitment could not be taken: %s", problem)
            return DimseStatus.PROCESSING_FAILURE
        return DimseStatus.SUCCESS if taken else DimseStatus.NOT_AUTHORIZED

    def abandon(self) -> None:
        """Do nothing: nothing was kept."""


def reason_to_refuse_report(command: Command, context: PresentationContext) -> DimseStatus | None:
    """Why an N-EVENT-REPORT is refused by its command alone (PS3.7 Section 10.1.1.1.8), or None."""
    if context.sop_class_uid != PUSH_MODEL:
        return DimseStatus.SOP_CLASS_NOT_SUPPORTED
    if command.sop_class_uid.decode("ascii", "replace") != PUSH_MODEL:
        return DimseStatus.NO_SUCH_SOP_CLASS
    if command.sop_instance_uid.decode("ascii", "replace") != PUSH_MODEL_INSTANCE:
        return DimseStatus.NO_SUCH_SOP_INSTANCE
    return None if command.event_type in EVENT_TYPES else DimseStatus.NO_SUCH_EVENT_TYPE
