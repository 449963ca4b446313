"""The client of the district server: STOW-RS to store an instance, QIDO-RS to ask whether it is there, WADO-RS to see
whether it is the same (PS3.18 chapter 10).

Every failure becomes one of the DistrictErrors. Their texts contain no patient data and no UIDs, because they never
quote what the server wrote.
"""

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Literal, cast

from leapfrog.dicom.part10 import Part10Source
from leapfrog.dicom.uids import mint_uid
from leapfrog.errors import DistrictRefused, DistrictUnclear, DistrictUnreachable, StorageError
from leapfrog.outbox.destinations.dicomweb.answers import (
    Answer,
    StoreAnswer,
    content_type_of,
    is_about_encoding,
    is_temporary,
    parse_metadata,
    parse_store_answer,
)
from leapfrog.outbox.destinations.dicomweb.exchange import Exchanges
from leapfrog.outbox.destinations.dicomweb.held_content import Content, Place, content_of, content_of_source, place_of
from leapfrog.outbox.destinations.dicomweb.multipart import EmptyBody, MultipartBody
from leapfrog.outbox.destinations.dicomweb.retrieved import ANY_TRANSFER_SYNTAX, strip_multipart
from leapfrog.outbox.destinations.dicomweb.search import Held, InstanceSearch
from leapfrog.outbox.destinations.dicomweb.status import not_dicomweb_message, raise_for_link
from leapfrog.outbox.forms import SameImage, never_certain
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.settings import DestinationSettings

REFUSALS = {
    HTTPStatus.BAD_REQUEST: "it says that the instance is malformed",
    HTTPStatus.CONFLICT: "the instance conflicts with what it already holds, or it does not accept this kind of object",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the instance is larger than it accepts; raise the limit on the server",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "it does not accept this encoding (transfer syntax)",
    HTTPStatus.UNPROCESSABLE_ENTITY: "it cannot process the instance",
}
# Statuses that say what is wrong with this very instance. The others may as well mean the server.
DEFINITE = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
# What a server answers that waited for the rest of a body for longer than it has patience: Orthanc the first of these.
GIVEN_UP = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_TIMEOUT}
NO_STORE = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE, HTTPStatus.NOT_IMPLEMENTED}
NOTHING_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
# What a server may add to an instance that it gives back: multipart head and tail, coerced elements.
RETRIEVED_MORE_BYTES = 1_048_576

Comparison = Literal["same", "other", "cannot be compared"]


class StowClient:
    """One district server. For one thread; only `cut` may be called from another."""

    def __init__(
        self,
        destination: DestinationSettings,
        pace: Pace,
        timeouts: Timeouts | None = None,
        same_image: SameImage = never_certain,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`pace` is told whenever bytes are about to move, and holds bodies back. A LeapfrogError that it raises ends
        the transfer. `same_image`: whether two files in different transfer syntaxes hold the same image; false in
        doubt. `headers` go with each request.
        """
        self._pace = pace
        self._same_image = same_image
        self._exchanges = Exchanges(destination, pace, timeouts or Timeouts(), headers)
        self._search = InstanceSearch(self._exchanges)

    def cut(self) -> None:
        """Break off the transfer that is running, and allow no other. Any thread may call it."""
        self._exchanges.cut()

    def break_off(self) -> None:
        """Break off what is running; others may follow. Any thread may call it."""
        self._exchanges.break_off()

    @property
    def has_no_search(self) -> bool:
        """Whether the server was found to have no way to ask whether it holds an instance."""
        return self._search.has_no_search

    def close(self) -> None:
        """Close the connection."""
        self._exchanges.close()

    def holds(self, sop_instance_uid: str, find_source: Callable[[], Part10Source | None]) -> Held:
        """Whether the server says that it holds this instance. `find_source` finds ours, and is called if only its
        study and series help.

        Raises DistrictUnreachable when no district server answered, DistrictLocked when it rejected our credentials.
        """

        def find_place() -> Place | None:
            source = find_source()
            return place_of(source) if source else None

        return self._search.holds(sop_instance_uid, find_place)

    def probe(self) -> Held:
        """What it says of an instance that nobody holds: "not held" if it can be asked. Raises as `holds`."""
        return self._search.holds(mint_uid(), lambda: Place(mint_uid(), mint_uid()))

    def takes_instances(self) -> bool:
        """Whether the server has a place to store instances and lets this box use it. Nothing is stored.

        Raises DistrictUnreachable when no district server answered, DistrictLocked when it rejected our credentials.
        """
        try:
            answer = self._exchanges.post("/studies", EmptyBody())
        except DistrictUnclear as problem:
            raise DistrictUnreachable(str(problem)) from problem
        raise_for_link(answer)
        return answer.status not in NO_STORE

    def store(self, source: Part10Source, sop_instance_uid: str) -> None:
        """Send one instance. Returns only if the server said that it stored this SOP Instance UID.

        Raises DistrictRefused, DistrictUnclear, DistrictUnreachable or DistrictLocked when it did not, StorageError
        when the file cannot be read.
        """
        answer = self._post([source])
        result = parse_store_answer(answer.body, content_type_of(answer.headers))
        if result is not None and sop_instance_uid in result.failed:
            _raise_for_reason(result.failed[sop_instance_uid], answer.status)
        if result is None and answer.status in GIVEN_UP and self._pace.dropped_a_pause():
            reason = f"The district server gave up the instance while it made way for others (HTTP {answer.status})."
            raise DistrictUnclear(reason, is_nobodys_fault=True)
        if answer.status in REFUSALS:
            raise DistrictRefused(
                _refusal_message(answer),
                is_definite=answer.status in DEFINITE,
                is_about_encoding=answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        raise_for_link(answer)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            raise DistrictUnclear(f"The district server failed while storing the instance (HTTP {answer.status}).")
        _require_stored(answer, result, sop_instance_uid)

    def store_together(self, sources: Mapping[str, Part10Source]) -> frozenset[str]:
        """Send several instances, by their SOP Instance UIDs, in one request. Returns those that the server said it
        stored: of the others nothing is known.

        Raises DistrictUnclear, DistrictUnreachable or DistrictLocked when nothing of them is, StorageError when a file
        cannot be read.
        """
        answer = self._post(list(sources.values()))
        result = parse_store_answer(answer.body, content_type_of(answer.headers))
        if result is None:
            raise_for_link(answer)
        stored = result.stored if result else frozenset()
        return stored & sources.keys()

    def _post(self, sources: Sequence[Part10Source]) -> Answer:
        body = MultipartBody(sources, self._pace, self._exchanges.piece_bytes)
        try:
            return self._exchanges.post("/studies", body)
        except DistrictUnclear as problem:
            if problem.is_nobodys_fault or not self._pace.dropped_a_pause():
                raise
            raise DistrictUnclear(str(problem), is_nobodys_fault=True) from problem

    def held_of(self, sop_instance_uids: Collection[str]) -> frozenset[str]:
        """Those of these instances that the server lists, with one question. It may hold others: not every server
        understands a question about several.

        Raises DistrictUnreachable when no district server answered, DistrictLocked when it rejected our credentials.
        """
        return self._search.held_of(sop_instance_uids)

    # ------------------------------------------------------------ other content under the same UID

    def compare(self, sop_instance_uid: str, source: Part10Source, scratch: Path) -> Comparison:
        """Whether what the server holds under this UID is what `source` contains. Costs the link up to what sending
        costs, and as much room in the folder `scratch` meanwhile.

        Raises DistrictUnreachable or DistrictLocked when it does not answer, StorageError when a file cannot be read or
        written.
        """
        ours = content_of_source(source)
        if ours.place is None:
            return "cannot be compared"
        instance = f"{ours.place.series_path}/instances/{sop_instance_uid}"
        try:
            metadata = self._exchanges.get(f"{instance}/metadata")
            raise_for_link(metadata)
            known: dict[str, str] = parse_metadata(metadata.body, content_type_of(metadata.headers)) or {}
            if metadata.status == HTTPStatus.OK and ours.differs_in_measures(known):
                return "other"
            return self._compare_whole(instance, source, scratch, ours)
        except DistrictUnclear as problem:
            raise DistrictUnreachable(str(problem)) from problem

    def _compare_whole(self, instance: str, source: Part10Source, scratch: Path, ours: Content) -> Comparison:
        try:
            with tempfile.NamedTemporaryFile(dir=scratch) as file:
                stream = cast(BinaryIO, file)
                limit = source.byte_count + RETRIEVED_MORE_BYTES
                answer = self._exchanges.download(instance, ANY_TRANSFER_SYNTAX, stream, limit)
                raise_for_link(answer)
                if answer.status in NOTHING_THERE:
                    return "other"  # it holds the UID, but not in this study and series
                if answer.status != HTTPStatus.OK or not strip_multipart(stream):
                    return "cannot be compared"
                theirs = content_of(stream)
                if ours.is_same_as(theirs):
                    return "same"
                if ours.transfer_syntax_uid == theirs.transfer_syntax_uid:
                    return "other"
                stream.flush()
                return "same" if self._same_image(source, Path(file.name)) else "cannot be compared"
        except OSError as problem:
            raise StorageError(
                f"What the district holds cannot be compared on this disk: {problem.strerror}."
            ) from problem


def _raise_for_reason(reason: int, status: int) -> None:
    """The failure reason decides, not the HTTP status: a full dcm4chee answers 409 to everything."""
    if is_temporary(reason):
        raise DistrictUnclear(f"The district server could not store the instance now (reason {reason:04X}).")
    words = REFUSALS.get(HTTPStatus(status)) if status in REFUSALS else None
    raise DistrictRefused(
        f"The district server refused the instance{f': {words}' if words else ''} (HTTP {status}, failure reason"
        f" {reason:04X}).",
        is_definite=True,
        is_about_encoding=is_about_encoding(reason) or status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    )


def _refusal_message(answer: Answer) -> str:
    return f"The district server refused the instance: {REFUSALS[HTTPStatus(answer.status)]} (HTTP {answer.status})."


def _require_stored(answer: Answer, result: StoreAnswer | None, sop_instance_uid: str) -> None:
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES or (result is None and answer.body.strip()):
        raise DistrictUnreachable(not_dicomweb_message(answer))
    if result is None or sop_instance_uid not in result.stored:
        raise DistrictUnclear("The district server answered without saying that it stored the instance.")
