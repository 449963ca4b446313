"""The content tree of a structured report (PS3.3 C.17.3): its lines for people, and the findings that it names by code.

The tree is walked with a stack of our own, and no further than so many items: one of a stranger may be 10,000 levels
deep or have millions of items.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr._snomed_dict import mapping

from leapfrog.answers.document import (
    DEEPEST_LINE,
    MOST_CODED,
    MOST_LINES,
    MOST_PERSONS,
    MOST_TEXT,
    CodedFinding,
    Line,
    Person,
    Presence,
)
from leapfrog.exam import Code
from leapfrog.reader.image.attributes import items, text, value_of
from leapfrog.wording.answer_comparison import NORMAL

MOST_ITEMS = 20_000  # that are looked at
LONGEST_LABEL, LONGEST_TEXT = 256, 20_000  # characters

OBSERVER_TYPE, PERSON_NAME, PERSON_ORGANISATION, DEVICE = "121005", "121008", "121009", "121007"
# DCM codes of who observed, whom, in which language (PS3.16 TID 1001 to 1008): said apart, or not at all.
CONTEXT = frozenset(str(code) for code in (*range(121001, 121037), 121046, 121049, 121050))
# DCM codes under which a coded finding stands: Finding, Impression, Conclusion.
FINDING = "121071"
FINDING_NAMES = frozenset((FINDING, "121073", "121077"))

# SNOMED CT: PS3.16 CID 240 (Present-Absent), 230 (Yes-No), and what is said of findings besides them.
PRESENT = frozenset(("52101004", "373066001", "410515003", "410605003"))
ABSENT = frozenset(("2667000", "373067005", "410516002", "410594000"))
UNCLEAR = frozenset(("261665006", "64957009", "415684004", "410592001", "410593003", "373068000", "82334004"))


@dataclass(frozen=True)
class ContentTree:
    """What a tree says. `persons` and `device_wrote` are the observers that it names; `left_out`: it says more."""

    lines: tuple[Line, ...]
    coded: tuple[CodedFinding, ...]
    persons: tuple[Person, ...]
    device_wrote: bool
    left_out: bool


def read_tree(root: Dataset) -> ContentTree:
    """What the tree in the data set `root` of a structured report says."""
    lines: list[Line] = []
    coded: list[CodedFinding] = []
    persons: list[Person] = []
    device_wrote = left_out = False
    room = MOST_TEXT
    for count, (level, item) in enumerate(_walk(root)):
        if count >= MOST_ITEMS or len(lines) >= MOST_LINES:
            left_out = True
            break
        name = code_of(item, "ConceptNameCodeSequence")
        if name is not None and name.scheme == "DCM" and name.value in CONTEXT:
            if name.value == PERSON_NAME and len(persons) < MOST_PERSONS:
                persons.append(Person(name=person(text(item, "PersonName"))))
            elif name.value == PERSON_ORGANISATION:  # of the person named before it
                if persons and not persons[-1].organisation:
                    organisation = text(item, "TextValue")[:LONGEST_LABEL]
                    persons[-1] = persons[-1].model_copy(update={"organisation": organisation})
            elif name.value == OBSERVER_TYPE:
                value = code_of(item, "ConceptCodeSequence")
                device_wrote = device_wrote or (value is not None and value.value == DEVICE)
            continue
        line = _line(level, item, name)
        if line is not None:
            room -= len(line.label) + len(line.text)
            if room < 0:
                left_out = True
                break
            left_out = left_out or len(line.text) == LONGEST_TEXT
            lines.append(line)
        finding = _finding(item, name)
        if finding is not None and len(coded) < MOST_CODED:
            coded.append(finding)
    named = tuple(one for one in persons if one.name)
    return ContentTree(tuple(lines), tuple(coded), named, device_wrote, left_out)


def _walk(root: Dataset) -> Iterator[tuple[int, Dataset]]:
    """The items below `root` with their level, in the order in which they are read."""
    waiting = [(0, item) for item in reversed(items(root, "ContentSequence"))]
    while waiting:
        level, item = waiting.pop()
        yield level, item
        waiting += ((level + 1, child) for child in reversed(items(item, "ContentSequence")))


def _line(level: int, item: Dataset, name: Code | None) -> Line | None:
    """What an item says, None where that is nothing for people: a picture that it refers to, a place in it, a UID."""
    kind = text(item, "ValueType")
    label = (name.meaning or name.value)[:LONGEST_LABEL] if name is not None else ""
    if kind != "CONTAINER" and name is not None and name.scheme == "DCM" and name.value in FINDING_NAMES:
        label = ""  # the section's heading says it
    said = ""
    match kind:
        case "CONTAINER":
            if not label:
                return None
        case "TEXT":
            said = _text_value(item)
        case "CODE":
            value = code_of(item, "ConceptCodeSequence")
            said = (value.meaning or value.value) if value is not None else ""
        case "NUM":
            said = _number(item)
        case "PNAME":
            said = person(text(item, "PersonName"))
        case "DATE":
            said = _date(text(item, "Date"))
        case "TIME":
            said = text(item, "Time")
        case "DATETIME":
            said = _date(text(item, "DateTime"))
        case _:
            return None
    if not said and kind != "CONTAINER":
        return None
    return Line(level=min(level, DEEPEST_LINE), label=label, text=said[:LONGEST_TEXT])


def _text_value(item: Dataset) -> str:
    """A text with its ends of lines."""
    value = value_of(item, "TextValue")
    raw = str(value) if value is not None else ""
    return raw.replace("\r\n", "\n").replace("\r", "\n").strip()


def _number(item: Dataset) -> str:
    for measured in items(item, "MeasuredValueSequence"):
        unit = code_of(measured, "MeasurementUnitsCodeSequence")
        shown = "" if unit is None or unit.value == "1" else unit.value if unit.scheme == "UCUM" else unit.meaning
        return f"{text(measured, 'NumericValue')} {shown}".strip()
    return ""


def _date(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if value[:8].isdecimal() and len(value) >= 8 else value


def person(name: str) -> str:
    """A name (PN) as people write it."""
    first = name.partition("=")[0]
    family, given, middle, prefix, suffix = (*(part.strip() for part in first.split("^")), "", "", "", "", "")[:5]
    return " ".join(filter(None, (prefix, given, middle, family, suffix)))[:LONGEST_LABEL]


def code_of(dataset: Dataset, keyword: str) -> Code | None:
    """The first code of a sequence; one of SNOMED's older form (SRT) in today's, where PS3.16 has it."""
    for item in items(dataset, keyword):
        value = text(item, "CodeValue") or text(item, "LongCodeValue") or text(item, "URNCodeValue")
        scheme, meaning = text(item, "CodingSchemeDesignator"), text(item, "CodeMeaning")
        if scheme in ("SRT", "SNM3", "99SDM"):
            newer = mapping["SRT"].get(value)
            value, scheme = (newer, "SCT") if newer else (value, scheme)
        return Code(value=value[:64], scheme=scheme[:64], meaning=meaning[:LONGEST_LABEL])
    return None


def _finding(item: Dataset, name: Code | None) -> CodedFinding | None:
    """A finding that an item names by its value (Finding: pneumonia), or by its name (pneumonia: absent)."""
    value = code_of(item, "ConceptCodeSequence")
    if text(item, "ValueType") != "CODE" or value is None or name is None:
        return None
    if name.scheme == "DCM" and name.value in FINDING_NAMES:
        if name.value == FINDING and value.scheme == "SCT" and value.value in NORMAL:
            return None  # of the bones, perhaps; an impression or a conclusion is of the exam
        return CodedFinding(code=value, presence=_presence_below(item))
    presence = _presence(value)
    return CodedFinding(code=name, presence=presence) if presence is not None else None


def _presence_below(item: Dataset) -> Presence:
    """What is said of a finding by the items right below it; one that is named without more is there."""
    said = [
        presence
        for child in items(item, "ContentSequence")
        if (value := code_of(child, "ConceptCodeSequence")) is not None and (presence := _presence(value)) is not None
    ]
    if len(set(said)) > 1:
        return "unclear"
    return said[0] if said else "present"


def _presence(value: Code) -> Presence | None:
    if value.scheme != "SCT":
        return None
    if value.value in PRESENT:
        return "present"
    if value.value in ABSENT:
        return "absent"
    return "unclear" if value.value in UNCLEAR else None
