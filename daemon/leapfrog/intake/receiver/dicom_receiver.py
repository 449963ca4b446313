"""The DICOM receiver: listens, accepts peers, and gives each association its own thread."""

import errno
import logging
import socket
import ssl
import threading
import time
from ipaddress import IPv4Address, IPv6Address, ip_address

from leapfrog.errors import ListenError, SettingsError
from leapfrog.intake.admission import Admission
from leapfrog.intake.receiver.association import ASSOCIATE_SECONDS, Association
from leapfrog.intake.receiver.commitment import Commitments
from leapfrog.intake.receiver.refused_machines import Machine, RefusedMachines
from leapfrog.intake.receiver.storage import Storage
from leapfrog.intake.receiver.upper_layer import Rejection
from leapfrog.problem import Problem
from leapfrog.settings import DicomSettings
from leapfrog.state.spool import Spool
from leapfrog.worker import Worker

POLL_SECONDS = 0.5
# The most connections that have not asked for an association yet. They do not count as associations. Beyond this number
# the oldest is cut, so that silent connections never keep a modality out.
MAXIMUM_UNASSOCIATED = 64
DRAIN_SECONDS = 5.0  # for instances that are still arriving when the box stops
BACKLOG = 128

# PS3.8 Table 9-21: result, source, reason.
ADDRESS_NOT_ALLOWED = Rejection(1, 1, 1, "its address is not in dicom.allowed_addresses")
AE_TITLE_NOT_ALLOWED = Rejection(1, 1, 3, "its AE title is not in dicom.allowed_ae_titles")
TOO_MANY_ASSOCIATIONS = Rejection(2, 3, 2, "as many associations are open as dicom.max_associations allows")

_log = logging.getLogger(__name__)


class _Gate:
    """Applies the allow-lists and counts the associations."""

    def __init__(self, settings: DicomSettings, refused: RefusedMachines) -> None:
        self._settings = settings
        self._refused = refused
        self._lock = threading.Lock()
        self.associations = 0

    def enter(self, address: str, calling_ae_title: str) -> Rejection | None:
        machine = Machine(str(_plain_address(address)), calling_ae_title)
        networks = self._settings.allowed_addresses
        if networks and not any(_plain_address(address) in network for network in networks):
            self._refused.address_not_allowed(machine)
            return ADDRESS_NOT_ALLOWED
        titles = [title.strip() for title in self._settings.allowed_ae_titles]
        if titles and calling_ae_title not in titles:
            self._refused.ae_title_not_allowed(machine)
            return AE_TITLE_NOT_ALLOWED
        with self._lock:
            full = self.associations >= self._settings.max_associations
            self.associations += not full
        if full:
            self._refused.too_many(machine)
            return TOO_MANY_ASSOCIATIONS
        return None

    def agreed(self, address: str, calling_ae_title: str, *, usable: bool) -> None:
        machine = Machine(str(_plain_address(address)), calling_ae_title)
        if usable:
            self._refused.accepted(machine)
        else:
            self._refused.offers_nothing_we_take(machine)

    def not_dicom(self, address: str, *, is_tls: bool) -> None:
        if is_tls:
            self._refused.unexpected_tls(Machine(str(_plain_address(address))))

    def leave(self) -> None:
        with self._lock:
            self.associations -= 1


def _plain_address(address: str) -> IPv4Address | IPv6Address:
    """The address as the settings have it. An IPv6 socket shows an IPv4 peer as ::ffff:192.0.2.1, and a link-local one
    as fe80::1%eth0.
    """
    parsed = ip_address(address.partition("%")[0])
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


class DicomReceiver(Worker):
    """An SCP of storage, storage commitment and verification for several modalities at once.

    The called AE title is not checked: a wrong one is a slip in a modality's settings and no reason to lose images.
    """

    def __init__(self, settings: DicomSettings, admission: Admission, spool: Spool, commitments: Commitments) -> None:
        """Nothing listens before `start`. `commitments` takes requests for storage commitment."""
        super().__init__("dicom-receiver")
        self._settings = settings
        self._refused = RefusedMachines(settings)
        self._gate = _Gate(settings, self._refused)
        self._storage = Storage(admission, spool)
        self._commitments = commitments
        self._tls: ssl.SSLContext | None = None
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self._peers: dict[Association, threading.Thread] = {}  # oldest first

    def start(self) -> None:
        """Listen. Raises ListenError when the port is not available, SettingsError when a TLS file is not usable."""
        self._tls = _tls_context(self._settings)
        self._listener = _listen(self._settings.host, self._settings.port)
        self._listener.settimeout(POLL_SECONDS)
        super().start()
        _log.info(
            "Listening for DICOM as %s on %s port %d.",
            self._settings.ae_title,
            self._settings.host,
            self._settings.port,
        )

    def stop(self) -> None:
        """Accept nobody else, let instances that are arriving finish, and end all associations."""
        super().stop()
        if self._listener is not None:
            self._listener.close()
        deadline = time.monotonic() + DRAIN_SECONDS
        with self._lock:
            peers = dict(self._peers)
        for association in peers:
            association.stop()
        for association, thread in peers.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                association.cut()
                thread.join()

    def listening(self) -> bool:
        """Whether modalities can connect."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def associations(self) -> int:
        """How many associations are open now."""
        return self._gate.associations

    def problems(self) -> tuple[Problem, ...]:
        """The machines that were refused, and what to do about each."""
        return self._refused.problems()

    def turn(self) -> float:
        """Wait briefly for a peer, and accept it."""
        assert self._listener is not None
        try:
            connection, address = self._listener.accept()
        except TimeoutError:
            return 0
        except OSError as problem:  # the peer has gone already, or no file descriptors are left: neither lasts
            _log.warning("A connection could not be accepted: %s.", problem.strerror)
            return POLL_SECONDS
        self._serve(connection, str(address[0]))
        return 0

    def _serve(self, connection: socket.socket, address: str) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._tls is not None:
                # The handshake comes later, in the association's thread: a silent peer would hold up all others here.
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:  # the peer has gone already
            connection.close()
            return
        association = Association(
            connection, address, self._gate, self._storage, self._commitments, self._settings.idle_seconds
        )
        thread = threading.Thread(
            target=self._run_association, args=(association, connection, address), name="dicom-association"
        )
        with self._lock:
            unassociated = [peer for peer in self._peers if not peer.established]
            self._peers[association] = thread
        if len(unassociated) >= MAXIMUM_UNASSOCIATED:
            unassociated[0].cut()
        thread.start()

    def _run_association(self, association: Association, connection: socket.socket, address: str) -> None:
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.settimeout(min(ASSOCIATE_SECONDS, self._settings.idle_seconds))
                connection.do_handshake()
            association.run()
        except OSError as problem:
            _log.warning("A TLS connection failed: %s.", problem.strerror or type(problem).__name__)
            self._refused.no_tls(Machine(str(_plain_address(address))))
        finally:
            connection.close()
            with self._lock:
                del self._peers[association]


def _tls_context(settings: DicomSettings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        if settings.tls_client_ca is not None:
            context.load_verify_locations(settings.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as problem:
        raise SettingsError(
            "dicom.tls_certificate, tls_key or tls_client_ca cannot be used:"
            f" {problem.strerror or problem}. Each must be a readable PEM file, and the key must match the certificate."
        ) from problem
    return context


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as problem:
        raise ListenError(f"Cannot listen for DICOM on {host} port {port}: {_remedy(problem)}.") from problem


def _remedy(problem: OSError) -> str:
    if isinstance(problem, socket.gaierror):
        return "the host name is unknown; set dicom.host to an address of this box, or to 0.0.0.0 for all of them"
    if problem.errno == errno.EADDRINUSE:
        return "another program is using it; stop that program, or choose another dicom.port"
    if problem.errno == errno.EACCES:
        return "ports below 1024 need special rights; set dicom.port to 1024 or more"
    if problem.errno == errno.EADDRNOTAVAIL:
        return "this box does not have that address; set dicom.host to one of its own, or to 0.0.0.0 for all of them"
    return str(problem.strerror)
