"""What the box commits to, and above all what it does not."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, SecondaryCaptureImageStorage

from leapfrog.dicom.commitment import FailureReason, Reference
from leapfrog.intake.instance_header import read_header
from leapfrog.outbox.commitments.safekeeping import Safekeeping
from leapfrog.state.answer_files import ANSWERS_NAME, AnswerFiles
from leapfrog.state.answers import Answers
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.facts import Facts
from leapfrog.state.known_instances import KnownInstances
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.studies import Studies
from leapfrog.state.upkeep.retention import Retention
from support.intake_box import Box, make_box
from support.owed import part10_bytes, secondary_capture

KEEP_DAYS = 30


class Keeper:
    """A box that takes images, and answers for them."""

    def __init__(self, directory: Path) -> None:
        self.box: Box = make_box(directory)
        self.journal = self.box.journal
        self.safekeeping = Safekeeping(self.journal, self.box.spool)

    def take(self, image: Dataset) -> Reference:
        return self.take_file(part10_bytes(image))

    def take_file(self, content: bytes) -> Reference:
        incoming = self.box.spool.incoming / "arriving"
        incoming.write_bytes(content)
        header = read_header(incoming)
        self.box.admission.admit_dicom(incoming, header, "test")
        return Reference(header.sop_class_uid, header.sop_instance_uid)

    def file(self, reference: Reference) -> Path:
        known = KnownInstances(self.journal).held(reference.sop_instance_uid)
        return self.box.spool.path(known[0].file.spool_name)

    def confirm_all(self) -> None:
        deliveries = Deliveries(self.journal)
        for delivery in deliveries.listed("waiting", 100):
            deliveries.confirm(delivery.id)

    def forget_everything(self) -> None:
        """As retention does, once a study was read and is old enough."""
        with self.journal.transaction() as connection:
            connection.execute("UPDATE instances SET state = 'read' WHERE state = 'received'")
            connection.execute("UPDATE studies SET state = 'quiet'")
        self.now = 1000.0
        retention = Retention(
            studies=Studies(self.journal),
            facts=Facts(self.journal),
            spool=self.box.spool,
            files=SpooledFiles(self.journal),
            answers=Answers(self.journal),
            answer_files=AnswerFiles(self.box.spool.directory.parent / ANSWERS_NAME),
            keep_days=KEEP_DAYS,
            synchronised=lambda: True,
            monotonic=lambda: self.now,
        )
        for day in range(KEEP_DAYS + 3):
            retention.round(date(2026, 11, 22) + timedelta(days=day))
            self.now += 24 * 3600.0

    def reason(self, reference: Reference) -> FailureReason | None:
        return self.safekeeping.reason_against(reference)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path / "state")
    yield made
    made.journal.close()


def test_an_instance_that_is_whole_on_the_disk_is_kept(keeper: Keeper) -> None:
    assert keeper.reason(keeper.take(secondary_capture())) is None


def test_one_that_never_came_is_not(keeper: Keeper) -> None:
    unknown = Reference(SecondaryCaptureImageStorage, "2.25.404")
    assert keeper.reason(unknown) == FailureReason.NO_SUCH_OBJECT_INSTANCE


def test_what_is_not_stored_at_all_is_named_as_such(keeper: Keeper) -> None:
    performed_step = Reference("1.2.840.10008.3.1.2.3.3", "2.25.404")
    assert keeper.reason(performed_step) == FailureReason.REFERENCED_SOP_CLASS_NOT_SUPPORTED


def test_another_class_under_that_uid_is_a_conflict(keeper: Keeper) -> None:
    taken = keeper.take(secondary_capture())
    other = Reference(ComputedRadiographyImageStorage, taken.sop_instance_uid)
    assert keeper.reason(other) == FailureReason.CLASS_INSTANCE_CONFLICT


def test_a_missing_file_is_a_failure_that_the_box_shows(keeper: Keeper) -> None:
    taken = keeper.take(secondary_capture())
    keeper.file(taken).unlink()
    assert keeper.reason(taken) == FailureReason.PROCESSING_FAILURE
    assert keeper.journal.count("instances WHERE file_problem = 'missing'") == 1


def test_one_changed_byte_is_a_failure_until_the_image_was_sent_again(keeper: Keeper) -> None:
    image = secondary_capture()
    taken = keeper.take(image)
    with keeper.file(taken).open("r+b") as stream:
        stream.seek(400)
        byte = stream.read(1)
        stream.seek(400)
        stream.write(bytes([byte[0] ^ 1]))
    assert keeper.reason(taken) == FailureReason.PROCESSING_FAILURE
    keeper.take(image)
    assert keeper.reason(taken) is None


def test_a_uid_with_two_contents_is_not_committed_to(keeper: Keeper) -> None:
    image = secondary_capture()
    taken = keeper.take(image)
    image.PixelData = bytes(reversed(image.PixelData))
    keeper.take(image)
    assert keeper.reason(taken) == FailureReason.PROCESSING_FAILURE


def test_an_odd_uid_is_kept_like_others(keeper: Keeper) -> None:
    image = secondary_capture()
    uid = str(image.SOPInstanceUID)
    odd = f"{uid[:-3]} 77"
    taken = keeper.take_file(part10_bytes(image).replace(uid.encode(), odd.encode()))
    assert taken.sop_instance_uid == odd
    assert keeper.reason(taken) is None


def test_what_the_district_confirmed_stays_committed_to_after_it_was_forgotten_here(keeper: Keeper) -> None:
    taken = keeper.take(secondary_capture())
    keeper.confirm_all()
    keeper.forget_everything()
    assert keeper.journal.count("instances") == 0
    assert keeper.reason(taken) is None
    other = Reference(ComputedRadiographyImageStorage, taken.sop_instance_uid)
    assert keeper.reason(other) == FailureReason.CLASS_INSTANCE_CONFLICT


def test_what_nobody_confirmed_is_not_after_it_was_forgotten(keeper: Keeper) -> None:
    taken = keeper.take(secondary_capture())
    with keeper.journal.transaction() as connection:  # no district is configured
        connection.execute("DELETE FROM deliveries")
    keeper.forget_everything()
    assert keeper.journal.count("instances") == 0
    assert keeper.reason(taken) == FailureReason.NO_SUCH_OBJECT_INSTANCE


def test_a_uid_with_two_contents_stays_a_failure_after_both_were_forgotten(keeper: Keeper) -> None:
    image = secondary_capture()
    taken = keeper.take(image)
    image.PatientID, image.PixelData = "P2", bytes(reversed(image.PixelData))
    keeper.take(image)
    with keeper.journal.transaction() as connection:  # as a reader does, which finds that it is other content
        connection.execute(
            "UPDATE deliveries SET spool_name = (SELECT spool_name FROM instances WHERE id = instance_id)"
        )
    keeper.confirm_all()
    keeper.forget_everything()
    assert keeper.journal.count("instances") == 0
    assert keeper.reason(taken) == FailureReason.PROCESSING_FAILURE


def test_the_district_is_remembered_for_so_many_instances_and_no_more(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.state.known_instances.MOST_FORGOTTEN", 2)
    taken = [keeper.take(secondary_capture()) for _ in range(3)]
    keeper.confirm_all()
    keeper.forget_everything()
    assert [keeper.reason(one) for one in taken] == [FailureReason.NO_SUCH_OBJECT_INSTANCE, None, None]
