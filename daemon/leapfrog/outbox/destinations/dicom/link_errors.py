"""What to say of an archive that cannot be spoken to: what happened, and what a person can do about it.

Nothing of what the archive said is quoted but numbers.
"""

import time

from leapfrog.errors import DistrictError, DistrictLocked, DistrictUnreachable
from leapfrog.processes.call_messages import Failed, FailureKind
from leapfrog.settings import DestinationSettings

# A-ASSOCIATE-RJ (PS3.8 Table 9-21).
PERMANENT = 1
BY_ITS_USER, BY_ITS_TRANSPORT = 1, 3
CALLING_NOT_RECOGNIZED = (BY_ITS_USER, 3)
CALLED_NOT_RECOGNIZED = (BY_ITS_USER, 7)
CONGESTED = ((BY_ITS_TRANSPORT, 1), (BY_ITS_TRANSPORT, 2))

# These have nothing to do with the instance that was to be sent.
NEVER_CONNECTED: frozenset[FailureKind] = frozenset(("name", "connect", "tls", "tls_certificate", "rejected"))

TLS_PORT = "that it is one for TLS and accepts this box's client_certificate"
PLAIN_PORT = "whether it is one for TLS"


def link_error(failed: Failed, archive: DestinationSettings, ae_title: str) -> DistrictError:
    """The error for an association that was not opened, or that broke. `ae_title` is this box's own."""
    if failed.what == "rejected":
        return _rejection(failed.rejection or (0, 0, 0), archive, ae_title)
    if failed.what == "tls_files":
        return DistrictLocked(
            f"ca_file, client_certificate or client_key of the destination {archive.name} cannot be used: check that"
            " they are there, are PEM files and belong together."
        )
    place = _place(archive)
    sentence = {
        "name": f"The name {archive.host} cannot be looked up: check that the link is up and that host is right.",
        "connect": f"The {place} cannot be reached{_reason(failed)}: check that the link is up, that the"
        " archive runs, and that host and port are right.",
        "tls_certificate": f"The certificate of the {place} is not trusted{_reason(failed)}. This box's clock"
        f" shows {time.strftime('%Y-%m-%d %H:%M')}. Check the clock and ca_file, and that host is the name that is"
        " in the certificate.",
        "tls": f"No secure connection to the {place} could be made{_reason(failed)}: check that the port is the"
        " one for TLS, and client_certificate and client_key.",
        "not_dicom": f"The {place} ended the connection instead of answering a DICOM association: check that this"
        f" is its DICOM port, and {TLS_PORT if archive.tls else PLAIN_PORT}.",
        "silent": f"The {place} did not answer in time.",
        "broken": f"The connection to the {place} broke off.",
        "wrong_answer": f"The {place} answered something that does not belong to what it was asked.",
        "no_context": f"The {place} takes nothing of what this box offers it, not even C-ECHO: check that this is"
        " an archive.",
    }[failed.what]
    return DistrictUnreachable(sentence, was_connected=failed.what not in NEVER_CONNECTED)


def _rejection(rejection: tuple[int, int, int], archive: DestinationSettings, ae_title: str) -> DistrictError:
    result, source, reason = rejection
    place = _place(archive)
    if (source, reason) == CALLING_NOT_RECOGNIZED:
        return DistrictLocked(
            f"The {place} does not know this box. Enter a DICOM node there with the AE title {ae_title.strip()} and"
            " this box's address."
        )
    if (source, reason) == CALLED_NOT_RECOGNIZED:
        return DistrictLocked(
            f"The {place} says that it is not called {archive.ae_title.strip()}. Set ae_title of the destination"
            f" {archive.name} to the AE title that the archive has."
        )
    if (source, reason) in CONGESTED or result != PERMANENT:
        return DistrictUnreachable(
            f"The {place} has no room for another association at the moment (reason {source}-{reason}).",
            was_connected=False,
        )
    return DistrictLocked(
        f"The {place} rejected the association (reason {source}-{reason}). Most archives do so when they do not know"
        f" who calls: check there that the AE title {ae_title.strip()} with this box's address may store, and that"
        f" {archive.ae_title.strip()} is the archive's own."
    )


def _place(archive: DestinationSettings) -> str:
    return f"archive {archive.name} ({archive.host} port {archive.port})"


def _reason(failed: Failed) -> str:
    return f" ({failed.detail.lower()})" if failed.detail else ""
