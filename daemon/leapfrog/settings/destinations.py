"""Where results and images are sent, and when."""

import re
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from leapfrog.district_key import DistrictPublicKey
from leapfrog.settings.section import MOST_BYTES, AeTitle, Port, Section, host_name, require_web_address

# What of an exam may be sent: its images as received, and the objects that are made of its report.
Sendable = Literal["original", "report_pdf", "overlay", "structured_report", "segmentation", "preview"]
SENDABLE: tuple[Sendable, ...] = (
    "structured_report", "report_pdf", "preview", "segmentation", "overlay", "original",
)  # fmt: skip
DISTRICT = "district"  # the name of the destination that [district] is


def _written_as(pattern: str, rule: str) -> AfterValidator:
    """Of a text that must match `pattern` as a whole, which people are told as `rule`."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(rule)
        return text

    return AfterValidator(check)


# It stands in the journal, in `status` and in file names.
DestinationName = Annotated[
    str,
    _written_as(
        "[A-Za-z0-9][A-Za-z0-9._-]{0,31}",
        'at most 32 letters, digits, ".", "-" and "_" make a name, and it begins with a letter or a digit',
    ),
]
Modality = Annotated[
    str, _written_as("[A-Z0-9_]{1,16}", 'it is written as DICOM does, in capital letters, such as "CR" or "US"')
]
TransferSyntax = Annotated[
    str,
    _written_as(
        r"(?=.{1,64}$)1\.2(\.(0|[1-9][0-9]*))+", 'it must be a UID of DICOM, such as "1.2.840.10008.1.2.4.80" (JPEG-LS)'
    ),
]


def district_public_key(line: str) -> str:
    """`line`, if it is the public key of a district; "" for none. Raises ValueError otherwise."""
    return str(DistrictPublicKey.parse(line)) if line.strip() else ""


def dicomweb_root(url: str) -> str:
    """`url`, if it can be a DICOMweb root, without a slash at its end; "" for none. Raises ValueError otherwise."""
    if not url:
        return url
    require_web_address(
        url, "a DICOMweb root such as https://district.example/dicom-web, or empty if there is no server"
    )
    return url.rstrip("/")


class Access(Section):
    """How a server is asked to let this box in, and how this box knows the server: keys that every kind of destination
    has.
    """

    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    username: str = ""
    password_file: Path | None = None
    token_file: Path | None = None


class SyncWindow(Section):
    """A daily period, in local time, in which results are sent; it may cross midnight."""

    start: time
    end: time

    def contains(self, moment: time) -> bool:
        """Whether `moment` is in the window. The start belongs to the window, the end does not."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


class DestinationSettings(Access):
    """[[destination]]: one server to which results and images are sent.

    `send`: the kinds of objects that it gets; `modalities`: of exams with images of these alone, of all if empty;
    `only_urgent`: of urgent exams alone. `since`: also of exams that were received on that day or later, if the
    destination is new. `transfer_syntaxes`: the UIDs of those that it takes; if empty, what its kind takes usually, and
    what it turns out to refuse is remembered. `public_key`: what is owed to it may also be carried there on a stick,
    encrypted to this key; to one of kind "stick" nothing goes but on sticks.
    """

    name: DestinationName
    kind: Literal["dicomweb", "dicom", "stick"] = "dicomweb"
    url: Annotated[str, AfterValidator(dicomweb_root)] = ""
    host: Annotated[str, AfterValidator(host_name)] = ""
    port: Port = 104
    ae_title: AeTitle = "ANY-SCP"
    tls: bool = False
    commit: bool = False
    send: tuple[Sendable, ...] = SENDABLE
    modalities: tuple[Modality, ...] = ()
    only_urgent: bool = False
    since: date | None = None
    fetch_reports: bool = False
    transfer_syntaxes: tuple[TransferSyntax, ...] = ()
    public_key: Annotated[str, AfterValidator(district_public_key)] = ""

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        if self.kind == "dicomweb" and not self.url:
            raise ValueError('a destination of kind "dicomweb" needs url, the address of its DICOMweb service')
        if self.kind == "dicom" and not (self.host and "ae_title" in self.model_fields_set):
            raise ValueError('a destination of kind "dicom" needs host and ae_title, and port if that is not 104')
        if self.kind == "stick" and not self.public_key:
            raise ValueError('a destination of kind "stick" needs public_key, to which sticks are encrypted')
        of_a_link = {"host", "port", "ae_title", "tls", "commit", "url", "fetch_reports", *Access.model_fields}
        of_the_other = {
            "dicomweb": {"host", "port", "ae_title", "tls", "commit"},
            "dicom": {"url", "fetch_reports", "username", "password_file", "token_file"},
            "stick": of_a_link,
        }
        if surplus := sorted(of_the_other[self.kind] & self.model_fields_set):
            raise ValueError(f'a destination of kind "{self.kind}" has no {" and no ".join(surplus)}')
        of_tls = {"ca_file", "client_certificate", "client_key"} & self.model_fields_set
        if self.kind == "dicom" and of_tls and not self.tls:
            raise ValueError(f'{" and ".join(sorted(of_tls))} of a destination of kind "dicom" need tls = true')
        return self

    def oversights(self, today: date) -> list[str]:
        """Sentences about keys that do not do what whoever wrote them will expect, and about files that are not there.
        A file may come later: it is read when something is sent.
        """
        found = []
        if self.since is not None and self.since > today:
            found.append(
                f"{self._key('since')} is a day to come. It asks for exams of before, from that day on; whatever comes"
                " is sent from now on."
            )
        if self.password_file is not None and not self.username:
            found.append(f"{self._key('password_file')} is not used without a username.")
        for key in ("ca_file", "client_certificate", "client_key", "password_file", "token_file"):
            path: Path | None = getattr(self, key)
            if path is not None and not _is_there(path):
                found.append(f"{self._key(key)} is {path}, which does not exist: nothing can be sent there without it.")
        return found

    def _key(self, key: str) -> str:
        return f"district.{key}" if self.name == DISTRICT else f'{key} of the destination "{self.name}"'

    def server(self) -> tuple[str, str, int, str]:
        """Where it listens, and what it is called: two that are equal are one server. One that no link reaches is known
        by its key.
        """
        if self.kind == "stick":
            return self.public_key, "", 0, ""
        return self.url.lower(), self.host.lower(), self.port, self.ae_title.strip()


def _is_there(path: Path) -> bool:
    """Whether a file is there; so it counts in a folder where this user may not look."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


class DistrictSettings(Access):
    """[district]: the short way to one destination, called "district". With an empty `url` there is none, or, with a
    `public_key`, one that sticks alone reach. `windows` and
    `bytes_per_second` hold for all destinations together.
    """

    url: Annotated[str, AfterValidator(dicomweb_root)] = ""
    send: tuple[Sendable, ...] = SENDABLE
    windows: tuple[SyncWindow, ...] = ()
    bytes_per_second: int = Field(default=0, ge=0, le=MOST_BYTES)
    fetch_reports: bool = False
    public_key: Annotated[str, AfterValidator(district_public_key)] = ""

    def destination(self) -> DestinationSettings | None:
        """The destination that this is, or None."""
        if not self.url and not self.public_key:
            return None
        if not self.url:
            return DestinationSettings(name=DISTRICT, kind="stick", send=self.send, public_key=self.public_key)
        access = {key: getattr(self, key) for key in Access.model_fields}
        return DestinationSettings(
            name=DISTRICT,
            url=self.url,
            send=self.send,
            fetch_reports=self.fetch_reports,
            public_key=self.public_key,
            **access,
        )

    @field_validator("windows", mode="before")
    @classmethod
    def _parse_windows(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        return tuple(_parse_window(entry) if isinstance(entry, str) else entry for entry in value)


def _parse_window(text: str) -> dict[str, str]:
    match = re.fullmatch(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", text.strip())
    if match is None or match[1] == match[2]:
        raise ValueError(f"{text!r} is not a window such as '19:00-06:30'")
    return {"start": match[1], "end": match[2]}


def same_servers(destinations: Sequence[DestinationSettings]) -> list[str]:
    """A sentence for each destination whose server has another name before it."""
    first: dict[tuple[str, str, int, str], str] = {}
    names = [(one.name, first.setdefault(one.server(), one.name)) for one in destinations]
    return [
        f'The destinations "{before}" and "{name}" are one server: what both get is sent there twice.'
        for name, before in names
        if name != before
    ]


def require_distinct(destinations: Sequence[DestinationSettings], *, has_district: bool) -> None:
    """Raise ValueError where two destinations have one name."""
    names = [destination.name.lower() for destination in destinations]
    if has_district:
        names.append(DISTRICT)
    if twice := next((name for name in names if names.count(name) > 1), None):
        also = " ([district] is one of that name)" if twice == DISTRICT and has_district else ""
        raise ValueError(f"the name {twice!r} is there twice{also}; each destination needs one of its own")
