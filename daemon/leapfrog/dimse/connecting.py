"""How an association with an archive is opened: names, TCP, TLS, the request, and what went wrong with each.

pynetdicom says why a connection failed only in its log, so that is where the reason is taken from; nothing of that log
goes anywhere else.
"""

import logging
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pynetdicom import AE, build_context, evt
from pynetdicom.association import Association

from leapfrog.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from leapfrog.dimse.failure import CallFailed
from leapfrog.processes.call_messages import Archive, Context, TlsFiles

# Small, so that what is on its way is soon known to have arrived: Linux would let it grow to 4 MB. It is doubled.
SEND_BUFFER_BYTES = 32_768
UNACKNOWLEDGED_MILLISECONDS = 60_000

Handler = tuple[Any, Callable[..., Any]]


def associate(archive: Archive, contexts: Sequence[Context], handlers: Sequence[Handler]) -> Association:
    """An open association on which `contexts` were proposed, one transfer syntax each, so that each gets an answer of
    its own. Raises CallFailed.
    """
    entity = AE(ae_title=archive.calling)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    patience = archive.patience
    entity.connection_timeout = patience.connect_seconds
    entity.acse_timeout = patience.associate_seconds
    entity.dimse_timeout = patience.answer_seconds
    entity.network_timeout = None  # an association that is idle is closed by us
    proposed = [build_context(context.sop_class_uid, context.transfer_syntax_uid) for context in contexts]
    context = _tls_context(archive.tls) if archive.tls is not None else None
    failed = CallFailed("connect")
    for address in _addresses(archive.host, archive.port):
        began = time.monotonic()
        with _reasons() as reasons:
            association = entity.associate(
                address,
                archive.port,
                contexts=proposed,
                ae_title=archive.called,
                tls_args=(context, archive.host) if context is not None else None,
                evt_handlers=[(evt.EVT_CONN_OPEN, _set_up, [patience.still_seconds]), *handlers],
            )
        if association.is_established:
            return association
        hang_up(association)
        failed = _why_not(association, reasons)
        if failed.failed.what == "not_dicom" and time.monotonic() - began >= patience.associate_seconds:
            failed = CallFailed("silent")
        if failed.failed.what != "connect":
            break
    raise failed


def hang_up(association: Association) -> None:
    """Close the connection: pynetdicom would go on reading whatever comes."""
    connection = association.dul.socket
    connected = connection.socket if connection is not None else None
    if connected is not None:
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise CallFailed("name") from problem
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Checks the certificate's chain and that it is for the host's name."""
    try:
        context = ssl.create_default_context(cafile=files.ca_file)
        if files.client_certificate is not None:
            context.load_cert_chain(files.client_certificate, files.client_key)
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
        raise CallFailed("tls_files") from problem
    return context


def _set_up(event: Any, still_seconds: float) -> None:
    connected = event.assoc.dul.socket.socket
    connected.settimeout(still_seconds)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)


class _Reasons(logging.Handler):
    """The exceptions that are being handled whenever something is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        problem = sys.exc_info()[1]
        if problem is not None:
            self.found.append(problem)


@contextmanager
def _reasons() -> Iterator[list[BaseException]]:
    handler = _Reasons()
    logger = logging.getLogger("pynetdicom.transport")
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.CRITICAL)


def _why_not(association: Association, reasons: Sequence[BaseException]) -> CallFailed:
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None:
        rejection = (answer.result or 0, answer.result_source or 0, answer.diagnostic or 0)
        return CallFailed("rejected", rejection=rejection)
    problem = next((problem for problem in reasons if isinstance(problem, OSError)), None)
    if problem is not None:
        return _no_connection(problem)
    if answer is not None:  # it accepted the association, but none of its contexts
        return CallFailed("no_context")
    return CallFailed("not_dicom")


def _no_connection(problem: OSError) -> CallFailed:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return CallFailed("tls_certificate", str(problem.verify_message))
    if isinstance(problem, ssl.SSLError):
        return CallFailed("tls", (problem.reason or "").replace("_", " ").lower())
    if isinstance(problem, TimeoutError):
        return CallFailed("connect", "no answer")
    return CallFailed("connect", os.strerror(problem.errno) if problem.errno else "")
