"""A real Orthanc with its DICOMweb plug-in as district server, on free loopback ports and in a folder of its own."""

import json
import shutil
import subprocess
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import requests

from support.ports import free_port

PROGRAMS = ("Orthanc", "/usr/sbin/Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
START_SECONDS = 20.0
STOP_SECONDS = 10.0


def orthanc_program() -> str | None:
    """Where Orthanc is, or None when it or its DICOMweb plug-in is not installed."""
    if not PLUGIN.exists():
        return None
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Orthanc:
    """One server process. It keeps ports, folder and content over `stop` and `start`."""

    def __init__(
        self,
        directory: Path,
        *,
        users: dict[str, str] | None = None,
        host: str = "127.0.0.1",
        launcher: Callable[[list[str]], list[str]] = list,
        **options: object,
    ) -> None:
        """`users` maps names to passwords and turns authentication on; `options` are Orthanc's own settings. `host` is
        its address, if it is not on this machine, but where `launcher` has a command line run.
        """
        self.directory = directory
        self.http_port = free_port()
        self.dicom_port = free_port()
        self.url = f"http://{host}:{self.http_port}"
        self.dicomweb_url = f"{self.url}/dicom-web"
        self._users = users or {}
        self._launcher = launcher
        self._is_remote = host != "127.0.0.1"
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        if self._users:
            name, password = next(iter(self._users.items()))
            self._session.headers["Authorization"] = "Basic " + b64encode(f"{name}:{password}".encode()).decode()

    def start(self) -> Self:
        """Start it and return once it answers. Raises RuntimeError with its log when it does not."""
        program = orthanc_program()
        if program is None:
            raise RuntimeError("Orthanc with its DICOMweb plug-in is not installed")
        self.directory.mkdir(parents=True, exist_ok=True)
        configuration = self.directory / "orthanc.json"
        configuration.write_text(json.dumps(self._configuration()))
        log = self.directory / "orthanc.log"
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                self._launcher([program, str(configuration)]),
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return self
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"Orthanc did not start:\n{log.read_text(errors='replace')[-4000:]}")

    def _configuration(self) -> dict[str, object]:
        storage = str(self.directory / "storage")
        return {
            "Name": "district",
            "StorageDirectory": storage,
            "IndexDirectory": storage,
            "Plugins": [str(PLUGIN)],
            "HttpServerEnabled": True,
            "HttpPort": self.http_port,
            "DicomServerEnabled": True,
            "DicomPort": self.dicom_port,
            "DicomAet": "DISTRICT",
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowEcho": True,
            "DicomAlwaysAllowStore": True,
            "UnknownSopClassAccepted": True,
            "RemoteAccessAllowed": self._is_remote,
            "AuthenticationEnabled": bool(self._users),
            "RegisteredUsers": self._users,
            "SaveJobs": False,
            "SyncStorageArea": True,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            **self.options,
        }

    def _answers(self) -> bool:
        try:
            return self._session.get(f"{self.url}/system", timeout=2).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """End this process and no other; nothing happens when it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        self._wait()

    def kill(self) -> None:
        """End it at once, as a power cut would; an orderly end takes it three seconds."""
        if self._process is not None:
            self._process.kill()
            self._wait()

    def _wait(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def held(self) -> Counter[str]:
        """How often the server holds each SOP Instance UID."""
        return Counter(instance["MainDicomTags"]["SOPInstanceUID"] for instance in self._get("/instances?expand"))

    def file(self, sop_instance_uid: str) -> bytes:
        """The bytes that it stored for one instance. Raises LookupError when it holds none."""
        return self.files([sop_instance_uid])[sop_instance_uid]

    def files(self, sop_instance_uids: Collection[str]) -> dict[str, bytes]:
        """The bytes that it stored for each of these instances. Raises LookupError when it lacks one."""
        ids = {
            instance["MainDicomTags"]["SOPInstanceUID"]: instance["ID"] for instance in self._get("/instances?expand")
        }
        return {
            uid: self._session.get(f"{self.url}/instances/{ids[uid]}/file", timeout=10).content
            for uid in sop_instance_uids
        }

    def add(self, content: bytes) -> None:
        """Give it an instance, as somebody other than the box would."""
        self._session.post(f"{self.url}/instances", content, timeout=10).raise_for_status()

    def upload(self, content: bytes) -> dict[str, Any] | None:
        """Give it an instance, and return under which study and series it filed that; None if it takes no such file."""
        answer = self._session.post(f"{self.url}/instances", content, timeout=10)
        if answer.status_code == requests.codes.bad_request:
            return None
        answer.raise_for_status()
        filed: dict[str, Any] = answer.json()
        return filed

    def listed(self, level: Literal["patients", "studies", "series", "instances"]) -> list[dict[str, Any]]:
        """What it holds at a level, as its own interface lists it."""
        return self._get(f"/{level}?expand")

    def know(self, name: str, ae_title: str, port: int) -> None:
        """Tell it of a DICOM node on this machine, which may ask for storage commitment and is called back."""
        node = {"AET": ae_title, "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True}
        self._session.put(f"{self.url}/modalities/{name}", json=node, timeout=10).raise_for_status()

    def remove(self, sop_instance_uid: str) -> None:
        """Have it forget an instance."""
        (found,) = [
            instance["ID"]
            for instance in self._get("/instances?expand")
            if instance["MainDicomTags"]["SOPInstanceUID"] == sop_instance_uid
        ]
        self._session.delete(f"{self.url}/instances/{found}", timeout=10).raise_for_status()

    def _get(self, path: str) -> list[dict[str, dict[str, str]]]:
        answer = self._session.get(f"{self.url}{path}", timeout=10)
        answer.raise_for_status()
        content: list[dict[str, dict[str, str]]] = answer.json()
        return content

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._session.close()
