"""What a command may be asked, checked before it runs: whatever program its owner runs may write to the control socket.

A value that SQLite cannot take would count as a failure of the journal, and so end the box.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from leapfrog.errors import UsageError
from leapfrog.settings import MOST_COPIES, OLDEST_YEARS, PageSize, printer_name

MOST_LISTED = 1_000_000_000
MOST_ON_A_PAGE = 5000
LISTED = 1000  # rows of a list, unless more are asked for
LONGEST_REASON = 200  # characters


def _encodable(text: str) -> str:
    text.encode()  # raises a ValueError for half a letter, which JSON can write and SQLite cannot take
    return text


Text = Annotated[str, AfterValidator(_encodable)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
RawKey = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Limit = Annotated[int, Field(ge=0, le=MOST_LISTED)]
_Asked = TypeVar("_Asked", bound="Asked")


class Asked(BaseModel):
    """The arguments of one command, as JSON has them: nothing is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Nothing(Asked):
    """No arguments."""


class StatusAsked(Asked):
    """`limit`: how many exams and images are listed."""

    limit: Limit | None = None


class InstancesAsked(Asked):
    """Which instances are listed. `exam`: only those of this one, by its number, its key or the path of its report."""

    state: Text | None = None
    exam: Text | None = None
    limit: Limit = LISTED
    file_problems: bool = False


class DeliveriesAsked(Asked):
    """Which deliveries are listed. `destination`: only those to this one, by its name."""

    state: Text | None = None
    destination: Text | None = None
    limit: Limit = LISTED


class IdsAsked(Asked):
    """Of instances and deliveries."""

    ids: list[Text]


class DismissAsked(Asked):
    """Instances and deliveries by their `ids`, or all that is owed to a `destination`."""

    ids: list[Text] = []
    destination: Text | None = None


class SyncAsked(Asked):
    """`destination`: only what is owed to this one, by its name."""

    destination: Text | None = None


class RereadAsked(Asked):
    """`exams`: their keys, or paths of their reports; None for all. `age_years`: the patient's, if images lack it."""

    exams: list[Text] | None
    age_years: Annotated[int, Field(ge=0, le=OLDEST_YEARS)] | None = None


class ExamAsked(Asked):
    """`exam` by its number, its key or the path of its report."""

    exam: Text


class PrintAsked(Asked):
    """`exam` by its number, its key or the path of its report; what is None is as the settings have it."""

    exam: Text
    printer: Annotated[Text, AfterValidator(printer_name)] | None = None
    page_size: PageSize | None = None
    copies: Annotated[int, Field(ge=1, le=MOST_COPIES)] | None = None


class ForgetAsked(Asked):
    """`exam` by its number, its key or the path of its report. `although_owed`: what is owed of it is given up."""

    exam: Text
    reason: Annotated[Text, Field(min_length=1, max_length=LONGEST_REASON)]
    although_owed: bool = False


class NamesAsked(Asked):
    """Of spool files."""

    names: list[Text]


class PartAsked(Asked):
    """A part on a stick, by its export and number."""

    export_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    part: Annotated[int, Field(ge=1, le=999_999)]


class StickAsked(Asked):
    """What is to be written on a stick. `destination`: for this one, by its name, or None for the only one with a key;
    `kinds` of objects; `parts`: those that are on the stick already.
    """

    destination: Text | None = None
    kinds: list[Text] = []
    parts: list[PartAsked] = []


class PageAsked(StickAsked):
    """The next `most` after `after`, of what has that turn; see `state/sending/exported.py`. `parts` are whole."""

    rank: Annotated[int, Field(ge=0, le=8)]
    on_another: bool
    after: Annotated[int, Field(ge=-(1 << 62), le=1 << 62)] | None
    most: Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE)]


class NewPartAsked(PartAsked):
    """A part that was written for `destination`, encrypted to its `public_key` and signed with the box's `station_key`.
    `contents`: of each delivery in it, the SHA-256 of what went.
    """

    destination: Text
    public_key: Text
    station_key: RawKey
    byte_count: Annotated[int, Field(ge=0, le=1 << 62)]
    file_sha256: Sha256
    contents: dict[Text, Sha256]


class PartsAsked(Asked):
    """Parts that were written, and whether they are on a stick."""

    parts: list[PartAsked]
    are_there: bool


class DeliveryIdsAsked(Asked):
    """Of deliveries."""

    ids: list[Text]


class ReceiptAsked(Asked):
    """The text of a file that a district made."""

    receipt: Text


def understood(kind: type[_Asked], arguments: object) -> _Asked:
    """The arguments of a command. Raises UsageError when they are not those that it takes."""
    try:
        return kind.model_validate(arguments)
    except ValidationError as problem:
        (first, *_) = problem.errors(include_url=False, include_input=False)
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in kind.model_fields)
        raise UsageError(
            f"The running daemon does not take these arguments ({where + ': ' if where else ''}{first['msg']}). If"
            " Leapfrog was updated, restart it."
        ) from problem


def handler(kind: type[_Asked], command: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    """What the control socket calls with whatever arguments come."""
    return lambda arguments: command(**dict(understood(kind, arguments)))
