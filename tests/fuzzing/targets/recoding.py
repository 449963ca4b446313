"""Originals that are re-encoded for the way out: what is made smaller is still the same, all else goes as it came."""

import io
import struct

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from fuzzing import scratch
from fuzzing.made_up_files import dataset, dicom_files
from fuzzing.target import Target, require
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, JPEG_LS_LOSSLESS, NATIVE
from leapfrog.reader.originals.recoding.compression import compress
from leapfrog.reader.originals.recoding.native_pixels import NativeFrames, described
from leapfrog.reader.originals.recoding.original import Original, opened, require_same_elements
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.recoding.uncompression import uncompress

OTHERWISE = "The copy is in another transfer syntax."


def check(content: bytes) -> None:
    """A copy that is made states what the original does, and, uncompressed, shows the same."""
    out = io.BytesIO()
    try:
        compress(io.BytesIO(content), out)
    except AsItCame:
        return
    copy = out.getvalue()
    require(len(copy) < len(content), "A copy is larger than its original.")
    before, after = opened(io.BytesIO(content), NATIVE, OTHERWISE), opened(out, (JPEG_LS_LOSSLESS,), OTHERWISE)
    require(before.uids == after.uids, "A copy has another UID.")
    back = io.BytesIO()
    path = scratch.written("copy", copy)
    try:
        uncompress(path, len(copy), io.BytesIO(copy), back)
    except AsItCame as refusal:
        raise AssertionError("A copy cannot be uncompressed.") from refusal
    again = opened(back, (EXPLICIT_LITTLE_ENDIAN,), OTHERWISE)
    if before.values == again.values:  # colours that were in planes are by pixel now
        require_same_elements(before, again)
        require(_frames(before) == _frames(again), "A copy shows something else.")


def _frames(original: Original) -> list[bytes]:
    description = described(original.values)
    frames = NativeFrames(original.stream, original.element, original.pixels.vr, original.syntax, description)
    return [frames.frame(index) for index in range(description.frames)]


def seeds() -> dict[str, bytes]:
    """Small files of each encoding, and one with sequences of both kinds around its pixels."""
    inner = Dataset()
    inner.PatientComments = "x"
    sequences = dataset(ReferencedImageSequence=Sequence([inner, Dataset()]))
    sequences.add_new(0x00191010, "UN", struct.pack("<HHL", 0xFFFE, 0xE000, 0))
    files = {name: content for name, content in dicom_files().items() if not name.startswith("deflated")}
    out = io.BytesIO()
    sequences.save_as(out, implicit_vr=True, little_endian=True)
    return files | {"sequences.dcm": out.getvalue(), "empty": b""}


TARGET = Target(
    name="recoding",
    invariant=(
        "Nothing is raised but AsItCame; a copy is smaller, has the original's UIDs and elements, and uncompressed its"
        " bits."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.reader.originals.recoding",),
    seconds=2.0,
)
