"""The page of all boxes on a district's server: what boxes leave there is shown each minute, to readers with a password
and to Prometheus on the same machine, by somebody who may do nothing else.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leapfrog.state.station.station_key import StationKey
from support.district import FLEET_SERVICE, LEAPFROG, READERS_PORT, District, why_no_district
from support.made_up_fleet import key_of, signed, well
from support.prometheus import why_no_prometheus
from support.waiting import wait_until

pytestmark = pytest.mark.root

PAGE = f"https://127.0.0.1:{READERS_PORT}/fleet/"
LOGIN = ("--user", "reader:read well")
BOXES = Path("/var/lib/leapfrog-district/boxes")


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    if reason := why_no_district() or why_no_prometheus():
        pytest.skip(reason)
    with District(tmp_path_factory.mktemp("district")) as made:
        made.install_leapfrog()
        said = made.set_up("--prometheus", "--leapfrog", LEAPFROG)
        assert "PROBLEM" not in said, said
        made.admit_reader(LOGIN[1])
        yield made


@pytest.fixture(scope="module")
def kitui(district: District) -> District:
    """A district to which the box kitui has brought its state, as a box does."""
    box = district.issue("kitui")
    district.path("/tmp/kitui.pem").write_text(StationKey(key_of("kitui")).public_pem)
    district.do("sh", "-c", "district-authority station kitui < /tmp/kitui.pem")
    district.path("/tmp/state.json").write_bytes(signed("kitui", well("kitui", datetime.now(UTC))))
    status, _ = district.curl("-T", "/tmp/state.json", "https://127.0.0.1/boxes/kitui.json", box=box)
    assert status in (201, 204)
    district.do("systemctl", "start", FLEET_SERVICE)
    return district


def test_readers_see_the_page_with_their_password_and_nothing_beside_it(kitui: District) -> None:
    assert kitui.curl(PAGE)[0] == 401
    status, page = kitui.curl(*LOGIN, PAGE)
    assert status == 200
    assert ">kitui<" in page
    assert "The box is well." in page
    for beside in ("seen.json", "leapfrog_fleet.prom", "index.html", "../boxes/kitui.json"):
        assert "kitui" not in kitui.curl("--path-as-is", *LOGIN, f"{PAGE}{beside}")[1], beside
    assert kitui.curl(*LOGIN, "-X", "DELETE", PAGE)[0] == 403


def test_prometheus_knows_of_the_box_and_answers_this_machine_alone(kitui: District) -> None:
    kitui.do("sed", "-i", "s/_interval: 60s/_interval: 1s/", "/etc/leapfrog-district/prometheus/prometheus.yml")
    kitui.do("systemctl", "reload", "prometheus")
    expression = 'query=leapfrog_fleet_box_trusted{box="kitui"}'
    ask = ("curl", "-sf", "http://127.0.0.1:9090/api/v1/query", "--data-urlencode", expression)
    wait_until(lambda: '"kitui"' in kitui.run(*ask).stdout, "it was read")
    listening = kitui.do("ss", "-Hltn")
    assert {line.split()[3] for line in listening.splitlines() if line.split()[3].endswith((":9090", ":9100"))} == {
        "127.0.0.1:9090",
        "127.0.0.1:9100",
    }


def test_who_makes_the_page_reads_no_secret_and_writes_nothing_else(kitui: District) -> None:
    secret = "/etc/leapfrog-district/passwords"
    for command in (f"cat {secret}", "cat /etc/leapfrog-district/authority/ca.key", f"touch {BOXES}/x.json"):
        assert kitui.run("runuser", "-u", "leapfrog-fleet", "--", "sh", "-c", command).returncode != 0, command


def test_what_a_courier_brings_is_seen_too(kitui: District) -> None:
    """`leapfrog receive` runs as root; its folder is made by it."""
    kitui.do("mkdir", "-p", f"{BOXES}/by-stick")
    made_at = datetime.now(UTC) - timedelta(days=2)
    kitui.path("/tmp/mwingi.pem").write_text(StationKey(key_of("mwingi")).public_pem)
    kitui.do("sh", "-c", "district-authority station mwingi < /tmp/mwingi.pem")
    kitui.path(f"{BOXES}/by-stick/mwingi.json").write_bytes(signed("mwingi", well("mwingi", made_at)))
    kitui.do("systemctl", "start", FLEET_SERVICE)
    page = kitui.curl(*LOGIN, PAGE)[1]
    assert "All 2 boxes are well." in page
    assert "by stick, made" in page


def test_a_technician_may_have_it_made_and_it_goes_on(kitui: District) -> None:
    kitui.do("leapfrog", "fleet", "--out", "/var/lib/leapfrog-district/fleet")
    kitui.do("systemctl", "start", FLEET_SERVICE)


def test_a_page_that_is_made_no_more_is_a_problem(kitui: District) -> None:
    page = "/var/lib/leapfrog-district/fleet/index.html"
    kitui.do("systemctl", "stop", "leapfrog-district-fleet.timer")
    kitui.do("touch", "-d", "1 hour ago", page)
    assert "The page of all boxes is not made" in kitui.run("district-check").stdout
    kitui.do("systemctl", "start", "leapfrog-district-fleet.timer")
    kitui.do("systemctl", "start", FLEET_SERVICE)
    assert "PROBLEM" not in kitui.run("district-check").stdout
