"""`leapfrog doctor`, as used over the phone. umockdev makes up the devices, and a double of libedgetpu answers."""

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leapfrog.commands.doctor import box
from leapfrog.commands.doctor.bundle import write_bundle
from leapfrog.commands.doctor.station import station_key_checks
from leapfrog.control.control_socket import StateLock
from leapfrog.control.inspection.confinement import UNCONFINED
from leapfrog.errors import StorageError
from leapfrog.packages.package import SHIPPED_PACKAGES, load_package
from leapfrog.problem import Problem
from leapfrog.processes.device_failures import REMEDIES, FailureKind
from leapfrog.settings import Settings
from leapfrog.state.station.station_key import station_key, station_key_file
from support.edge_tpu import EdgeTpuDouble, compile_package
from support.mock_devices import USB_KNOWN, USB_NEW, apex, usb, with_devices
from support.tiny_models import write_classifier
from support.toml import toml_document

Checks = dict[str, dict[str, Any]]


@dataclass
class Phone:
    """A box in a folder, and the command that somebody runs there for the technician on the phone."""

    folder: Path
    package: Path
    engine: dict[str, object]
    district: dict[str, object]

    def doctor(self, *devices: str, options: tuple[str, ...] = ()) -> tuple[int, Checks]:
        settings = self.folder / "leapfrog.toml"
        tables: dict[str, dict[str, object]] = {
            "station": {"name": "Clinic", "state_dir": self.folder / "state"},
            "models": {"paths": [self.package]},
            "engine": self.engine,
            "district": self.district,
        }
        settings.write_text(toml_document(tables))
        command = [*with_devices(self.folder, *devices), sys.executable, "-m", "leapfrog", "doctor", "--json", *options]
        done = subprocess.run([*command, "--config", str(settings)], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def shipped_models() -> set[str]:
    return {f"model {load_package(folder).title}" for folder in SHIPPED_PACKAGES.iterdir()}


@pytest.fixture
def phone(edge_tpu: EdgeTpuDouble, tmp_path: Path) -> Phone:
    edge_tpu.plug_in("usb /sys/bus/usb/devices/2-5")
    (tmp_path / "state").mkdir()
    return Phone(tmp_path, compile_package(write_classifier(tmp_path / "packages")), {}, {})


def test_all_is_well_with_a_device_that_is_proven(phone: Phone) -> None:
    status, checks = phone.doctor(usb(USB_KNOWN))
    assert checks["proof usb:0"]["status"] == "ok"
    assert "tiny-chest 1.2.3" in checks["proof usb:0"]["detail"]
    assert "5000 Mbit/s" in checks["Edge TPU USB 2-5"]["detail"]
    assert "4 operations on the Edge TPU" in checks["model tiny-chest 1.2.3"]["detail"]
    assert "RuntimeVersion(14)" in checks["libedgetpu"]["detail"]
    assert checks["confinement"]["status"] == "ok"
    assert checks["daemon"]["status"] == checks["pycoral"]["status"] == "absent"
    problems = {name for name, check in checks.items() if check["status"] == "problem"}
    assert problems == shipped_models()  # they have not been compiled
    assert status == 1


def test_without_a_device_the_processor_is_no_problem(phone: Phone, edge_tpu: EdgeTpuDouble) -> None:
    edge_tpu.plug_in()
    status, checks = phone.doctor(usb(("046d", "c52b")))
    assert checks["Edge TPU"]["status"] == "absent"
    assert (status, [name for name, check in checks.items() if check["status"] == "problem"]) == (0, [])


def test_a_missing_device_is_a_problem_if_the_settings_require_one(phone: Phone, edge_tpu: EdgeTpuDouble) -> None:
    edge_tpu.plug_in()
    phone.engine = {"device": "edgetpu"}
    status, checks = phone.doctor(usb(("046d", "c52b")))
    assert (status, checks["Edge TPU"]["status"]) == (1, "problem")
    assert checks["Edge TPU"]["remedy"] == REMEDIES[FailureKind.NO_DEVICE]


@pytest.mark.parametrize(
    ("device", "name", "detail"),
    [
        (usb(USB_KNOWN, speed=480), "Edge TPU USB 2-5", "USB 2 (480 Mbit/s)"),
        (apex(91_000), "Edge TPU PCIe apex_0", "91 °C"),
        (apex(-89_700), "Edge TPU PCIe apex_0", "does not answer"),
    ],
)
def test_a_device_that_is_slow_hot_or_dead_is_a_problem(phone: Phone, device: str, name: str, detail: str) -> None:
    _, checks = phone.doctor(device)
    assert checks[name]["status"] == "problem"
    assert detail in checks[name]["detail"]
    assert checks[name]["remedy"]


def test_a_device_that_was_never_opened_is_reported(phone: Phone) -> None:
    _, checks = phone.doctor(usb(USB_NEW))
    assert "not opened since" in checks["Edge TPU USB 2-5"]["detail"]


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("segfault-at-construction", FailureKind.RUNTIME_MISFIT),
        ("too-new", FailureKind.COMPILED_TOO_NEW),
        ("wrong", FailureKind.WRONG_ANSWERS),
        ("abort", FailureKind.ENDED),
    ],
)
def test_what_keeps_a_device_from_being_used_comes_with_its_remedy(
    phone: Phone, edge_tpu: EdgeTpuDouble, behaviour: str, kind: FailureKind
) -> None:
    edge_tpu.next(behaviour)
    status, checks = phone.doctor(usb(USB_KNOWN))
    assert (status, checks["proof usb:0"]["status"]) == (1, "problem")
    assert checks["proof usb:0"]["remedy"] == REMEDIES[kind]


@pytest.mark.parametrize(("behaviour", "detail"), [("list-segfault", "signal 11"), ("list-abort", "signal 6")])
def test_a_library_that_crashes_is_a_problem_and_the_other_checks_go_on(
    phone: Phone, edge_tpu: EdgeTpuDouble, behaviour: str, detail: str
) -> None:
    edge_tpu.next(behaviour)
    _, checks = phone.doctor(usb(USB_KNOWN))
    assert (checks["libedgetpu"]["status"], detail in checks["libedgetpu"]["detail"]) == ("problem", True)
    assert "Unplug" in checks["libedgetpu"]["remedy"]
    assert checks["Edge TPU USB 2-5"]["status"] == "ok"


def test_devices_of_a_daemon_that_does_not_answer_are_not_touched(phone: Phone, edge_tpu: EdgeTpuDouble) -> None:
    """Opening one a second time would end the daemon's engine host."""
    with StateLock(phone.folder / "state"):
        status, checks = phone.doctor(usb(USB_KNOWN))
    assert (status, checks["daemon"]["status"]) == (1, "problem")
    assert "is already using" in checks["daemon"]["detail"]
    assert not any(name.startswith("proof") for name in checks)
    assert edge_tpu.calls == 0


def test_a_missing_library_is_a_problem_only_beside_a_device(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH")
    _, checks = phone.doctor(usb(USB_KNOWN))
    assert checks["libedgetpu"]["status"] == "problem"
    _, checks = phone.doctor(usb(("046d", "c52b")))
    assert checks["libedgetpu"]["status"] == "absent"


def test_a_kernel_that_confines_no_reader_is_said_once(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Problem(what=f"{UNCONFINED} Landlock, since this kernel was built without it.", remedy="Use another.")
    monkeypatch.setattr(box, "confinement_problems", lambda: (found,))
    settings = Settings.model_validate({"station": {"state_dir": phone.folder / "state"}})
    said = [check for check in box.box_checks(settings, box.Daemon()) if check.name == "confinement"]
    assert [(check.status, check.detail, check.remedy) for check in said] == [("problem", found.what, found.remedy)]
    seen = box.Daemon(
        status={
            "attention": [found.model_dump()],
            "disks": [],
            "ae_title": "",
            "address": "",
            "outbox": {"destinations": []},
        }
    )
    said = [check for check in box.box_checks(settings, seen) if UNCONFINED in check.detail]
    assert [check.name for check in said] == ["attention 1"]


def test_the_bundle_for_support_holds_no_names_and_no_addresses(phone: Phone) -> None:
    bundle = phone.folder / "support.zip"
    phone.district = {"url": "https://district.example/dicom-web", "username": "secret-name"}
    phone.doctor(usb(USB_KNOWN), options=("--bundle", str(bundle)))
    with zipfile.ZipFile(bundle) as opened:
        content = {name: opened.read(name).decode() for name in opened.namelist()}
    assert set(content) == {"doctor.json", "settings.json", "status.json", "models.json", "machine.json"}
    assert not any(word in text for word in ("Clinic", "district.example", "secret-name") for text in content.values())
    assert json.loads(content["machine.json"])["edge_tpus"][0]["speed"] == 5000


def test_a_bundle_that_cannot_be_written_is_an_error(phone: Phone) -> None:
    settings = Settings.model_validate({"station": {"state_dir": phone.folder / "state"}})
    with pytest.raises(StorageError, match=r"nowhere/support.zip cannot be written: No such file"):
        write_bundle(phone.folder / "nowhere" / "support.zip", settings, (), {})


def test_a_station_key_that_was_lost_is_a_problem_and_one_that_never_was_is_none(tmp_path: Path) -> None:
    assert list(station_key_checks(tmp_path)) == []
    key = station_key(tmp_path)
    (found,) = station_key_checks(tmp_path)
    assert (found.status, key.id in found.detail) == ("ok", True)
    station_key_file(tmp_path).write_text("nothing")
    (found,) = station_key_checks(tmp_path)
    assert (found.status, "is damaged" in found.detail) == ("problem", True)
    station_key_file(tmp_path).unlink()
    (found,) = station_key_checks(tmp_path)
    assert found.status == "problem"
    assert "is missing" in found.detail and "from a backup" in found.remedy
