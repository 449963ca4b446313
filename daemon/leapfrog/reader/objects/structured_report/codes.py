"""The coded concepts of a structured report, and how a code becomes one."""

from highdicom.sr import CodeContentItem, CodedConcept, RelationshipTypeValues, TextContentItem

from leapfrog.exam import Code
from leapfrog.reader.objects.common_modules import LONGEST_CODE, LONGEST_MEANING, LONGEST_SCHEME
from leapfrog.reader.objects.dicom_object import shortened
from leapfrog.wording.text import one_line


def _dcm(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="DCM", meaning=meaning)


def _sct(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="SCT", meaning=meaning)


def _ours(value: str, meaning: str) -> Code:
    """A label for text that the standard has no concept for. The scheme's name says that it is private (PS3.16 8)."""
    return Code(value=value, scheme="99LEAPFROG", meaning=meaning)


ENGLISH = Code(value="en", scheme="RFC5646", meaning="English")
DEVICE = _dcm("121007", "Device")

# Procedure Reported: CID 100 where it has one.
CHEST_XRAY = _sct("399208008", "Plain chest X-ray")
XRAY = Code(value="43468-8", scheme="LN", meaning="XR unspecified body region")
ULTRASOUND = _sct("16310003", "Diagnostic ultrasonography")
IMAGING = _sct("363679005", "Imaging procedure")

SUMMARY = _dcm("121111", "Summary")
COMMENT = _dcm("121106", "Comment")
IMAGE_QUALITY = _dcm("111101", "Image Quality")
WHOSE_EXAM = _ours("WHOSE_EXAM", "Check whose exam this is")
LIMITS = _ours("LIMITS", "Limits")  # its text begins with "Caution" where a package asks for one
DISCLAIMER = _ours("DISCLAIMER", "Not a diagnosis")
RESULT = _ours("RESULT", "Result in words")
REASON = _ours("REASON", "Why it was not assessed")
NOT_COVERED = _ours("NOT_COVERED", "What was not looked for")
MADE_FOR = _ours("MADE_FOR", "Intended use")

PRIORITY, URGENT = _sct("260870009", "Priority"), _sct("103391001", "Urgent")
PRESENCE = _sct("705057003", "Presence")
PRESENT, ABSENT, INDETERMINATE = (
    _sct("52101004", "Present"),
    _sct("2667000", "Absent"),
    _sct("82334004", "Indeterminate"),
)
CERTAINTY = _dcm("111012", "Certainty of Finding")
PERCENT = Code(value="%", scheme="UCUM", meaning="percent")
NOT_EVALUATED = _sct("373121007", "Not evaluated")

# How the models fared: CID 6047.
OUTCOME = _dcm("111017", "CAD Processing and Findings Summary")
ALL_FOUND_NOTHING = _dcm("111241", "All algorithms succeeded; without findings")
ALL_FOUND = _dcm("111242", "All algorithms succeeded; with findings")
SOME_FOUND_NOTHING = _dcm("111243", "Not all algorithms succeeded; without findings")
SOME_FOUND = _dcm("111244", "Not all algorithms succeeded; with findings")
NONE_SUCCEEDED = _dcm("111245", "No algorithms succeeded; without findings")

UNITS = {"mm": "millimeter", "mm2": "square millimeter", "wk": "week", "d": "day"}  # UCUM, with its meanings

LUNG = _sct("39607008", "Lung structure")
PLEURA = _sct("3120008", "Pleural structure")
HEART = _sct("80891009", "Heart structure")
DIAPHRAGM = _sct("5798000", "Diaphragm structure")
# Where a finding is, by its code, where that says less than the finding's own name tells a person.
SITES: dict[tuple[str, str], Code] = {
    **dict.fromkeys(
        [
            ("SCT", "46621007"),  # atelectasis
            ("SCT", "409609008"),  # infiltrate
            ("SCT", "309529002"),  # mass
            ("SCT", "786838002"),  # nodule
            ("SCT", "233604007"),  # pneumonia
            ("SCT", "95436008"),  # consolidation
            ("SCT", "19242006"),  # edema
            ("SCT", "87433001"),  # emphysema
            ("SCT", "51615001"),  # fibrosis
        ],
        LUNG,
    ),
    ("SCT", "60046008"): PLEURA,  # effusion
    ("SCT", "36118008"): PLEURA,  # pneumothorax
    ("RADLEX", "RID28509"): PLEURA,  # thickening
    ("SCT", "8186001"): HEART,  # cardiomegaly
    ("SCT", "39839004"): DIAPHRAGM,  # hernia
}


def concept(code: Code) -> CodedConcept:
    """`code` as an item of a code sequence; what is too long for an archive, as some packages may have it, is cut."""
    return CodedConcept(
        shortened(code.value, LONGEST_CODE) or "UNKNOWN",
        shortened(code.scheme, LONGEST_SCHEME) or "99LEAPFROG",
        shortened(code.meaning, LONGEST_MEANING) or "Unknown",
    )


def unit(ucum: str) -> CodedConcept:
    """A unit of UCUM."""
    return concept(Code(value=ucum, scheme="UCUM", meaning=UNITS.get(ucum, ucum)))


def text(name: Code, said: str) -> TextContentItem:
    """A statement in words, which its parent contains."""
    return TextContentItem(concept(name), one_line(str(said)), RelationshipTypeValues.CONTAINS)


def coded(name: Code, value: Code) -> CodeContentItem:
    """A statement in a code, which its parent contains."""
    return CodeContentItem(concept(name), concept(value), RelationshipTypeValues.CONTAINS)
