"""Corrects a data set's Specific Character Set where its text is in another one."""

from collections.abc import Iterator

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import BaseTag

from leapfrog.dicom.character_sets import CODECS, UTF_8, actual_character_set, python_codec
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.reader.image.attributes import text

# PS3.5 Section 6.1.2.3: the VRs whose text is in the Specific Character Set.
TEXT_VRS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
LONGEST_TEXT_BYTES = 10_240

UNDECLARED = sentence("The file does not say how its text is encoded; {assumed} was assumed. Check the patient's name.")
UNDECLARED_AS_SET = sentence(
    "The file does not say how its text is encoded; {assumed} was assumed, as this box is set. Check the patient's"
    " name."
)
OTHERWISE = sentence(
    "The file's text is not encoded as it says ({said}); {assumed} was assumed. Check the patient's name."
)
OTHERWISE_AS_SET = sentence(
    "The file's text is not encoded as it says ({said}); {assumed} was assumed, as this box is set. Check the patient's"
    " name."
)
NAMES = {UTF_8: "UTF-8", "ISO_IR 100": "Latin-1"}


def correct_character_set(dataset: Dataset, assumed: str = "") -> Sentence:
    """Set Specific Character Set to what the text that was not parsed yet is really in; the file does not change.
    `assumed` is the set that the settings assume, or "".

    Returns a sentence for staff if it was changed, or "".
    """
    declared = text(dataset, "SpecificCharacterSet")
    actual = actual_character_set(declared, _text_values(dataset), assumed)
    if "\\" in declared or actual == actual_character_set(declared, ()):
        return Sentence("")
    dataset.SpecificCharacterSet = actual if actual in CODECS else UTF_8  # that of text which we write
    if isinstance(dataset, FileDataset):  # pydicom decodes with the character set that it read first
        implicit, little_endian = dataset.original_encoding
        dataset.set_original_encoding(implicit, little_endian, python_codec(actual))
    is_set, name = actual == assumed and actual != UTF_8, NAMES.get(actual, actual)
    if not declared:
        return (UNDECLARED_AS_SET if is_set else UNDECLARED).format(assumed=name)
    return (OTHERWISE_AS_SET if is_set else OTHERWISE).format(said=NAMES.get(declared, declared), assumed=name)


def _text_values(dataset: Dataset) -> Iterator[bytes]:
    for tag in dataset.keys():  # noqa: SIM118 - iterating over the data set itself would parse its values
        element = dataset.get_item(tag, keep_deferred=True)
        if (
            isinstance(element, RawDataElement)
            and isinstance(element.value, bytes)
            and len(element.value) <= LONGEST_TEXT_BYTES
            and (element.VR or _standard_vr(element.tag)) in TEXT_VRS
        ):
            yield element.value


def _standard_vr(tag: BaseTag) -> str:
    """The VR of an element in implicit VR; '' for a private one."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""
