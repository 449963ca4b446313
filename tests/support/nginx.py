"""A real nginx before a district server, as many districts have one."""

import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests

from support.ports import free_port

PROGRAMS = ("nginx", "/usr/sbin/nginx")
START_SECONDS = 10.0
CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 0;
        {directives}
        location / {{ proxy_pass {upstream}; }}
    }}
}}
"""


def nginx_program() -> str | None:
    """Where nginx is, or None when it is not installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Nginx:
    """One that passes everything on to `upstream`, a DICOMweb root; `directives` are those of its server block."""

    def __init__(self, directory: Path, upstream: str, directives: str = "") -> None:
        """It does not run yet."""
        target = urlsplit(upstream)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}{target.path}"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._configuration = CONFIGURATION.format(
            directory=directory, port=self._port, directives=directives, upstream=f"{target.scheme}://{target.netloc}"
        )

    def __enter__(self) -> Self:
        program = nginx_program()
        assert program is not None
        self._directory.mkdir(parents=True)
        configuration = self._directory / "nginx.conf"
        configuration.write_text(self._configuration)
        self._process = subprocess.Popen(
            [program, "-c", str(configuration), "-p", str(self._directory)], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                requests.get(self.url, timeout=2)
            except requests.RequestException:
                time.sleep(0.05)
            else:
                return self
        self.__exit__(None, None, None)
        raise RuntimeError("nginx did not start")

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
