"""A box that receives, verifies and reports storage commitment, with real parts."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.outbox.commitments.desk import GIVE_UP_SECONDS, CommitmentDesk
from leapfrog.outbox.commitments.reporter import CommitmentReporter
from leapfrog.outbox.commitments.safekeeping import Safekeeping
from leapfrog.outbox.commitments.verifier import CommitmentVerifier
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.settings import ModalitySettings
from leapfrog.state.commitments import Commitments
from support.intake_box import Box, make_box
from support.modality import Modality, Pair
from support.owed import secondary_capture

QUICK = Backoff(first_seconds=0.2, cap_seconds=0.5)


@dataclass
class CommitmentBox:
    """The parts, started: its receiver listens on `port`. Nothing is verified while `may_verify` is not set."""

    intake: Box
    desk: CommitmentDesk
    receiver: DicomReceiver
    port: int
    verifier: CommitmentVerifier
    reporter: CommitmentReporter
    may_verify: Event

    @property
    def commitments(self) -> Commitments:
        """The journal's table."""
        return Commitments(self.intake.journal)

    def spool_file(self, sop_instance_uid: str) -> Path:
        """Where the bytes of an instance are."""
        (found,) = [one for one in self.intake.instances() if one.sop_instance_uid == sop_instance_uid]
        return self.intake.spool.path(found.spool_name)

    def stop(self) -> None:
        """End all parts."""
        for stop in reversed(self.intake.stops):
            stop()
        self.intake.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def make_commitment_box(
    state_dir: Path,
    modalities: Sequence[ModalitySettings] = (),
    *,
    give_up_seconds: float = GIVE_UP_SECONDS,
    **dicom: Any,
) -> CommitmentBox:
    """A box in `state_dir` that calls these modalities, and soon again. `dicom` are settings of its receiver."""
    intake, may_verify = make_box(state_dir), Event()
    may_verify.set()

    def on_change() -> None:
        verifier.wake()
        reporter.wake()

    desk = CommitmentDesk(
        Commitments(intake.journal),
        modalities,
        on_change,
        PeerLog(logging.getLogger(__name__)),
        backoff=QUICK,
        give_up_seconds=give_up_seconds,
    )
    verifier = CommitmentVerifier(desk, Safekeeping(intake.journal, intake.spool), may_verify.is_set)
    reporter = CommitmentReporter(desk, "LEAPFROG")
    intake.commitments = desk
    receiver, port = intake.receiver(**dicom)
    for worker in (verifier, reporter):
        worker.start()
        intake.stops.append(worker.stop)
    return CommitmentBox(intake, desk, receiver, port, verifier, reporter, may_verify)


def store_images(box_port: int, modality: Modality, *images: Dataset) -> list[Pair]:
    """Have a modality send images, all of them taken. Returns what it will ask about."""
    association = modality.associate(box_port, SecondaryCaptureImageStorage)
    for image in images:
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        assert association.send_c_store(image).Status == 0x0000
    association.release()
    return [(str(image.SOPClassUID), str(image.SOPInstanceUID)) for image in images]


def new_images(count: int) -> list[Dataset]:
    """Small images, each with a UID of its own."""
    return [secondary_capture() for _ in range(count)]
