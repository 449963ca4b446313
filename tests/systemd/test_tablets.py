"""The web server for tablets and the box's own screen, as `leapfrog install --web --screen` lays them out, under a real
systemd with nginx and Chromium.

One machine is booted for all these tests. Its screen exists in memory only.
"""

import json
import shutil
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from leapfrog.commands.install import Extras
from support.exams import chest_radiograph, write_instances
from support.systemd_machine import SystemdMachine, why_not
from support.waiting import wait_until

pytestmark = pytest.mark.root

NEEDED = ("nginx", "cage", "chromium", "Xwayland", "Xvfb", "grim", "curl", "openssl")
SCREEN = "leapfrog-screen.service"
REPORTS = "/var/lib/leapfrog/reports"
SETTINGS_TEXT = """\
[station]
name = "Clinic of the tests"
state_dir = "/var/lib/leapfrog"
[folder]
settle_seconds = 0.2
rescan_seconds = 1
[report]
quiet_seconds = 1
[engine]
device = "cpu"
threads = 1
[retention]
min_free_bytes = 0
"""
PASSWORD, PASSWORD_IN_ADDRESS = "correct horse", "correct%20horse"
ELSEWHERE = "203.0.113.9"  # an address on the Internet
PATIENT_SECONDS = 90.0  # the machine may be busy
# What a machine without sysinit.target, terminals, logind and a graphics chip has instead.
NO_OTHER_UNITS = "[Unit]\nDefaultDependencies=no\n"
XVFB = f"""\
{NO_OTHER_UNITS}
[Service]
ExecStart=Xvfb :9 -ac -screen 0 1280x1024x24
"""
IN_MEMORY = f"""\
{NO_OTHER_UNITS}
[Service]
PAMName=
TTYPath=
TTYReset=no
TTYVHangup=no
TTYVTDisallocate=no
StandardInput=null
StandardOutput=append:/var/log/screen.log
StandardError=append:/var/log/screen.log
Environment=XDG_RUNTIME_DIR=/run/leapfrog-screen
Environment=WLR_BACKENDS=x11 DISPLAY=:9 WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER=pixman
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdMachine]:
    if reason := why_not():
        pytest.skip(reason)
    if missing := [program for program in NEEDED if shutil.which(program) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    directory = tmp_path_factory.mktemp("machine")
    made = SystemdMachine(directory, SETTINGS_TEXT, Extras(web=True, screen=True))
    secret = directory / "installed/etc/leapfrog/secrets/district"
    secret.parent.mkdir()
    secret.write_text("password")
    units = directory / "installed/etc/systemd/system"
    (units / "nginx.service.d/test.conf").write_text(NO_OTHER_UNITS)
    (units / "xvfb.service").write_text(XVFB)
    (units / f"{SCREEN}.d").mkdir()
    (units / f"{SCREEN}.d/test.conf").write_text(IN_MEMORY)
    with made as booted:
        booted.wait_for_state("active")
        receive(booted)
        switch_web_on(booted)
        yield booted


def receive(machine: SystemdMachine) -> None:
    """One exam, read and on the list."""
    (film,) = write_instances(chest_radiograph(500, 400), machine.directory / "images", 1)
    machine.path("/var/lib/leapfrog/inbox/film.dcm").write_bytes(film.path.read_bytes())
    wait_until(
        lambda: next(iter(machine.path(REPORTS).glob("*/*/report.pdf")), None),
        "the report",
        deadline_seconds=PATIENT_SECONDS,
    )


def switch_web_on(machine: SystemdMachine) -> None:
    """What `leapfrog install --web` says to do next, with a password that nobody types."""
    for command in (
        "openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj /CN=box -addext subjectAltName=DNS:box"
        " -keyout /etc/leapfrog/web/key.pem -out /etc/leapfrog/web/certificate.pem",
        f'printf "staff:%s\\n" "$(printf %s "{PASSWORD}" | openssl passwd -6 -stdin)" > /etc/leapfrog/web/passwords',
        "chown root:www-data /etc/leapfrog/web/passwords && chmod 640 /etc/leapfrog/web/passwords",
        "ln -sf ../sites-available/leapfrog /etc/nginx/sites-enabled/leapfrog",
        "rm -f /etc/nginx/sites-enabled/default && nginx -t",
        "systemctl daemon-reload && systemctl restart nginx",
        f"ip address add {ELSEWHERE}/32 dev lo",
    ):
        done = machine.run("sh", "-c", command)
        assert done.returncode == 0, f"{command}: {done.stderr}\n{machine.console()}"


def curl(machine: SystemdMachine, path: str, *options: str, password: str = PASSWORD) -> tuple[int, str]:
    """The status of nginx's answer, and all of it."""
    done = machine.run(
        "curl", "-sS", "-k", "-i", "--path-as-is", "-u", f"staff:{password}", *options, f"https://127.0.0.1{path}"
    )
    return int(done.stdout.split()[1]) if done.stdout else 0, done.stdout


def test_the_list_is_for_those_with_the_password_and_an_address_that_is_not_on_the_internet(
    machine: SystemdMachine,
) -> None:
    status, page = curl(machine, "/")
    assert status == 200
    assert "Clinic of the tests" in page
    assert curl(machine, "/", password="wrong")[0] == 401
    assert machine.run("curl", "-sS", "-k", "-i", "https://127.0.0.1/").stdout.split()[1] == "401"
    assert curl(machine, "/", "--interface", ELSEWHERE)[0] == 403
    moved = machine.run("curl", "-sS", "-i", "http://127.0.0.1/index.html").stdout
    assert "301" in moved.splitlines()[0]
    assert "https://127.0.0.1/index.html" in moved


def test_a_report_and_its_pdf_are_given_out_with_strict_headers_and_kept_by_no_browser(machine: SystemdMachine) -> None:
    pdf = next(iter(machine.path(REPORTS).glob("*/*/report.pdf")))
    place = "/" + str(pdf.relative_to(machine.path(REPORTS)))
    for path in (place.replace(".pdf", ".html"), "/nothing.html"):
        head = curl(machine, path)[1].partition("\r\n\r\n")[0].lower()
        for line in (
            "content-security-policy: frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "x-frame-options: sameorigin",
        ):
            assert line in head
        assert "nginx/" not in head
    done = machine.run("curl", "-sS", "-k", "-I", "-u", f"staff:{PASSWORD}", f"https://127.0.0.1{place}")
    assert "content-type: application/pdf" in done.stdout.lower()


def test_fonts_are_not_fetched_again_each_time(machine: SystemdMachine) -> None:
    head = curl(machine, "/fonts/Signs.woff2", "-I")[1].partition("\r\n\r\n")[0].lower()
    assert "content-type: font/woff2" in head
    assert "cache-control: private, max-age=86400" in head
    assert "x-content-type-options: nosniff" in head


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "MKCOL", "OPTIONS"])
def test_nothing_can_be_changed(machine: SystemdMachine, method: str) -> None:
    assert curl(machine, "/index.html", "-X", method, "-d", "x")[0] in (403, 405)
    assert machine.path(f"{REPORTS}/index.html").stat().st_size > 1


@pytest.mark.parametrize(
    "path",
    [
        "/../journal.sqlite",
        "/..%2fjournal.sqlite",
        "/%2e%2e/spool/",
        "//../../etc/passwd",
        "/.leapfrog",
        "/x/../.leapfrog",
    ],
)
def test_nothing_else_is_given_out(machine: SystemdMachine, path: str) -> None:
    assert curl(machine, path)[0] in (400, 403, 404)


def test_no_folder_is_listed(machine: SystemdMachine) -> None:
    day = next(iter(machine.path(REPORTS).glob("*/*/report.pdf"))).parents[1].name
    assert curl(machine, f"/{day}/")[0] == 403


def test_old_tls_is_refused(machine: SystemdMachine) -> None:
    old = curl(machine, "/", "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    assert old == (0, "")
    assert curl(machine, "/", "--tls-max", "1.2")[0] == 200


def test_nginx_sees_the_reports_alone_and_cannot_write_there(machine: SystemdMachine) -> None:
    pid = machine.run("cat", "/run/nginx.pid").stdout.strip()
    inside = ("nsenter", f"--target={pid}", "--mount")
    assert machine.run(*inside, "ls", "-A", "/var/lib/leapfrog").stdout.split() == ["reports"]
    for place in (f"{REPORTS}/x", "/var/lib/leapfrog/x"):
        assert "Read-only" in machine.run(*inside, "touch", place).stderr
    assert machine.run(*inside, "ls", "-A", "/etc/leapfrog/secrets").stdout == ""


def chromium(machine: SystemdMachine, address: str, policy: str = "{}") -> str:
    """What a real browser with that policy makes of an address, as text."""
    show = (
        "mount -t tmpfs tmpfs /etc/chromium/policies && mkdir /etc/chromium/policies/managed"
        ' && printf %s "$1" > /etc/chromium/policies/managed/test.json && exec chromium --headless=new --no-sandbox'
        " --disable-gpu --no-first-run --ignore-certificate-errors --user-data-dir=$(mktemp -d) --timeout=20000"
        ' --dump-dom "$2"'
    )
    return machine.run("unshare", "--mount", "sh", "-c", show, "sh", policy, address).stdout


def test_a_real_browser_shows_the_list_over_the_web(machine: SystemdMachine) -> None:
    page = chromium(machine, f"https://staff:{PASSWORD_IN_ADDRESS}@127.0.0.1/")
    assert "Clinic of the tests" in page
    assert "report.html" in page


def test_the_screen_s_browser_may_open_nothing_but_the_reports(machine: SystemdMachine) -> None:
    policy = json.loads(machine.path("/etc/chromium/policies/managed/leapfrog.json").read_text())
    del policy["DeveloperToolsAvailability"]  # with which this test looks
    shipped = json.dumps(policy)
    assert "Clinic of the tests" in chromium(machine, f"file://{REPORTS}/index.html", shipped)
    for address in ("file:///etc/hostname", f"file://{REPORTS}/../", f"https://staff:{PASSWORD_IN_ADDRESS}@127.0.0.1/"):
        assert "<body" in chromium(machine, address)
        assert chromium(machine, address, shipped) == "", address  # what is blocked has no text


def picture_of_the_screen(machine: SystemdMachine) -> Image.Image | None:
    machine.run(
        "runuser", "-u", "leapfrog-screen", "--", "env", "XDG_RUNTIME_DIR=/run/leapfrog-screen",
        "WAYLAND_DISPLAY=wayland-0", "grim", "/run/leapfrog-screen/screen.png",
    )  # fmt: skip
    taken = machine.path("/run/leapfrog-screen/screen.png")
    if not taken.exists():
        return None
    picture = Image.open(BytesIO(taken.read_bytes())).convert("L")
    taken.unlink()
    return picture


def is_the_list(picture: Image.Image | None) -> bool:
    """Bright to each edge, with dark letters on it."""
    if picture is None:
        return False
    pixels = np.asarray(picture)
    edges = (pixels[:8], pixels[-8:], pixels[:, :8], pixels[:, -24:])
    return min(float(np.median(edge)) for edge in edges) > 200 and bool((pixels < 80).mean() > 0.002)


def shows_the_list(machine: SystemdMachine) -> bool:
    return is_the_list(picture_of_the_screen(machine))


def test_the_screen_shows_the_list_and_comes_back_when_it_is_closed(machine: SystemdMachine) -> None:
    machine.systemctl("start", "xvfb")
    machine.systemctl("start", "--no-block", SCREEN)
    try:
        wait_until(lambda: shows_the_list(machine), "the list on the screen", deadline_seconds=PATIENT_SECONDS)
    except AssertionError as problem:
        raise AssertionError(f"{problem}\n{machine.run('tail', '-n', '30', '/var/log/screen.log').stdout}") from None
    user = machine.run("ps", "-o", "user:32=,args=", "-C", "chromium").stdout
    assert all(line.startswith("leapfrog-screen") for line in user.splitlines() if "--kiosk" in line)
    assert "--no-sandbox" not in user
    before = machine.run("systemctl", "show", "--value", "--property=MainPID", SCREEN).stdout
    machine.run("pkill", "-o", "chromium")
    wait_until(
        lambda: machine.run("systemctl", "show", "--value", "--property=MainPID", SCREEN).stdout not in (before, "0\n"),
        "the browser is started again",
        deadline_seconds=PATIENT_SECONDS,
    )
    wait_until(lambda: shows_the_list(machine), "the list is back", deadline_seconds=PATIENT_SECONDS)


def test_the_screen_s_program_sees_the_reports_alone(machine: SystemdMachine) -> None:
    pid = machine.run("systemctl", "show", "--value", "--property=MainPID", SCREEN).stdout.strip()
    inside = ("nsenter", f"--target={pid}", "--mount")
    assert machine.run(*inside, "ls", "-A", "/var/lib/leapfrog").stdout.split() == ["reports"]
    assert "Read-only" in machine.run(*inside, "touch", f"{REPORTS}/x").stderr
