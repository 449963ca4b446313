"""The DICOM receiver: listens, accepts peers, and gives each association its own thread."""

import errno
import logging
import socket
import ssl
import threading
import time

from leapfrog.errors import ListenError
from leapfrog.intake.admission import Admission
from leapfrog.intake.receiver.association import ASSOCIATE_SECONDS, Association, House
from leapfrog.intake.receiver.commitment import Commitments
from leapfrog.intake.receiver.connections import Connections
from leapfrog.intake.receiver.disturbances import Disturbance, Disturbances
from leapfrog.intake.receiver.gate import Gate
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.intake.receiver.promise import NoPromises, Promises
from leapfrog.intake.receiver.refused_machines import Machine, RefusedMachines
from leapfrog.intake.receiver.storage import Storage
from leapfrog.intake.receiver.tls import TlsFiles
from leapfrog.peer_address import peer_address
from leapfrog.problem import Problem
from leapfrog.settings import DicomSettings
from leapfrog.state.spool import Spool
from leapfrog.worker import Worker

POLL_SECONDS = 0.5
DRAIN_SECONDS = 5.0  # for instances that are still arriving when the box stops
CUT_SECONDS = 2.0  # within which a connection that is cut ends, unless its peer takes nothing
BACKLOG = 4096  # the kernel's most: a burst makes a modality wait, and not try again after one, three or seven seconds
PAUSE_SECONDS = 0.1  # while there are no resources for another connection
GIVE_UP_SECONDS = 60.0  # after so long without, the box starts afresh
# accept(2): what went wrong with the one peer that is accepted, and what the system has no more of.
OF_ONE_PEER = (
    errno.ECONNABORTED, errno.EINTR, errno.EAGAIN, errno.EPERM, errno.EPROTO, errno.ENOPROTOOPT, errno.ENETDOWN,
    errno.EHOSTDOWN, errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH, errno.ETIMEDOUT,
)  # fmt: skip
OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
NOBODY = "no address"

_log = logging.getLogger(__name__)


class DicomReceiver(Worker):
    """An SCP of storage, storage commitment and verification for several modalities at once.

    The called AE title is not checked: a wrong one is a slip in a modality's settings and no reason to lose images.
    """

    def __init__(
        self,
        settings: DicomSettings,
        admission: Admission,
        spool: Spool,
        commitments: Commitments,
        promises: Promises | None = None,
    ) -> None:
        """Nothing listens before `start`. `commitments` takes requests for storage commitment; `promises`, what
        archives answer to ours.
        """
        super().__init__("dicom-receiver")
        self._settings = settings
        self._disturbances = Disturbances()
        self._refused = RefusedMachines(settings, self._disturbances.disturbs)
        self._peer_log = PeerLog(_log)
        self._gate = Gate(settings, self._refused, self._disturbances)
        self._connections = Connections(settings.max_associations, self._disturbances)
        self._tls = TlsFiles(settings)
        self._house = House(
            gate=self._gate,
            storage=Storage(admission, spool, self._peer_log),
            commitments=commitments,
            promises=promises or NoPromises(),
            disturbances=self._disturbances,
            log=self._peer_log,
            idle_seconds=settings.idle_seconds,
            unexpected_tls=lambda address: self._refused.unexpected_tls(Machine(address)),
            was_costly=self._connections.was_costly,
        )
        self._listener: socket.socket | None = None
        self._failing_since: float | None = None
        self._lock = threading.Lock()
        self._peers: dict[Association, threading.Thread] = {}

    def start(self) -> None:
        """Listen. Raises ListenError when the port is not available, SettingsError when a TLS file is not usable."""
        self._tls.load()
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
                thread.join(CUT_SECONDS)
            if thread.is_alive():
                association.cut(socket.SHUT_RDWR)
                thread.join()
        self._peer_log.flush()

    def listening(self) -> bool:
        """Whether modalities can connect."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def associations(self) -> int:
        """How many associations are open now."""
        return self._gate.associations()

    def problems(self) -> tuple[Problem, ...]:
        """Certificates that end, machines that were refused or disturb the box, and what to do about each."""
        return (*self._tls.problems(), *self._refused.problems(), *self._disturbances.problems())

    def turn(self) -> float:
        """Wait briefly for a peer, and accept it. Raises ListenError when nobody can be accepted any more."""
        assert self._listener is not None
        self._tls.look()
        self._peer_log.flush()
        try:
            connection, shown = self._listener.accept()
        except TimeoutError:
            return 0
        except OSError as problem:
            return self._not_accepted(problem)
        address = str(peer_address(str(shown[0])))
        if self._connections.too_fast(address):
            self._peer_log.write(address, logging.WARNING, f"A connection of {address} was closed: it opens too many.")
            connection.close()
            return 0
        return self._serve(connection, address)

    def _not_accepted(self, problem: OSError) -> float:
        """A peer that has gone already is no failure; without resources the receiver tries again, for a while."""
        if problem.errno in OF_ONE_PEER:
            return 0
        if problem.errno not in OF_RESOURCES:
            raise ListenError(f"No connection can be accepted any more: {problem.strerror}.") from problem
        return self._without_resources(str(problem.strerror))

    def _without_resources(self, what: str) -> float:
        self._peer_log.write(NOBODY, logging.WARNING, f"A connection could not be served: {what}.")
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > GIVE_UP_SECONDS:
            raise ListenError(f"No connection could be served for {GIVE_UP_SECONDS:.0f} s: {what}.")
        return 0 if self._connections.cut_oldest(PAUSE_SECONDS) else PAUSE_SECONDS

    def _serve(self, connection: socket.socket, address: str) -> float:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if (tls := self._tls.context()) is not None:
                # The handshake comes later, in the association's thread: a silent peer would hold up all others here.
                connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:  # the peer has gone already
            connection.close()
            return 0
        if not self._connections.wait_for_room(POLL_SECONDS):
            connection.close()
            return self._without_resources("too many connections are open that do not end")
        return self._start_thread(Association(connection, address, self._house), connection)

    def _start_thread(self, association: Association, connection: socket.socket) -> float:
        thread = threading.Thread(
            target=self._run_association, args=(association, connection), name="dicom-association"
        )
        self._connections.add(association)
        try:
            with self._lock:
                thread.start()
                self._peers[association] = thread
        except RuntimeError:  # the system gives no more threads
            self._connections.remove(association)
            connection.close()
            return self._without_resources("no more threads can be started")
        self._failing_since = None
        return 0

    def _run_association(self, association: Association, connection: socket.socket) -> None:
        try:
            if not isinstance(connection, ssl.SSLSocket) or self._shake_hands(association, connection):
                association.run()
        finally:
            connection.close()
            self._connections.remove(association)
            with self._lock:
                del self._peers[association]

    def _shake_hands(self, association: Association, connection: ssl.SSLSocket) -> bool:
        """The TLS handshake. Returns whether it succeeded."""
        address = association.address
        try:
            connection.settimeout(min(ASSOCIATE_SECONDS, self._settings.idle_seconds))
            connection.do_handshake()
        except (OSError, ValueError) as problem:  # ValueError: it was cut meanwhile
            what = getattr(problem, "strerror", None) or type(problem).__name__
            self._peer_log.write(address, logging.WARNING, f"A TLS connection with {address} failed: {what}.")
            if isinstance(problem, TimeoutError):
                self._disturbances.note(address, Disturbance.UNFINISHED)
            elif not self._connections.was_cut(association):
                self._refused.no_tls(Machine(address))
            return False
        return True


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
