"""The file for Prometheus is what its own tool takes, and node-exporter reads it whole or not at all."""

import shutil
import stat
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import requests

from leapfrog.control.own_state.metrics import METRICS_NAME, MetricsWriter, metrics_text, write_metrics
from leapfrog.control.own_state.own_state import OwnState
from leapfrog.fleet.box_state import BoxState
from support.box_states import MADE_AT, a_box_state
from support.clocks import Clocks
from support.ports import free_port
from support.waiting import wait_until

EVERYTHING = {
    "actions": {"export": 2, "retry": 1},
    "bundle": {"number": 7, "since": MADE_AT},
    "models": [
        {"name": "chest-findings", "version": "1.0.0", "demonstration": True},
        {"name": 'odd "name" \\ of one', "version": "2"},
    ],
}


def values(state: BoxState) -> dict[str, float]:
    lines = [line for line in metrics_text(state).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.parametrize("state", [a_box_state(), a_box_state(**EVERYTHING)])
def test_prometheus_own_tool_finds_nothing_wrong(state: BoxState) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=metrics_text(state), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_says_what_the_state_says() -> None:
    found = values(a_box_state(**EVERYTHING))
    assert found['leapfrog_build_info{version="0.1.0"}'] == 1
    assert found['leapfrog_owed_objects{destination="district"}'] == 3
    assert found['leapfrog_owed_bytes{destination="district"}'] == 12_000_000
    assert found['leapfrog_owed_oldest_age_seconds{destination="district"}'] == 3600
    assert found['leapfrog_instances{state="set_aside"}'] == 1
    assert found['leapfrog_disk_free_bytes{disk="the state directory"}'] == 40_000_000_000
    assert found["leapfrog_clock_synchronised"] == 1
    ends = found['leapfrog_certificate_expiry_timestamp_seconds{certificate="district.client_certificate"}']
    assert datetime.fromtimestamp(ends, UTC).year == 2027
    assert found['leapfrog_model_info{model="chest-findings",version="1.0.0",demonstration="true"}'] == 1
    assert found['leapfrog_model_info{model="odd \\"name\\" \\\\ of one",version="2",demonstration="false"}'] == 1
    assert found["leapfrog_attention_problems"] == 1
    assert found['leapfrog_actions_last_week{action="export"}'] == 2
    assert found["leapfrog_bundle_number"] == 7


def test_of_exams_it_counts_this_day_and_this_week() -> None:
    found = values(a_box_state())  # made on the Monday of week 49
    assert found["leapfrog_exams_today"] == 2
    week = ("exams", "urgent_exams", "not_assessed_exams", "answered_exams", "differing_exams")
    assert [found[f"leapfrog_week_{name}"] for name in week] == [40, 6, 3, 9, 1]
    found = values(a_box_state(weeks=[], exams_per_day=[]))
    assert [found["leapfrog_exams_today"], found["leapfrog_week_exams"]] == [0, 0]


def test_the_file_is_replaced_whole_and_others_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / METRICS_NAME
    write_metrics(file, "a 1\n" * 1000)
    with file.open() as being_read:
        write_metrics(file, "b 2\n")
        assert being_read.read() == "a 1\n" * 1000
    assert file.read_text() == "b 2\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.glob("*.prom")] == [METRICS_NAME]


class Told:
    """A box that always says the same of itself."""

    def collected(self) -> BoxState:
        return a_box_state()


def test_a_disk_that_takes_no_file_ends_nothing_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, clock: Clocks
) -> None:
    writer = MetricsWriter(cast(OwnState, Told()), tmp_path / "missing")
    for _ in range(3):
        clock.pass_by(writer.turn())
    assert caplog.text.count("cannot be written") == 1
    (tmp_path / "missing").mkdir()
    writer.turn()
    assert (tmp_path / "missing" / METRICS_NAME).exists()


class Faulty(Told):
    """A box over whose state our own code stumbles until it is told to do better."""

    stumbles = True
    quoted = "Okello^Secret"

    def collected(self) -> BoxState:
        if self.stumbles:
            raise KeyError(self.quoted)
        return super().collected()


def test_an_error_of_ours_ends_nothing_and_is_said_once_without_what_it_quotes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, clock: Clocks
) -> None:
    box = Faulty()
    writer = MetricsWriter(cast(OwnState, box), tmp_path)
    for _ in range(3):
        clock.pass_by(writer.turn())
    assert caplog.text.count("could not be written for Prometheus: KeyError") == 1
    assert box.quoted not in caplog.text
    box.stumbles = False
    writer.turn()
    assert (tmp_path / METRICS_NAME).exists()


def test_it_is_written_every_five_minutes_and_for_news_but_never_twice_in_a_minute(
    tmp_path: Path, clock: Clocks
) -> None:
    writer, file = MetricsWriter(cast(OwnState, Told()), tmp_path), tmp_path / METRICS_NAME
    assert writer.turn() == 300
    file.unlink()
    clock.pass_by(20)
    assert writer.turn() == 40  # it was woken by news
    assert not file.exists()
    clock.pass_by(40)
    writer.turn()
    assert file.exists()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr("leapfrog.control.own_state.metrics.time", clocks)
    return clocks


@pytest.mark.root
def test_node_exporter_reads_it_as_config_fleet_md_says_and_nothing_else_there(tmp_path: Path) -> None:
    programs = {name: shutil.which(name) for name in ("prometheus-node-exporter", "setfacl", "setpriv")}
    if missing := [name for name, program in programs.items() if program is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # above tmp_path nobody but root may look
        place = Path(name)
        place.chmod(0o755)
        state_dir, collected = place / "leapfrog", place / "node-exporter"
        state_dir.mkdir(mode=0o750)
        collected.mkdir()
        (state_dir / "journal.sqlite").touch(mode=0o640)
        write_metrics(state_dir / METRICS_NAME, metrics_text(a_box_state()))
        (collected / "leapfrog.prom").symlink_to(state_dir / METRICS_NAME)
        subprocess.run(["setfacl", "-m", "u:prometheus:x", str(state_dir)], check=True)
        state_dir.chmod(0o750)  # as systemd does at each start
        as_prometheus = ["setpriv", "--reuid=prometheus", "--regid=prometheus", "--clear-groups"]
        for forbidden in (["ls", str(state_dir)], ["cat", str(state_dir / "journal.sqlite")]):
            assert subprocess.run([*as_prometheus, *forbidden], capture_output=True, check=False).returncode
        port = free_port()
        flags = [f"--collector.textfile.directory={collected}", f"--web.listen-address=127.0.0.1:{port}"]
        exporter = subprocess.Popen(
            [*as_prometheus, "prometheus-node-exporter", *flags, "--collector.disable-defaults",
             "--collector.textfile"], stderr=subprocess.DEVNULL
        )  # fmt: skip
        try:
            told = wait_until(lambda: _page(f"http://127.0.0.1:{port}/metrics"), "node-exporter answers")
        finally:
            exporter.terminate()
            exporter.wait()
    assert 'leapfrog_instances{state="read"} 120' in told
    assert "node_textfile_scrape_error 0" in told
    assert 'node_textfile_mtime_seconds{file="' in told


def _page(url: str) -> str:
    try:
        return requests.get(url, timeout=2).text
    except requests.RequestException:
        return ""
