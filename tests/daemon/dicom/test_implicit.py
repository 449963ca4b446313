"""A data set in Explicit VR becomes the same one in Implicit VR."""

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated
from leapfrog.dicom.implicit import implicit_pieces
from leapfrog.dicom.part10 import file_head, find_dataset
from support.owed import part10_bytes, secondary_capture


def item(**attributes: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def rewritten(content: bytes, piece_bytes: int = 64) -> Dataset:
    """The file, whose data set is in Explicit VR, read back from Implicit VR."""
    stream = BytesIO(content)
    start = find_dataset(stream)
    head = file_head(b"1.2.3", b"1.2.4", b"1.2.840.10008.1.2")
    return dcmread(BytesIO(head + b"".join(implicit_pieces(stream, start.offset, piece_bytes))))


def plain(dataset: Dataset) -> list[Any]:
    """Tags and values, those of items too."""
    return [
        (element.tag, [plain(one) for one in element.value] if element.VR == "SQ" else element.value)
        for element in dataset
    ]


@pytest.mark.parametrize("undefined", [False, True])
def test_every_value_stays_what_it_was(undefined: bool) -> None:
    inner = item(CodeValue="T-D3000", CodingSchemeDesignator="SRT")
    image = secondary_capture(
        2000,
        SourceImageSequence=[item(ReferencedSOPInstanceUID="2.25.1", PurposeOfReferenceCodeSequence=[inner]), item()],
        AnatomicRegionSequence=[],
        ImageComments="x" * 300,
    )
    image["SourceImageSequence"].is_undefined_length = undefined
    image.SourceImageSequence[0].is_undefined_length_sequence_item = undefined
    assert plain(rewritten(part10_bytes(image))) == plain(dcmread(BytesIO(part10_bytes(image))))


def test_retired_group_lengths_are_left_out() -> None:
    content = part10_bytes(secondary_capture())
    stream = BytesIO(content)
    offset = find_dataset(stream).offset
    with_length = content[:offset] + b"\x08\x00\x00\x00UL\x04\x00\x10\x00\x00\x00" + content[offset:]
    assert plain(rewritten(with_length)) == plain(rewritten(content))


def test_a_value_of_unknown_representation_is_implicit_inside_already() -> None:
    content = part10_bytes(secondary_capture(PixelData=None))
    private = bytes.fromhex(
        "09000110 554e0000 ffffffff fe ff 00 e0 08000000 09000210 00000000 fe ff dd e0 00000000".replace(" ", "")
    )
    dataset = rewritten(content + private)
    assert len(dataset[0x0009, 0x1001].value) > 0


def test_compressed_pixels_cannot_be_rewritten() -> None:
    content = part10_bytes(secondary_capture(PixelData=None))
    pixels = bytes.fromhex("e07f1000 4f420000 ffffffff feff00e0 00000000 feffdde0 00000000".replace(" ", ""))
    with pytest.raises(DatasetMalformed):
        rewritten(content + pixels)


def test_a_truncated_data_set_is_noticed() -> None:
    with pytest.raises(DatasetTruncated):
        rewritten(part10_bytes(secondary_capture())[:-10])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_come_it_ends(content: bytes) -> None:
    try:
        list(implicit_pieces(BytesIO(content), 0, 16))
    except (DatasetTruncated, DatasetMalformed):
        return
