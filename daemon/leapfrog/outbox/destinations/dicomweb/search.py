"""Whether the district holds an instance: QIDO-RS where it has a search, or else what it has instead (PS3.18 sections
10.4 and 10.6).

Not every server can search all instances for a SOP Instance UID. Some do so only below a study and a series (AWS
HealthImaging answers 400 or 404 otherwise), some only give an instance's metadata, some have neither.
"""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Literal

from leapfrog.errors import DistrictUnclear, DistrictUnreachable
from leapfrog.outbox.destinations.dicomweb.answers import (
    Answer,
    content_type_of,
    parse_metadata,
    parse_query_answer,
)
from leapfrog.outbox.destinations.dicomweb.exchange import Exchanges
from leapfrog.outbox.destinations.dicomweb.held_content import Place
from leapfrog.outbox.destinations.dicomweb.status import not_dicomweb_message, raise_for_link

Held = Literal["held", "not held", "cannot be asked"]
FindPlace = Callable[[], Place | None]

# "There is no such search here", in a DICOMweb server's words.
NO_SEARCH = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
# Perhaps the same, or the answer of any web server, to which no patient's image must be sent.
DOUBTFUL = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_ACCEPTABLE}


class InstanceSearch:
    """Asks the same way as it could ask last time, so that it costs one question an instance."""

    def __init__(self, exchanges: Exchanges) -> None:
        """Nothing is known about the server yet."""
        self._exchanges = exchanges
        self._searches_all = False  # its search of all instances has served
        self._below_series = False  # it does not serve
        self.has_no_search = False  # nor does anything of what can be asked instead
        self._is_dicomweb = False  # whether it ever answered as only a DICOMweb server does

    def holds(self, sop_instance_uid: str, find_place: FindPlace) -> Held:
        """Whether the server holds this instance. `find_place` is called if only that helps.

        Raises DistrictUnreachable when no district server answered, DistrictLocked when it rejected our credentials.
        """
        try:
            held = self._ask(sop_instance_uid, find_place)
        except DistrictUnclear as problem:
            raise DistrictUnreachable(str(problem)) from problem
        if held != "cannot be asked":
            self.has_no_search = False
        return held

    def held_of(self, sop_instance_uids: Collection[str]) -> frozenset[str]:
        """Those of these instances that the server lists when it is asked for all at once (PS3.18 section 8.3.4.1, a
        list of UIDs).

        Raises DistrictUnreachable when no district server answered, DistrictLocked when it rejected our credentials.
        """
        if self._below_series or not self._searches_all:
            return frozenset()
        uids = ",".join(sop_instance_uids)
        try:
            answer = self._get("/instances", {"SOPInstanceUID": uids, "limit": str(len(sop_instance_uids))})
        except DistrictUnclear as problem:
            raise DistrictUnreachable(str(problem)) from problem
        listed = parse_query_answer(answer.body, content_type_of(answer.headers))
        if answer.status != HTTPStatus.OK or listed is None:
            return frozenset()
        return listed & frozenset(sop_instance_uids)

    def _ask(self, sop_instance_uid: str, find_place: FindPlace) -> Held:
        refused = Answer(HTTPStatus.NOT_FOUND)
        if not self._below_series:
            refused = self._get("/instances", {"SOPInstanceUID": sop_instance_uid, "limit": "1"})
            # What its search once answered, something on the way answers now.
            if self._searches_all or refused.status not in NO_SEARCH | DOUBTFUL:
                return self._listed(refused, sop_instance_uid)
            if self.has_no_search:
                return "cannot be asked"
        return self._holds_below(sop_instance_uid, find_place(), refused)

    def _holds_below(self, sop_instance_uid: str, place: Place | None, refused: Answer) -> Held:
        """Ask below the study and series, then for the metadata, then whether this is a DICOMweb server at all.
        `refused` is the answer to the search of all instances.
        """
        knows_itself = refused.status in NO_SEARCH or self._is_dicomweb
        if place is None and knows_itself:
            return "cannot be asked"
        if place is None:
            raise DistrictUnreachable(not_dicomweb_message(refused))
        answers = [refused]
        listing = self._get(f"{place.series_path}/instances", {"SOPInstanceUID": sop_instance_uid})
        answers.append(listing)
        if _found(listing):
            self._below_series = True
            return self._listed(listing, sop_instance_uid)
        metadata = self._get(f"{place.series_path}/instances/{sop_instance_uid}/metadata")
        answers.append(metadata)
        known = parse_metadata(metadata.body, content_type_of(metadata.headers)) if _found(metadata) else None
        if known and known.get("00080018") == sop_instance_uid:
            self._below_series = self._is_dicomweb = True
            return "held"
        if not self._is_dicomweb:
            studies = self._get("/studies", {"StudyInstanceUID": place.study_instance_uid, "limit": "1"})
            answers.append(studies)
            if _found(studies) and parse_query_answer(studies.body, content_type_of(studies.headers)) is not None:
                self._below_series = self._is_dicomweb = True
        if self._is_dicomweb and HTTPStatus.NOT_FOUND in (metadata.status, listing.status):
            return "not held"
        if knows_itself or any(answer.status in NO_SEARCH for answer in answers):
            self.has_no_search = True
            return "cannot be asked"
        raise DistrictUnreachable(not_dicomweb_message(refused))

    def _listed(self, answer: Answer, sop_instance_uid: str) -> Held:
        if answer.status == HTTPStatus.NO_CONTENT:
            self._is_dicomweb = True
            return "not held"
        uids = parse_query_answer(answer.body, content_type_of(answer.headers))
        if answer.status != HTTPStatus.OK or uids is None:
            raise DistrictUnreachable(not_dicomweb_message(answer))
        self._is_dicomweb = self._is_dicomweb or bool(answer.body.strip())
        self._searches_all = self._searches_all or not self._below_series
        return "held" if sop_instance_uid in uids else "not held"

    def _get(self, path: str, query: dict[str, str] | None = None) -> Answer:
        answer = self._exchanges.get(path, query)
        raise_for_link(answer)
        return answer


def _found(answer: Answer) -> bool:
    return answer.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
