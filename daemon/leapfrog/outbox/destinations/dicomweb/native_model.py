"""The Native DICOM Model, DICOM in XML (PS3.19 annex A.1), as a DICOMweb server may answer.

Parsed by expat with a stack of our own: no recursion, at most so many levels, and no document type, whose entities
could expand without limit.
"""

from typing import Any
from xml.parsers import expat

MOST_LEVELS = 64  # an answer about one instance has five

# A data set as in the DICOM JSON model (PS3.18 annex F): tag -> {"Value": [...]}.
DicomJson = dict[str, Any]


class NotNativeModel(ValueError):
    """The text is no XML, or nothing that the Native DICOM Model allows."""


def parse_native_model(text: bytes) -> DicomJson:
    """The data set in `text`. Raises NotNativeModel, or expat's errors."""
    parser = expat.ParserCreate(namespace_separator="}")
    builder = _Builder()
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.buffer_text = True
    parser.Parse(text, True)
    return builder.dataset


class _Builder:
    def __init__(self) -> None:
        self.dataset: DicomJson = {}
        self._names: list[str] = []
        self._datasets: list[DicomJson] = [self.dataset]
        self._values: list[list[Any]] = []
        self._text: list[str] = []

    def doctype(self, *_parts: object) -> None:
        raise NotNativeModel("A document type is not allowed.")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition("}")[2]
        if len(self._names) >= MOST_LEVELS or (not self._names and name != "NativeDicomModel"):
            raise NotNativeModel("This is not the Native DICOM Model.")
        self._names.append(name)
        self._text = []
        if name == "DicomAttribute":
            values: list[Any] = []
            self._values.append(values)
            self._datasets[-1][attributes.get("tag", "").upper()] = {"Value": values}
        elif name == "Item" and self._values:
            item: DicomJson = {}
            self._values[-1].append(item)
            self._datasets.append(item)

    def end(self, name: str) -> None:
        name = self._names.pop()
        if name == "DicomAttribute":
            self._values.pop()
        elif name == "Item" and len(self._datasets) > 1:
            self._datasets.pop()
        elif name == "Value" and self._values:
            self._values[-1].append("".join(self._text))
        self._text = []

    def characters(self, text: str) -> None:
        self._text.append(text)
