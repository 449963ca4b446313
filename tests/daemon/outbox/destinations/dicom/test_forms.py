"""An archive gets the copy that it takes: a smaller one, or an uncompressed one where it takes no other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless

from leapfrog.lanes.recoding.recoder import Recoder
from leapfrog.outbox.forms import Forms
from leapfrog.outbox.outbox import Outbox
from leapfrog.settings import DestinationSettings, DistrictSettings
from leapfrog.state.journal import new_id
from leapfrog.state.records import NewDelivery
from leapfrog.state.sending.encodings import Encodings
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from support.archives import EXPLICIT, IMPLICIT, JPEG_LS, SECONDARY_CAPTURE, VERIFICATION, made_up_archive, store_scp
from support.courier_box import CourierBox
from support.outbox_box import QUICK
from support.owed import part10_bytes, secondary_capture, without_padding
from support.waiting import wait_until


@contextmanager
def sending(box: CourierBox, port: int) -> Iterator[TakenSyntaxes]:
    """An outbox with its recoder."""
    archive = DestinationSettings(name="archive", kind="dicom", host="127.0.0.1", port=port, ae_title="ARCHIVE")
    taken = TakenSyntaxes(box.journal, (archive,))
    recoder = Recoder(
        journal=box.journal, spool=box.spool, taken=taken, min_free_bytes=0,
        on_made=lambda: outbox.wake(), ready=lambda: True,  # noqa: PLW0108 - it is built below
    )  # fmt: skip
    forms = Forms(box.spool, Encodings(box.journal), taken, is_coming=recoder.is_coming, on_wanted=recoder.wake)
    fatal: list[str] = []
    outbox = Outbox((archive,), DistrictSettings(), box.deliveries, box.spool, fatal.append, QUICK, forms=forms)
    recoder.start()
    outbox.start()
    try:
        yield taken
    finally:
        outbox.stop()
        recoder.stop()
    assert fatal == []


def owe_read(box: CourierBox, image: Dataset, content: bytes | None = None) -> str:
    """Owe an original that was read."""
    box.owe_bytes(content or part10_bytes(image), str(image.SOPInstanceUID))
    box.journal.change("UPDATE instances SET state = 'read'")
    return str(image.SOPInstanceUID)


def wait_for_all(box: CourierBox, state: str = "confirmed") -> None:
    wait_until(
        lambda: {delivery.state for delivery in box.deliveries.listed()} == {state}, state, deadline_seconds=30.0
    )


def compressed(image: Dataset) -> bytes:
    part10_bytes(image)  # gives it its file meta information
    found = dcmread(BytesIO(part10_bytes(image)))
    found.compress(JPEGLSLossless, generate_instance_uid=False)
    written = BytesIO()
    dcmwrite(written, found, enforce_file_format=True)
    return written.getvalue()


def takes(*syntaxes: str) -> dict[str, Sequence[str]]:
    return {VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: syntaxes}


def test_a_smaller_copy_goes_to_an_archive_that_takes_it(box: CourierBox, archive_folder: Path) -> None:
    image = secondary_capture(200_000)
    uid = owe_read(box, image)
    with store_scp(archive_folder) as archive, sending(box, archive.port):
        wait_for_all(box)
        (path,) = archive.files()
    arrived = dcmread(path)
    assert (arrived.SOPInstanceUID, arrived.file_meta.TransferSyntaxUID) == (uid, JPEG_LS)
    assert path.stat().st_size < 100_000
    arrived.decompress()
    assert arrived.PixelData == image.PixelData


def test_an_archive_that_does_not_take_it_gets_the_original_and_is_not_offered_it_again(box: CourierBox) -> None:
    uid = owe_read(box, secondary_capture(200_000))
    with made_up_archive(contexts=takes(EXPLICIT, IMPLICIT)) as archive, sending(box, archive.port) as taken:
        wait_for_all(box)
        assert archive.held() == {uid: 1}
        assert taken.by("archive") == frozenset()


def test_an_archive_that_negotiates_a_copy_and_refuses_it_gets_the_original(box: CourierBox) -> None:
    uid = owe_read(box, secondary_capture(200_000))
    with made_up_archive(contexts={VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: [EXPLICIT, JPEG_LS]}) as archive:
        archive.answer = lambda event: 0xC000 if event.context.transfer_syntax == JPEG_LS else 0x0000
        with sending(box, archive.port) as taken:
            wait_for_all(box)
            assert archive.held() == {uid: 1}
            assert taken.by("archive") == frozenset()


def test_an_archive_that_takes_nothing_compressed_gets_it_uncompressed(box: CourierBox, archive_folder: Path) -> None:
    image = secondary_capture(200_000)
    uid = owe_read(box, image, compressed(image))
    with store_scp(archive_folder, "+xi") as archive, sending(box, archive.port):
        wait_for_all(box)
        (path,) = archive.files()
    arrived = dcmread(path)
    assert (arrived.SOPInstanceUID, arrived.file_meta.TransferSyntaxUID) == (uid, IMPLICIT)
    assert arrived.PixelData == image.PixelData


@pytest.mark.parametrize("syntaxes", [(EXPLICIT, IMPLICIT), (EXPLICIT, IMPLICIT, JPEG_LS)])
def test_pixels_that_a_machine_did_not_pad_go_padded(box: CourierBox, syntaxes: Sequence[str]) -> None:
    uid = owe_read(box, image := unpadded_image(), without_padding(part10_bytes(image)))
    with made_up_archive(contexts=takes(*syntaxes)) as archive, sending(box, archive.port):
        wait_for_all(box)
        assert archive.held() == {uid: 1}


def test_what_is_odd_and_cannot_be_mended_is_on_hold_at_once(box: CourierBox) -> None:
    image = unpadded_image()
    owe_read(box, image, without_padding(part10_bytes(image))[:-2])  # cut off
    with made_up_archive(contexts=takes(EXPLICIT, IMPLICIT)) as archive, sending(box, archive.port):
        wait_for_all(box, "refused")
        [delivery] = box.deliveries.listed()
    assert delivery.last_error.startswith("The file has an odd number of bytes, which DICOM does not allow")


def unpadded_image() -> Dataset:
    """One with an odd number of pixels, and their padding."""
    image = secondary_capture(Rows=101, Columns=999, PixelData=bytes(101 * 999 + 1))
    image["PixelData"].VR = "OB"
    return image


def owe_picture(box: CourierBox, content: bytes, uid: str) -> None:
    """Owe a picture that was made of the first study's report."""
    name = f"{new_id()}.dcm"
    box.spool.path(name).write_bytes(content)
    picture = NewDelivery(
        kind="overlay",
        destinations=("archive",),
        sop_class_uid=SECONDARY_CAPTURE,
        sop_instance_uid=uid,
        spool_name=name,
        byte_count=len(content),
    )
    [study] = box.journal.rows("SELECT key FROM studies")
    assert box.deliveries.add(picture, study["key"])


def test_it_gets_pictures_of_results_uncompressed_too(box: CourierBox, archive_folder: Path) -> None:
    original, picture = secondary_capture(2_000), secondary_capture(200_000)
    owed = {owe_read(box, original), str(picture.SOPInstanceUID)}
    owe_picture(box, compressed(picture), str(picture.SOPInstanceUID))
    with store_scp(archive_folder, "+xi") as archive, sending(box, archive.port):
        wait_for_all(box)
        arrived = {str(one.SOPInstanceUID): one for one in map(dcmread, archive.files())}
    assert set(arrived) == owed
    assert arrived[str(picture.SOPInstanceUID)].PixelData == picture.PixelData
