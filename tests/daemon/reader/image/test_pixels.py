"""What a person would see of stored values: windows, tables, inversion, colours, sizes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from leapfrog.dicom.uids import EXPLICIT_BIG_ENDIAN, IMPLICIT_LITTLE_ENDIAN
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import DecodedImage, open_image
from leapfrog.reader.image.pixels import DisplayedFrame, chosen_frames, model_input
from support.instances import gradient, image_dataset, save


def opened(dataset: Dataset, folder: Path, syntax: str = "1.2.840.10008.1.2.1") -> DecodedImage:
    return open_image(open_dicom_file(save(dataset, folder / "image.dcm", syntax)))


def shown(pixels: NDArray[Any], folder: Path, **attributes: Any) -> NDArray[np.uint8]:
    return opened(image_dataset(pixels, **attributes), folder).frame(0).gray()


def test_a_linear_window_follows_the_formula_of_the_standard(tmp_path: Path) -> None:
    pixels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    center, width = 1000.0, 800.0
    expected = np.empty(4096)
    for value in range(4096):  # PS3.3 C.11.2.1.2.1, as it is written there
        if value <= center - 0.5 - (width - 1) / 2:
            expected[value] = 0
        elif value > center - 0.5 + (width - 1) / 2:
            expected[value] = 255
        else:
            expected[value] = ((value - (center - 0.5)) / (width - 1) + 0.5) * 255
    got = shown(pixels, tmp_path, WindowCenter=center, WindowWidth=width, BitsStored=12)
    assert np.array_equal(got.reshape(-1), np.rint(expected).astype(np.uint8))


def test_monochrome1_is_the_exact_inverse_of_its_monochrome2_twin(tmp_path: Path) -> None:
    pixels = gradient(top=4095)
    for attributes in (
        {"WindowCenter": 900, "WindowWidth": 700},
        {"WindowCenter": 900, "WindowWidth": 700, "VOILUTFunction": "SIGMOID"},
        {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 900, "WindowWidth": 700},
        {},
    ):
        twin = shown(pixels, tmp_path, BitsStored=12, **attributes)
        inverse = shown(pixels, tmp_path, BitsStored=12, PhotometricInterpretation="MONOCHROME1", **attributes)
        assert int(twin.max()) - int(twin.min()) > 250
        assert np.array_equal(inverse, 255 - twin)


def test_presentation_lut_shape_inverse_does_not_invert_a_second_time(tmp_path: Path) -> None:
    pixels = gradient(top=255, kind="u1")
    plain = shown(pixels, tmp_path, PhotometricInterpretation="MONOCHROME1")
    stated_twice = shown(pixels, tmp_path, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    assert np.array_equal(plain, 255 - pixels)
    assert np.array_equal(stated_twice, plain)


def test_the_first_usable_window_of_several_is_taken(tmp_path: Path) -> None:
    pixels = gradient()
    one = shown(pixels, tmp_path, WindowCenter=900, WindowWidth=700, BitsStored=12)
    several = shown(pixels, tmp_path, WindowCenter=[5, 900, 40], WindowWidth=[0, 700, 80], BitsStored=12)
    assert np.array_equal(one, several)


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": 900, "WindowWidth": 0},
        {"WindowCenter": 900, "WindowWidth": -5},
        {"WindowCenter": None, "WindowWidth": None},
        {"WindowCenter": 900},
        {"WindowCenter": 60000, "WindowWidth": 10},
    ],
    ids=["zero", "negative", "empty", "no width", "far from all values"],
)
def test_a_useless_window_counts_as_none(attributes: dict[str, Any], tmp_path: Path) -> None:
    pixels = gradient()
    without = shown(pixels, tmp_path, BitsStored=12)
    assert np.array_equal(shown(pixels, tmp_path, BitsStored=12, **attributes), without)
    assert without.min() == 0
    assert without.max() == 255


def test_linear_exact_sigmoid_and_very_narrow_windows(tmp_path: Path) -> None:
    pixels = np.array([[90, 95, 100, 105, 110]], dtype=np.uint16)
    exact = shown(pixels, tmp_path, WindowCenter=100, WindowWidth=20, VOILUTFunction="LINEAR_EXACT", BitsStored=12)
    assert exact.tolist() == [[0, 64, 128, 191, 255]]
    sigmoid = shown(pixels, tmp_path, WindowCenter=100, WindowWidth=20, VOILUTFunction="SIGMOID", BitsStored=12)
    assert sigmoid.tolist() == [[30, 69, 128, 186, 225]]  # 255 / (1 + exp(-4 (x - c) / w))
    step = shown(pixels, tmp_path, WindowCenter=100, WindowWidth=1, BitsStored=12)
    assert step.tolist() == [[0, 0, 255, 255, 255]]
    half = shown(pixels, tmp_path, WindowCenter=1.0, WindowWidth=0.1, RescaleSlope=0.01, RescaleIntercept=0)
    assert half.tolist() == [[0, 0, 128, 255, 255]]


def test_eight_bit_pictures_without_a_window_are_shown_as_they_are(tmp_path: Path) -> None:
    pixels = gradient(top=100, kind="u1") + 50
    assert np.array_equal(shown(pixels, tmp_path), pixels)


def test_six_stored_bits_fill_the_range_of_grays(tmp_path: Path) -> None:
    pixels = np.array([[0, 21, 42, 63]], dtype=np.uint8)
    assert shown(pixels, tmp_path, BitsStored=6).tolist() == [[0, 85, 170, 255]]


def test_without_a_window_padding_and_a_few_outliers_do_not_darken_the_picture(tmp_path: Path) -> None:
    pixels = (gradient(200, 200, top=1000) + 500).astype(np.int16)
    pixels[:50] = -2000
    pixels[100, 100:110] = 30000
    got = shown(pixels, tmp_path, PixelPaddingValue=-2000, RescaleSlope=1, RescaleIntercept=0)
    assert got[50, 0] < 70
    assert got[199, 199] > 250
    assert got[0, 0] == 0


def test_signed_values_and_a_negative_rescale_slope(tmp_path: Path) -> None:
    pixels = np.array([[-100, -50, 0, 50, 100]], dtype=np.int16)
    window = {"WindowCenter": 0, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(pixels, tmp_path, **window).tolist() == [[0, 64, 128, 191, 255]]
    turned = shown(pixels, tmp_path, RescaleSlope=-1, RescaleIntercept=0, **window)
    assert turned.tolist() == [[255, 191, 128, 64, 0]]


def test_bits_beyond_those_stored_are_ignored_also_where_the_high_bit_is_higher(tmp_path: Path) -> None:
    clean = gradient(top=1023)
    window = {"WindowCenter": 512, "WindowWidth": 1024}
    expected = shown(clean, tmp_path, BitsStored=10, **window)
    dirty = clean | 0xA800
    assert np.array_equal(shown(dirty, tmp_path, BitsStored=10, **window), expected)
    shifted = (clean << 6) | 0x3F
    assert np.array_equal(shown(shifted, tmp_path, BitsStored=10, HighBit=15, **window), expected)


def test_negative_numbers_of_twelve_bits_keep_their_sign(tmp_path: Path) -> None:
    values = np.array([[-2048, -1, 0, 2047]])
    stored = (values & 0x0FFF).astype(np.uint16)
    got = shown(stored, tmp_path, BitsStored=12, PixelRepresentation=1, WindowCenter=0, WindowWidth=4096)
    assert got.tolist() == [[0, 127, 128, 255]]


def test_pixels_of_32_bits_and_floats_are_shown_like_those_of_16(tmp_path: Path) -> None:
    pixels = gradient(300, 400, top=60000)
    window = {"WindowCenter": 30000, "WindowWidth": 20000}
    expected = shown(pixels, tmp_path, **window)
    assert np.array_equal(shown(pixels.astype(np.uint32), tmp_path, **window), expected)
    dataset = image_dataset(pixels, **window)
    del dataset.PixelData
    dataset.FloatPixelData = pixels.astype(np.float32).tobytes()
    assert np.array_equal(opened(dataset, tmp_path).frame(0).gray(), expected)


def test_single_bit_pictures_are_black_and_white_in_each_frame(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    packed = np.packbits(frames.reshape(-1), bitorder="little")
    dataset = image_dataset(frames, BitsAllocated=1, BitsStored=1, NumberOfFrames=3, Rows=5, Columns=7)
    dataset.PixelData = packed.tobytes() + b"\0" * (len(packed) % 2)
    image = opened(dataset, tmp_path)
    for index in range(3):
        assert np.array_equal(image.frame(index).gray(), frames[index] * 255)


def table_item(entries: NDArray[Any], first: int, bits: int, **attributes: Any) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def test_a_voi_table_goes_before_a_window_and_ends_hold_beyond_it(tmp_path: Path) -> None:
    pixels = np.array([[0, 99, 100, 101, 102, 103, 500]], dtype=np.uint16)
    entries = np.array([0, 1000, 3000, 4095])
    voi = [table_item(entries, 100, 12)]
    got = shown(pixels, tmp_path, BitsStored=12, VOILUTSequence=voi, WindowCenter=5, WindowWidth=5)
    assert got.tolist() == [[0, 0, 0, 62, 187, 255, 255]]


def test_a_voi_table_that_declares_16_bits_for_12_is_not_shown_black(tmp_path: Path) -> None:
    pixels = np.arange(4, dtype=np.uint16).reshape(1, 4)
    voi = [table_item(np.array([0, 1365, 2730, 4095]), 0, 16)]
    assert shown(pixels, tmp_path, VOILUTSequence=voi).tolist() == [[0, 85, 170, 255]]


def test_a_modality_table_goes_before_the_window(tmp_path: Path) -> None:
    pixels = np.arange(4, dtype=np.uint16).reshape(1, 4)
    modality = [table_item(np.array([400, 300, 200, 100]), 0, 16, ModalityLUTType="US")]
    window = {"WindowCenter": 250, "WindowWidth": 300, "VOILUTFunction": "LINEAR_EXACT"}
    got = shown(pixels, tmp_path, BitsStored=12, ModalityLUTSequence=modality, **window)
    assert got.tolist() == [[255, 170, 85, 0]]


@pytest.mark.parametrize("syntax", [IMPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN])
def test_the_byte_order_of_the_file_does_not_matter(syntax: str, tmp_path: Path) -> None:
    pixels = gradient(31, 33)
    dataset = image_dataset(pixels, BitsStored=12, WindowCenter=1000, WindowWidth=1500)
    expected = opened(dataset, tmp_path).frame(0).gray()
    if syntax == EXPLICIT_BIG_ENDIAN:
        dataset.PixelData = pixels.byteswap().tobytes()
    assert np.array_equal(opened(dataset, tmp_path, syntax).frame(0).gray(), expected)


def test_bytes_swapped_in_pairs_are_put_right_in_every_frame(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (4, 3, 5), dtype=np.uint8)
    dataset = image_dataset(frames, NumberOfFrames=4, Rows=3, Columns=5)
    dataset.PixelData = np.frombuffer(frames.tobytes(), "<u2").byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    image = opened(dataset, tmp_path, EXPLICIT_BIG_ENDIAN)
    for index in range(4):
        assert np.array_equal(image.frame(index).gray(), frames[index])


def test_single_bits_swapped_in_pairs_are_put_right_in_every_frame(tmp_path: Path) -> None:
    frames = np.random.default_rng(6).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    packed = np.packbits(frames.reshape(-1), bitorder="little")
    dataset = image_dataset(frames, BitsAllocated=1, BitsStored=1, NumberOfFrames=3, Rows=5, Columns=7)
    dataset.PixelData = np.frombuffer(packed.tobytes(), "<u2").byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    image = opened(dataset, tmp_path, EXPLICIT_BIG_ENDIAN)
    for index in range(3):
        assert np.array_equal(image.frame(index).gray(), frames[index] * 255)


def test_pixels_outside_items_are_read_under_a_compressed_transfer_syntax_too(tmp_path: Path) -> None:
    pixels = gradient(top=255, kind="u1")
    path = save(image_dataset(pixels), tmp_path / "image.dcm", ExplicitVRLittleEndian)
    path.write_bytes(path.read_bytes().replace(f"{ExplicitVRLittleEndian}\0".encode(), f"{RLELossless}\0".encode()))
    file = open_dicom_file(path)
    assert file.transfer_syntax_uid == RLELossless
    assert np.array_equal(open_image(file).frame(0).gray(), pixels)


def test_colour_by_plane_and_by_pixel_are_the_same_picture(tmp_path: Path) -> None:
    colours = np.random.default_rng(2).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    dataset = image_dataset(colours)
    assert np.array_equal(opened(dataset, tmp_path).frame(0).shown, colours)
    dataset.PlanarConfiguration = 1
    dataset.PixelData = colours.transpose(2, 0, 1).tobytes()
    assert np.array_equal(opened(dataset, tmp_path).frame(0).shown, colours)


def test_colours_of_sixteen_bits_keep_their_upper_byte(tmp_path: Path) -> None:
    colours = np.random.default_rng(3).integers(0, 256, (8, 10, 3), dtype=np.uint16)
    assert np.array_equal(opened(image_dataset(colours * 256 + 7), tmp_path).frame(0).shown, colours)


def test_luminance_and_chroma_become_colours(tmp_path: Path) -> None:
    ybr = np.array([[[76, 85, 255], [150, 44, 21], [29, 255, 107]]], dtype=np.uint8)  # red, green, blue
    got = opened(image_dataset(ybr, PhotometricInterpretation="YBR_FULL"), tmp_path).frame(0).shown.astype(int)
    assert np.abs(got - [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]).max() <= 2


def test_chroma_that_two_pixels_share_is_never_by_plane(tmp_path: Path) -> None:
    ybr = np.array([[[76, 85, 255], [90, 85, 255], [29, 255, 107], [40, 255, 107]]], dtype=np.uint8)
    expected = opened(image_dataset(ybr, PhotometricInterpretation="YBR_FULL"), tmp_path).frame(0).shown
    for planar in (0, 1):
        dataset = image_dataset(ybr, PhotometricInterpretation="YBR_FULL_422", PlanarConfiguration=planar)
        dataset.PixelData = bytes([76, 90, 85, 255, 29, 40, 255, 107])  # PS3.3 C.7.6.3.1.2
        assert np.array_equal(opened(dataset, tmp_path).frame(0).shown, expected)


def palette_dataset(indices: NDArray[Any], colours: NDArray[Any], first: int, bits: int) -> Dataset:
    dataset = image_dataset(indices, PhotometricInterpretation="PALETTE COLOR")
    for channel, name in enumerate(("Red", "Green", "Blue")):
        dataset.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [len(colours), first, bits])
        kind = "u1" if bits == 8 else "<u2"
        dataset.add_new(f"{name}PaletteColorLookupTableData", "OW", colours[:, channel].astype(kind).tobytes())
    return dataset


@pytest.mark.parametrize("bits", [8, 16])
def test_palette_indices_become_their_colours(bits: int, tmp_path: Path) -> None:
    colours = np.random.default_rng(4).integers(0, 256, (16, 3))
    colours[0] = 255
    indices = np.arange(20, dtype=np.uint8).reshape(4, 5)
    stored = colours if bits == 8 else colours * 257
    got = opened(palette_dataset(indices, stored, first=2, bits=bits), tmp_path).frame(0).shown
    expected = colours[np.clip(indices.astype(int) - 2, 0, 15)]
    assert np.array_equal(got, expected)


def test_gray_pictures_sent_as_colour_are_known_as_gray() -> None:
    gray = gradient(20, 30, top=255, kind="u1")
    frame = DisplayedFrame(np.repeat(gray[..., np.newaxis], 3, axis=-1))
    assert not frame.is_colour
    assert np.array_equal(frame.picture(), gray)
    coloured = frame.shown.copy()
    coloured[3, 3] = (200, 10, 10)
    assert DisplayedFrame(coloured).is_colour
    assert DisplayedFrame(coloured).picture().shape == (20, 30, 3)


def test_a_model_sees_the_whole_picture_squashed_by_an_antialiasing_triangle() -> None:
    rng = np.random.default_rng(5)
    gray = rng.integers(0, 256, (500, 400), dtype=np.uint8)
    got = model_input(gray, 224, 192)
    assert got.shape == (224, 192)
    assert got.dtype == np.uint8
    assert np.array_equal(got, np.asarray(Image.fromarray(gray).resize((192, 224), Image.Resampling.BILINEAR)))
    assert abs(float(got.mean()) - float(gray.mean())) < 1
    assert got.std() < gray.std() / 1.5  # averaged, not picked


def test_few_frames_are_all_chosen_and_many_evenly_from_first_to_last() -> None:
    assert chosen_frames(3, 16) == (0, 1, 2)
    assert chosen_frames(16, 16) == tuple(range(16))
    assert chosen_frames(30, 1) == (15,)
    assert chosen_frames(5, 0) == ()
    chosen = chosen_frames(1000, 16)
    assert len(set(chosen)) == 16
    assert (chosen[0], chosen[-1]) == (0, 999)
    gaps = np.diff(chosen)
    assert gaps.max() - gaps.min() <= 1
