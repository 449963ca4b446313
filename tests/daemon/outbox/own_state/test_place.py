"""The district has what a box says of itself, or a person is told what to change: with the district's own nginx."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from leapfrog.errors import DistrictError, DistrictLocked, DistrictUnclear, DistrictUnreachable
from leapfrog.outbox.own_state.place import StatePlace
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.settings import Settings
from support.certificates import Certificate, make_certificate
from support.district_nginx import DistrictNginx
from support.nginx import nginx_program
from support.ports import free_port
from support.put_server import PutServer

TIMEOUTS = Timeouts(connect_seconds=2.0, send_seconds=5.0, query_seconds=5.0, answer_seconds=5.0)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistrictNginx]:
    if nginx_program() is None:
        pytest.skip("nginx is not installed")
    with DistrictNginx(tmp_path_factory.mktemp("district")) as running:
        yield running


@pytest.fixture(scope="module")
def kitui(district: DistrictNginx) -> Certificate:
    return district.box("kitui")


def put(content: bytes, url: str, **access: Any) -> None:
    settings = Settings.model_validate({"fleet": {"url": url}, "district": access})
    place = StatePlace(settings, Pace(Throttle(0, sleep, monotonic), lambda: None), TIMEOUTS)
    try:
        place.put(content)
    finally:
        place.close()


def test_a_box_leaves_its_state_and_replaces_it_whole(district: DistrictNginx, kitui: Certificate) -> None:
    for content in (b"x" * 9000, b"{}"):
        put(content, f"{district.url}/boxes/kitui.json", **district.access(kitui))
        assert (district.boxes / "kitui.json").read_bytes() == content
    assert [one.name for one in district.boxes.iterdir()] == ["kitui.json"]


def test_no_box_may_overwrite_the_state_of_another_and_is_told_its_own_place(
    district: DistrictNginx, kitui: Certificate
) -> None:
    put(b"of kitui", f"{district.url}/boxes/kitui.json", **district.access(kitui))
    with pytest.raises(DistrictLocked, match=r"its certificate .* names mwingi, so fleet.url should end in /mwingi"):
        put(b"forged", f"{district.url}/boxes/kitui.json", **district.access(district.box("mwingi")))
    assert (district.boxes / "kitui.json").read_bytes() == b"of kitui"


@pytest.mark.parametrize("path", ["/boxes/kitui.json/", "/boxes/../boxes/kitui.json", "/kitui.json", "/dicom-web/x"])
def test_at_any_other_place_it_is_refused(district: DistrictNginx, kitui: Certificate, path: str) -> None:
    before = {one.name: one.read_bytes() for one in district.boxes.iterdir()}
    with pytest.raises(DistrictError):
        put(b"elsewhere", f"{district.url}{path}x", **district.access(kitui))
    assert {one.name: one.read_bytes() for one in district.boxes.iterdir()} == before


def test_a_certificate_that_ended_or_that_the_district_never_gave_is_told(
    district: DistrictNginx, tmp_path: Path
) -> None:
    stranger = make_certificate(tmp_path, "kitui")
    for box in (stranger, district.box("late", ends_in=timedelta(days=-1))):
        name = box.certificate.stem
        with pytest.raises(DistrictLocked, match="or the district has taken that certificate back, or it has ended"):
            put(b"x", f"{district.url}/boxes/{name}.json", **district.access(box))


def test_a_folder_that_is_missing_there_is_told(district: DistrictNginx, kitui: Certificate) -> None:
    hidden = district.boxes.with_name("hidden")
    district.boxes.rename(hidden)
    try:
        with pytest.raises(DistrictUnreachable, match=r"could not keep .* \(HTTP 500\): the folder is missing there"):
            put(b"x", f"{district.url}/boxes/kitui.json", **district.access(kitui))
    finally:
        hidden.rename(district.boxes)


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, DistrictLocked, "rejected this box's login"),
        (403, DistrictLocked, "fleet.url must end in the name"),
        (404, DistrictLocked, "no place for this box's state at fleet.url"),
        (405, DistrictLocked, "takes no files at fleet.url .HTTP 405.: correct that, or allow PUT"),
        (409, DistrictLocked, "have the folder made"),
        (413, DistrictLocked, "does not take this box's state"),
        (302, DistrictUnreachable, "correct fleet.url"),
        (429, DistrictUnreachable, "busy or full"),
        (500, DistrictUnreachable, "could not keep"),
        (503, DistrictUnreachable, "busy or full"),
        (507, DistrictUnreachable, "busy or full"),
    ],
)
def test_what_a_server_answers_becomes_a_sentence(status: int, kind: type[DistrictError], told: str) -> None:
    with PutServer(status=status) as server, pytest.raises(kind, match=told):
        put(b"x", server.url)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_server_that_has_it_is_believed(status: int) -> None:
    with PutServer(status=status) as server:
        put(b'{"state": 1}', server.url)
    assert server.bodies == [b'{"state": 1}']


def test_a_login_page_is_not_taken_for_the_district() -> None:
    with PutServer(status=200, content_type="text/html") as server, pytest.raises(DistrictUnclear, match="login page"):
        put(b"x", server.url)


def test_a_link_that_is_down_is_told_as_such() -> None:
    with pytest.raises(DistrictUnreachable, match="cannot be reached") as caught:
        put(b"x", f"http://127.0.0.1:{free_port()}/boxes/kitui.json")
    assert not caught.value.was_connected
