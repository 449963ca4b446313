"""IPP's requests and answers as bytes (RFC 8010, Section 3)."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

VERSION = (2, 0)
MOST_VALUES = 10_000  # of an answer; that of a printer with every paper there is has some hundreds


class Tag(IntEnum):
    """Delimiters of groups, and the syntaxes of values that are used here (RFC 8010, Section 3.5)."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    TEXT_WITH_LANGUAGE = 0x35
    NAME_WITH_LANGUAGE = 0x36
    BEGIN_COLLECTION = 0x34
    END_COLLECTION = 0x37
    MEMBER_NAME = 0x4A
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    CHARSET = 0x47
    LANGUAGE = 0x48
    MIME_TYPE = 0x49


FIRST_VALUE_TAG = 0x10
OUT_OF_BAND = range(0x10, 0x20)  # unsupported, unknown, no-value
INTEGERS = (Tag.INTEGER, Tag.ENUM)
FIRST_TEXT_TAG = 0x40
Value = int | bool | str


class NotIpp(ValueError):
    """The bytes are no answer that IPP allows."""


@dataclass(frozen=True)
class Attribute:
    """An attribute of a request, with one value or several."""

    tag: Tag
    name: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Answer:
    """What a printer answers: its status code, and the attributes of each group, without collections and what has no
    value.
    """

    status: int
    operation: Mapping[str, tuple[Value, ...]]
    jobs: tuple[Mapping[str, tuple[Value, ...]], ...]
    printer: Mapping[str, tuple[Value, ...]]

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was asked (RFC 8011, Appendix B.1.2)."""
        return self.status < 0x0100


def encode_request(
    operation: int, request_id: int, attributes: Sequence[Attribute], job_attributes: Sequence[Attribute] = ()
) -> bytes:
    """The request, without the document that may follow it."""
    head = struct.pack(">BBHI", *VERSION, operation, request_id)
    first = (
        Attribute(Tag.CHARSET, "attributes-charset", ("utf-8",)),
        Attribute(Tag.LANGUAGE, "attributes-natural-language", ("en",)),
    )
    body = bytes([Tag.OPERATION]) + b"".join(map(_encoded, (*first, *attributes)))
    if job_attributes:
        body += bytes([Tag.JOB]) + b"".join(map(_encoded, job_attributes))
    return head + body + bytes([Tag.END])


def _encoded(attribute: Attribute) -> bytes:
    parts = []
    name = attribute.name.encode()
    for value in attribute.values:
        content = _encoded_value(attribute.tag, value)
        parts.append(struct.pack(">BH", attribute.tag, len(name)) + name + struct.pack(">H", len(content)) + content)
        name = b""  # a further value
    return b"".join(parts)


def _encoded_value(tag: Tag, value: Value) -> bytes:
    if tag in INTEGERS:
        return struct.pack(">i", value)
    if tag is Tag.BOOLEAN:
        return bytes([bool(value)])
    return str(value).encode()


def decode_answer(content: bytes) -> Answer:
    """The answer. Raises NotIpp when the bytes are none."""
    try:
        return _decoded(content)
    except (struct.error, IndexError, UnicodeDecodeError) as problem:
        raise NotIpp("it ends in the middle, or is damaged") from problem


def _decoded(content: bytes) -> Answer:
    status = struct.unpack_from(">H", content, 2)[0]
    groups: list[tuple[int, dict[str, tuple[Value, ...]]]] = []
    offset, name, depth, count = 8, "", 0, 0
    while (tag := content[offset]) != Tag.END:
        offset += 1
        if tag < FIRST_VALUE_TAG:
            groups.append((tag, {}))
            name, depth = "", 0
            continue
        given, offset = _counted(content, offset)
        value, offset = _counted(content, offset)
        count += 1
        if not groups or count > MOST_VALUES:
            raise NotIpp("it has values outside of any group, or too many")
        depth += (tag == Tag.BEGIN_COLLECTION) - (tag == Tag.END_COLLECTION)
        if depth or tag == Tag.END_COLLECTION:
            continue
        name = given.decode() or name
        known = groups[-1][1].setdefault(name, ())
        if tag not in OUT_OF_BAND:
            groups[-1][1][name] = (*known, _decoded_value(tag, value))
    return Answer(
        status,
        next((group for tag, group in groups if tag == Tag.OPERATION), {}),
        tuple(group for tag, group in groups if tag == Tag.JOB),
        next((group for tag, group in groups if tag == Tag.PRINTER), {}),
    )


def _counted(content: bytes, offset: int) -> tuple[bytes, int]:
    """A length of two bytes, and as many bytes; and where the next thing begins."""
    length = struct.unpack_from(">H", content, offset)[0]
    end = offset + 2 + length
    if end > len(content):
        raise NotIpp("it ends in the middle of a value")
    return content[offset + 2 : end], end


def _decoded_value(tag: int, value: bytes) -> Value:
    if tag in INTEGERS:
        return int(struct.unpack(">i", value)[0])
    if tag == Tag.BOOLEAN:
        return value != b"\0"
    if tag in (Tag.TEXT_WITH_LANGUAGE, Tag.NAME_WITH_LANGUAGE):
        _, offset = _counted(value, 0)
        text, _ = _counted(value, offset)
        return text.decode("utf-8", "replace")
    return value.decode("utf-8", "replace") if tag >= FIRST_TEXT_TAG else value.hex()
