"""Every real file beside the checkout ends as it should, and its picture is what other programs make of it."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leapfrog.errors import NothingToRead, UnreadableImage
from leapfrog.reader.image.dicom_file import DicomFile, open_dicom_file
from leapfrog.reader.image.grayscale import read_voi_windows
from leapfrog.reader.image.image import DecodedImage, open_image

# What becomes of files that are not read; all others under dicom/ are. The words are from the sentence for staff.
NOT_DICOM = "not a DICOM file"
ENDS_EARLY = "the picture ends early"
NO_PICTURE = "should hold a picture"
NO_SIZE = "does not say how large"
SET_ASIDE = {
    "GH223.dcm": NO_PICTURE,
    "GH340.dcm": "12 bits each",
    "JPEG2000-embedded-sequence-delimiter.dcm": "not the size that the file says",
    "MR_truncated.dcm": ENDS_EARLY,
    "UN_sequence.dcm": NO_PICTURE,
    "chrJapMulti.dcm": NO_PICTURE,
    "chrJapMultiExplicitIR6.dcm": NO_PICTURE,
    "chrKoreanMulti.dcm": NO_PICTURE,
    "chrSQEncoding.dcm": NO_PICTURE,
    "chrSQEncoding1.dcm": NO_PICTURE,
    "empty_charset_LEI.dcm": "does not say what it is",
    "image_dfl.dcm": "Deflated",
    "meta_missing_tsyntax.dcm": NO_SIZE,
    "nested_priv_SQ.dcm": NO_SIZE,
    "no_meta.dcm": NOT_DICOM,
    "no_meta_group_length.dcm": NO_PICTURE,
    "priv_SQ.dcm": NO_PICTURE,
    "rtplan_truncated.dcm": "it ends early",
    "crayons.icc": NOT_DICOM,
    "LICENSE": NOT_DICOM,
    "License.txt": NOT_DICOM,
    "README.md": NOT_DICOM,
    "README.txt": NOT_DICOM,
    "rtplan.dump": NOT_DICOM,
    "rtstruct.dump": NOT_DICOM,
    "test1.json": NOT_DICOM,
    "test_PN.json": NOT_DICOM,
    "zipMR.gz": NOT_DICOM,
}
FORWARD_ONLY = {
    "ExplVR_BigEndNoMeta.dcm": "radiotherapy plan",
    "ExplVR_LitEndNoMeta.dcm": "radiotherapy plan",
    "rtplan.dcm": "radiotherapy plan",
    "rtstruct.dcm": "outlines for radiotherapy",
    "badVR.dcm": "radiotherapy dose",
    "rtdose.dcm": "radiotherapy dose",
    "rtdose_1frame.dcm": "radiotherapy dose",
    "rtdose_expb.dcm": "radiotherapy dose",
    "rtdose_expb_1frame.dcm": "radiotherapy dose",
    "rtdose_rle.dcm": "radiotherapy dose",
    "rtdose_rle_1frame.dcm": "radiotherapy dose",
    "liver_1frame.dcm": "outlines made on other images",
    "liver_expb_1frame.dcm": "outlines made on other images",
    "seg_image_cr_binary.dcm": "outlines made on other images",
    "reportsi.dcm": "a report",
    "reportsi_with_empty_number_tags.dcm": "a report",
    "test-SR.dcm": "a report",
    "waveform_ecg.dcm": "such as an ECG",
}
READ_COUNT = 95

# DCMTK's decoder for a transfer syntax; "" where dcm2pnm needs none.
DCMTK_DECODERS = {
    "1.2.840.10008.1.2": "",
    "1.2.840.10008.1.2.1": "",
    "1.2.840.10008.1.2.2": "",
    "1.2.840.10008.1.2.5": "",
    "1.2.840.10008.1.2.4.50": "dcmdjpeg",
    "1.2.840.10008.1.2.4.70": "dcmdjpeg",
    "1.2.840.10008.1.2.4.80": "dcmdjpls",
    "1.2.840.10008.1.2.4.81": "dcmdjpls",
}
# Files that dcm2pnm cannot open (wrong lengths, a private palette) or shows otherwise: its own full range.
NOT_COMPARED = {"GH364.dcm", "SC_rgb_jpeg.dcm", "gdcm-US-ALOKA-16.dcm", "CT_small.dcm"}


@pytest.fixture(scope="module")
def files(shared_data: Path) -> list[DicomFile]:
    paths = sorted(path for path in (shared_data / "dicom").rglob("*") if path.is_file())
    return [open_dicom_file(path) for path in paths]


def pictures(files: list[DicomFile]) -> list[tuple[DicomFile, DecodedImage]]:
    unread = SET_ASIDE.keys() | FORWARD_ONLY.keys()
    return [(file, open_image(file)) for file in files if file.path.name not in unread]


def test_each_file_is_read_or_set_aside_or_only_forwarded_as_the_table_says(files: list[DicomFile]) -> None:
    read = 0
    for file in files:
        name = file.path.name
        if name in SET_ASIDE:
            with pytest.raises(UnreadableImage, match=SET_ASIDE[name]):
                open_image(file).frame(0)
        elif name in FORWARD_ONLY:
            with pytest.raises(NothingToRead, match=FORWARD_ONLY[name]):
                open_image(file)
        else:
            image = open_image(file)
            for index in range(image.frame_count):
                shape = image.frame(index).shown.shape
                assert shape[:2] == (image.layout.rows, image.layout.columns), name
            read += 1
    assert read == READ_COUNT


def test_pictures_are_those_that_dcmtk_makes(files: list[DicomFile], tmp_path: Path) -> None:
    compared = 0
    for file, image in pictures(files):
        decoder = DCMTK_DECODERS.get(file.transfer_syntax_uid)
        if decoder is None or file.path.name in NOT_COMPARED:
            continue
        source = file.path
        if decoder:
            source = tmp_path / "decoded.dcm"
            subprocess.run([decoder, "-q", str(file.path), str(source)], check=True)
        gray = image.layout.photometric.startswith("MONOCHROME")
        options = ["+Wi", "1"] if gray and read_voi_windows(file.dataset) else ["-W"]
        made = tmp_path / "picture.pnm"
        subprocess.run(["dcm2pnm", "-q", "-O", *options, str(source), str(made)], check=True)
        theirs = np.asarray(Image.open(made)).astype(int)
        frame = image.frame(0)
        ours = (frame.shown if theirs.ndim == 3 else frame.gray()).astype(int)
        assert ours.shape == theirs.shape, file.path.name
        assert np.abs(ours - theirs).max() <= 1, file.path.name  # dcm2pnm rounds down
        compared += 1
    assert compared >= 65


def test_one_picture_in_many_transfer_syntaxes_is_one_picture(files: list[DicomFile]) -> None:
    by_name = {file.path.name: image for file, image in pictures(files)}
    twins = {
        "MR_small.dcm": [f"MR_small_{kind}.dcm" for kind in ("RLE", "bigendian", "expb", "implicit", "padded")]
        + ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"],
        "OBXXXX1A.dcm": ["OBXXXX1A_expb.dcm", "OBXXXX1A_rle.dcm", "OBXXXX1A_rle_2frame.dcm"],
        "color-pl.dcm": ["color-px.dcm"],
        "SC_rgb_rle.dcm": ["SC_rgb_rle_16bit.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_jpeg_gdcm.dcm"],
        "SC_rgb_small_odd.dcm": ["SC_rgb_small_odd_big_endian.dcm"],
    }
    for original, others in twins.items():
        expected = by_name[original].frame(0).shown
        for other in others:
            got = by_name[other].frame(0)
            assert np.array_equal(got.shown, expected), other


def test_chests_are_shown_with_dark_air(files: list[DicomFile]) -> None:
    chests = {"CR-MONO1-10-chest", "RG1_J2KI.dcm"}
    for file, image in pictures(files):
        if file.path.name in chests or "nhsx" in str(file.path) or "850819" in file.path.name:
            gray = image.frame(0).gray()
            rows, columns = gray.shape
            lung = gray[rows * 3 // 10 : rows // 2, columns * 2 // 10 : columns * 4 // 10]
            spine = gray[rows * 3 // 10 : rows // 2, columns * 46 // 100 : columns * 54 // 100]
            assert lung.mean() < spine.mean() - 15, file.path.name


def test_jpeg_2000_decoders_agree(files: list[DicomFile]) -> None:
    import gdcm

    for file, image in pictures(files):
        if file.path.name not in ("RG3_J2KI.dcm", "693_J2KI.dcm"):
            continue
        reader = gdcm.ImageReader()
        reader.SetFileName(str(file.path))
        assert reader.Read()
        theirs = np.frombuffer(reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape"), np.uint16)
        ours = image._decoder.stored(0).samples.reshape(-1)  # the stored samples, before any window
        assert np.array_equal(ours, theirs), file.path.name


def test_ultrasound_regions_and_spacings(files: list[DicomFile]) -> None:
    by_name = {file.path.name: image for file, image in pictures(files)}
    duplex = by_name["I_000003.dcm"]
    assert duplex.area == (42, 4, 439, 354)
    assert duplex.spacing_mm == pytest.approx((0.2286, 0.2857), abs=1e-4)
    assert by_name["12-08_202108_20210100.dcm"].area == (120, 60, 800, 519)
    assert by_name["Fake_MONOHR1.dcm"].spacing_mm is None  # its is the detector's
    assert by_name["RG1_J2KI.dcm"].spacing_mm is None  # it says 0.000 mm
