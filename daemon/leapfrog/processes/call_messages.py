"""The messages between the main process and the program that calls a DICOM archive (`leapfrog.dimse.store`), as frozen
models that validate themselves.

The main process sends one request at a time and waits for its answer: `Opened`, `Answered`, `Found` or `Failed`. Behind
a `Store` the data set follows in pieces, each when it is wanted, then its end. A `Report` may come at any time while an
association is open; the main process answers it by `Noted` before the archive is told that it was taken.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from leapfrog.exam import Frozen

FailureKind = Literal[
    "name",  # the host's name cannot be looked up
    "connect",  # no connection
    "tls_files",  # our certificate, key or the authorities cannot be used
    "tls_certificate",  # its certificate is not trusted
    "tls",  # it does not speak TLS, or not with us
    "rejected",  # it rejected the association
    "not_dicom",  # it closed the connection, or aborted, instead of answering the request for an association
    "silent",  # it did not answer in time
    "broken",  # the connection broke, or it aborted
    "wrong_answer",  # it answered something that does not belong to what was asked
    "no_context",  # the association has no presentation context for it
]


class TlsFiles(Frozen):
    """PEM files: the authorities to trust (None: those of the system), and what this box shows of itself."""

    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


class Patience(Frozen):
    """How long an archive is waited for."""

    connect_seconds: float = 10.0  # for each of its addresses
    associate_seconds: float = 30.0  # for the answer to the request for an association
    answer_seconds: float = 300.0  # for the answer to an instance, which it may have to store first
    # That nothing moves at all, in the middle of a PDU. Whoever is slower than this is of no use.
    still_seconds: float = 120.0
    idle_seconds: float = 5.0  # after which an association that nobody uses is released


class Archive(Frozen):
    """Whom to call, and under which AE titles. `tls` is None for a connection without it."""

    host: str
    port: int
    calling: str
    called: str
    tls: TlsFiles | None = None
    patience: Patience = Patience()


class Context(Frozen):
    """A presentation context: a SOP class in one transfer syntax."""

    sop_class_uid: str
    transfer_syntax_uid: str


class Reference(Frozen):
    """One instance, as storage commitment names it."""

    sop_class_uid: str
    sop_instance_uid: str


# ---------------------------------------------------------------- requests


class Open(Frozen):
    """See to an association on which at least `contexts` were proposed. Answered by `Opened` or `Failed`."""

    kind: Literal["open"] = "open"
    archive: Archive
    contexts: tuple[Context, ...]


class Store(Frozen):
    """C-STORE of the data set that follows. Answered by `Answered` or `Failed`."""

    kind: Literal["store"] = "store"
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class Find(Frozen):
    """C-FIND: whether it holds this instance. Answered by `Found` or `Failed`."""

    kind: Literal["find"] = "find"
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


class Echo(Frozen):
    """C-ECHO. Answered by `Answered` or `Failed`."""

    kind: Literal["echo"] = "echo"


class Commit(Frozen):
    """N-ACTION: will it keep these? Answered by `Answered` or `Failed`."""

    kind: Literal["commit"] = "commit"
    transaction_uid: str
    references: tuple[Reference, ...]


class Noted(Frozen):
    """A `Report` was taken durably, or not. Has no answer."""

    kind: Literal["noted"] = "noted"
    taken: bool


class Close(Frozen):
    """Release the association, if one is open. Has no answer."""

    kind: Literal["close"] = "close"


# ---------------------------------------------------------------- answers


class Opened(Frozen):
    """An association is open. `is_new`: it was opened for this request."""

    kind: Literal["opened"] = "opened"
    accepted: tuple[Context, ...]
    is_new: bool


class Answered(Frozen):
    """It answered with this DIMSE status (PS3.7 Annex C)."""

    kind: Literal["answered"] = "answered"
    status: int


class Found(Frozen):
    """Whether it says that it holds the instance; None if it does not let itself be asked."""

    kind: Literal["found"] = "found"
    held: bool | None


class Failed(Frozen):
    """It did not do what was asked. `detail` is a number or a word of ours or of the system, never of the far side.

    `rejection` is result, source and reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21).
    """

    kind: Literal["failed"] = "failed"
    what: FailureKind
    detail: str = ""
    rejection: tuple[int, int, int] | None = None


class Report(Frozen):
    """The N-EVENT-REPORT of a storage commitment: what is kept, and what is not and why."""

    kind: Literal["report"] = "report"
    transaction_uid: str
    kept: tuple[Reference, ...]
    failed: tuple[tuple[Reference, int], ...]


Request = Annotated[Open | Store | Find | Echo | Commit | Noted | Close, Field(discriminator="kind")]
Answer = Annotated[Opened | Answered | Found | Failed | Report, Field(discriminator="kind")]
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)
