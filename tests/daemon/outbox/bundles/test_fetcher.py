"""A real box fetches bundles from a real nginx, piece by piece, and only what is new and its district's."""

import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from leapfrog.bundle_state import read_state
from leapfrog.outbox.bundles import fetcher as fetcher_module
from leapfrog.outbox.bundles.fetcher import BundleFetcher
from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.settings import Settings
from support.bundles import BundlingDistrict, signed_again, wait_for_bundle
from support.district_nginx import DistrictNginx
from support.nginx import Nginx, nginx_program
from support.tiny_models import write_classifier
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(nginx_program() is None, reason="nginx is not installed")
NOTHING_WAITS = 0.0


class Server:
    """nginx with a folder of bundles, as a district has one, and what it was asked."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.bundles = folder / "www/bundles"
        self.bundles.mkdir(parents=True)
        self._published = 1_000_000_000
        self._log = folder / "nginx/asked.log"
        directives = (
            f"location /bundles/ {{ root {folder}/www; {more}"
            f" access_log {self._log} asked; }} location = /up {{ return 204; }}"
        )
        self.nginx = Nginx(folder / "nginx", "http://127.0.0.1:9/up", directives)
        format_line = "log_format asked '$request_method $status $body_bytes_sent $http_range';"
        self.nginx._configuration = self.nginx._configuration.replace(
            "access_log off;", f"access_log off; {format_line}"
        )
        self.url = self.nginx.url.replace("/up", "/bundles/current.zip")

    def publish(self, bundle: Path) -> None:
        shutil.copyfile(bundle, self.bundles / "next")
        self._published += 1  # nginx tells files apart by size and second
        os.utime(self.bundles / "next", (self._published, self._published))
        (self.bundles / "next").replace(self.bundles / "current.zip")

    def asked(self) -> list[tuple[int, int]]:
        """Status and bytes of each answer. nginx notes one after it was sent, but before it answers another request."""
        requests.get(self.nginx.url, timeout=10)
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        found = (re.match(r"GET (\d+) (\d+)", line) for line in lines)
        return [(int(one[1]), int(one[2])) for one in found if one]


@pytest.fixture
def district(tmp_path: Path) -> BundlingDistrict:
    return BundlingDistrict(tmp_path / "district")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    with server.nginx:
        yield server


def box(district: BundlingDistrict, server: Server, folder: Path) -> Settings:
    return district.box(folder / "state", fleet={"bundle_url": server.url})


def fetcher(settings: Settings, throttle: Throttle | None = None) -> BundleFetcher:
    """Without its thread: a test calls `turn`."""
    return BundleFetcher(
        settings,
        lambda: None,
        windows=SyncWindows((), lambda: None),
        throttle=throttle or Throttle(0, lambda _: None),
        precedence=Precedence(),
        after_start_seconds=NOTHING_WAITS,
    )


def offered(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.state_dir / "bundles/offered").glob("*"))


def test_a_box_comes_to_the_bundle_that_its_district_publishes(
    tmp_path: Path, district: BundlingDistrict, server: Server
) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk", fleet={"bundle_url": server.url}).start()
    try:
        server.publish(district.bundle(7, '[report]\npage_size = "A5"\n', write_classifier(tmp_path)))
        kiosk.command("sync")
        wait_for_bundle(kiosk, 7)
        assert kiosk.command_json("config", "check")["from_bundle"] == ["report.page_size"]
    finally:
        kiosk.stop()


def test_what_is_here_already_costs_a_few_bytes(tmp_path: Path, district: BundlingDistrict, server: Server) -> None:
    settings = box(district, server, tmp_path)
    first = district.bundle(7, '[report]\npage_size = "A5"\n', write_classifier(tmp_path))
    server.publish(first)
    fetch = fetcher(settings)
    fetch.turn()
    assert offered(settings) == ["7.zip"]
    assert (settings.state_dir / "bundles/offered/7.zip").read_bytes() == first.read_bytes()
    asked = len(server.asked())
    fetch.ask_now()
    fetch.turn()
    assert server.asked()[asked:] == [(304, 0)]
    (server.bundles / "current.zip").touch()  # published once more: another ETag, and the number tells
    fetch.ask_now()
    fetch.turn()
    assert [status for status, _ in server.asked()[asked + 1 :]] == [206]
    assert sum(size for _, size in server.asked()[asked:]) <= fetcher_module.FIRST_PIECE_BYTES


def test_no_piece_is_fetched_twice_when_the_box_is_killed_between_two(
    tmp_path: Path, district: BundlingDistrict, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = box(district, server, tmp_path)
    bundle = district.bundle(7, '[report]\npage_size = "A5"\n', write_classifier(tmp_path))
    server.publish(bundle)
    monkeypatch.setattr(fetcher_module, "PIECE_BYTES", 128)

    class Killed(BaseException):
        pass

    left = [0]

    def die_in_time(_byte_count: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    throttle = Throttle(0, lambda _: None)
    monkeypatch.setattr(throttle, "take", die_in_time)
    deaths = 0
    while not offered(settings):
        left[0] = 2
        try:
            fetcher(settings, throttle).turn()
        except Killed:
            deaths += 1
    assert deaths > 3
    assert (settings.state_dir / "bundles/offered/7.zip").read_bytes() == bundle.read_bytes()
    assert sum(size for _, size in server.asked()) == bundle.stat().st_size


def test_another_file_in_the_midst_is_fetched_from_its_beginning(
    tmp_path: Path, district: BundlingDistrict, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = box(district, server, tmp_path)
    model = write_classifier(tmp_path)
    older, newer = district.bundle(7, "", model), district.bundle(8, '[report]\npage_size = "A5"\n', model)
    server.publish(older)
    monkeypatch.setattr(fetcher_module, "PIECE_BYTES", 128)
    throttle = Throttle(0, lambda _: None)
    calls = iter(range(1000))
    monkeypatch.setattr(throttle, "take", lambda _: server.publish(newer) if next(calls) == 3 else None)
    fetcher(settings, throttle).turn()
    assert offered(settings) == ["8.zip"]
    assert (settings.state_dir / "bundles/offered/8.zip").read_bytes() == newer.read_bytes()


@pytest.mark.parametrize("kind", ["another district's", "a page", "altered"])
def test_nothing_else_is_kept_and_it_is_said_once(
    tmp_path: Path, district: BundlingDistrict, server: Server, kind: str
) -> None:
    settings = box(district, server, tmp_path)
    bundle = BundlingDistrict(tmp_path / "other").bundle(7) if kind == "another district's" else district.bundle(7)
    content = bundle.read_bytes()
    if kind == "a page":
        content = b"<html>Sign in</html>" * 100
    if kind == "altered":
        at = content.index(b"bundle.sig") + 30
        content = content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]
    bundle.write_bytes(content)
    server.publish(bundle)
    fetch = fetcher(settings)
    fetch.turn()
    assert offered(settings) == []
    assert len(fetch.problems()) == 1
    asked = len(server.asked())
    fetch.ask_now()
    fetch.turn()
    assert server.asked()[asked:] == [(304, 0)]
    server.publish(district.bundle(9))
    fetch.ask_now()
    fetch.turn()
    assert (offered(settings), fetch.problems()) == (["9.zip"], ())


def test_a_district_without_a_bundle_is_nothing_wrong(
    tmp_path: Path, district: BundlingDistrict, server: Server
) -> None:
    settings = box(district, server, tmp_path)
    fetch = fetcher(settings)
    fetch.turn()
    assert fetch.problems() == ()
    assert read_state(settings.state_dir).highest == 0


def test_what_one_version_of_leapfrog_has_refused_is_looked_at_by_the_next(
    tmp_path: Path, district: BundlingDistrict, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle in a form of tomorrow stays at its address, and the box learns to read it there."""
    settings = box(district, server, tmp_path)
    tomorrow = {b'"format": 1': b'"format": 2'}
    signed = signed_again(
        district.bundle(7), tmp_path / "tomorrow.zip", district.key, lambda listed: listed.replace(*tomorrow.popitem())
    )
    server.publish(signed)
    fetcher(settings).turn()
    before = len(server.asked())
    fetcher(settings).turn()
    assert server.asked()[before:] == [(304, 0)]
    monkeypatch.setattr("leapfrog.outbox.bundles.part_file.__version__", "999.0")
    fetcher(settings).turn()
    assert server.asked()[-1][0] == 206


def test_a_server_that_gives_no_pieces_gives_the_whole(tmp_path: Path, district: BundlingDistrict) -> None:
    server = Server(tmp_path, "max_ranges 0;")
    bundle = district.bundle(7, '[report]\npage_size = "A5"\n', write_classifier(tmp_path))
    with server.nginx:
        settings = box(district, server, tmp_path)
        server.publish(bundle)
        fetcher(settings).turn()
    assert (settings.state_dir / "bundles/offered/7.zip").read_bytes() == bundle.read_bytes()


def test_it_waits_for_everything_else_that_goes_over_the_link(
    tmp_path: Path, district: BundlingDistrict, server: Server
) -> None:
    settings = box(district, server, tmp_path)
    server.publish(district.bundle(7))
    precedence = Precedence()
    fetch = BundleFetcher(
        settings,
        lambda: None,
        windows=SyncWindows((), lambda: None),
        throttle=Throttle(0, lambda _: None),
        precedence=precedence,
        after_start_seconds=NOTHING_WAITS,
    )
    with precedence.turn(8):  # an original
        assert fetch.turn() == fetcher_module.OTHERS_SECONDS
        assert server.asked() == []
    wait_until(lambda: bool(fetch.turn() and offered(settings)), "nothing goes first any more")


@pytest.mark.skipif(os.geteuid() != 0, reason="the district's nginx is started by root")
def test_the_districts_own_door_gives_the_bundle_to_its_boxes_and_nothing_beside_it(
    tmp_path: Path, district: BundlingDistrict
) -> None:
    door = DistrictNginx(tmp_path / "door")
    bundles = door.boxes.parent / "bundles"
    bundles.mkdir()
    shutil.copyfile(district.bundle(7), bundles / "current.zip")
    (bundles / "next.zip").write_bytes(b"not yet")
    kitui = door.box("kitui")
    access = door.access(kitui)
    with door:
        settings = district.box(
            tmp_path / "state", fleet={"bundle_url": f"{door.url}/bundles/current.zip"}, district=access
        )
        fetcher(settings).turn()
        assert offered(settings) == ["7.zip"]
        as_box = partial(
            requests.request, cert=(str(kitui.certificate), str(kitui.key)), verify=str(access["ca_file"]), timeout=10
        )
        asked = [
            ("GET", "/bundles/next.zip"),
            ("GET", "/bundles/"),
            ("PUT", "/bundles/current.zip"),
            ("GET", "/boxes/"),
        ]
        assert [as_box(method, door.url + path).status_code for method, path in asked] == [403] * 4
        stranger = requests.get(f"{door.url}/bundles/current.zip", verify=str(access["ca_file"]), timeout=10)
        assert stranger.status_code == 403
