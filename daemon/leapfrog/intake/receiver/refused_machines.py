"""Which machines were refused, why, and what a person types where so that they are not refused again.

Nothing is more common when a box is set up, and the machine's own message seldom says more than "failed".
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from leapfrog.language.sentence import sentence
from leapfrog.problem import Problem, Problems
from leapfrog.settings import DicomSettings

REFUSED_FOR_STAFF = sentence(
    "{machine} could not send its exams to this box. Keep them on that machine, and tell the technician."
)
FORGOTTEN_SECONDS = 24 * 3600.0  # a machine that has not tried again for so long is no problem any more
MOST_MACHINES = 20  # whoever scans the network must not fill the list: the newest count


@dataclass(frozen=True)
class Machine:
    """A peer: its address, and the AE title that it gives itself ("" before it has said so)."""

    address: str
    ae_title: str = ""

    def __str__(self) -> str:
        return f'The machine "{self.ae_title}" at {self.address}' if self.ae_title else f"A machine at {self.address}"


class RefusedMachines:
    """The refusals of the last day, one for each machine and reason. Any thread may call it."""

    def __init__(self, settings: DicomSettings, disturbs: Callable[[str], bool] = lambda address: False) -> None:
        """The settings say what the remedies propose. Staff are told of a machine that asked for an association as
        modalities do, unless the machine at its address `disturbs`: of all others, only who asks for the status.
        """
        self._disturbs = disturbs
        self._settings = settings
        self._problems = Problems()
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}  # matter to time.monotonic(), the newest last

    def address_not_allowed(self, machine: Machine) -> None:
        """Its address is not in dicom.allowed_addresses."""
        self._add(
            machine,
            "address",
            "was refused: its address is not in dicom.allowed_addresses.",
            f'If it may send here, add "{machine.address}" to dicom.allowed_addresses in the settings file and restart'
            " Leapfrog.",
        )

    def ae_title_not_allowed(self, machine: Machine) -> None:
        """Its AE title is not in dicom.allowed_ae_titles."""
        allowed = ", ".join(self._settings.allowed_ae_titles)
        self._add(
            machine,
            "title",
            "was refused: its AE title is not in dicom.allowed_ae_titles.",
            f'If it may send here, add "{machine.ae_title}" to dicom.allowed_ae_titles in the settings file and restart'
            f" Leapfrog, or set the machine's own AE title to one of: {allowed}.",
        )

    def too_many(self, machine: Machine) -> None:
        """As many associations were open as dicom.max_associations allows."""
        self._add(
            machine,
            "many",
            f"was refused: {self._settings.max_associations} connections were open already.",
            "It tries again by itself. If this happens often, raise dicom.max_associations in the settings file and"
            " restart Leapfrog.",
            is_modality=False,
        )

    def offers_nothing_we_take(self, machine: Machine) -> None:
        """Of all that it proposed, nothing could be accepted."""
        self._add(
            machine,
            "contexts",
            "asked only for services that this box does not have, such as a worklist or printing.",
            "On that machine, enter this box as a destination for storing images (storage, send or archive):"
            f" AE title {self._settings.ae_title}, port {self._settings.port}.",
        )

    def no_tls(self, machine: Machine) -> None:
        """The box expects TLS, and the connection had none, or none that could be agreed on."""
        self._add(
            machine,
            "tls",
            "could not connect: this box expects an encrypted connection (TLS) and none was made.",
            "Switch TLS on at that machine and give it a certificate that this box trusts (dicom.tls_client_ca), or"
            " remove dicom.tls_certificate from the settings file and restart Leapfrog.",
            is_modality=False,
        )

    def unexpected_tls(self, machine: Machine) -> None:
        """The box expects plain DICOM, and the machine began with TLS."""
        self._add(
            machine,
            "unexpected tls",
            "could not connect: it uses an encrypted connection (TLS) and this box does not.",
            "Switch TLS off at that machine, or set dicom.tls_certificate and tls_key in the settings file and restart"
            " Leapfrog.",
            is_modality=False,
        )

    def accepted(self, machine: Machine) -> None:
        """It may send now: whatever it was refused for is settled, also where it had not given its name yet."""
        with self._lock:
            nameless = _matter_start(Machine(machine.address))
            settled = [matter for matter in self._seen if matter.startswith((_matter_start(machine), nameless))]
            for matter in settled:
                del self._seen[matter]
        for matter in settled:
            self._problems.clear(matter)

    def problems(self) -> tuple[Problem, ...]:
        """Every refusal of the last day that has not been settled since."""
        oldest = time.monotonic() - FORGOTTEN_SECONDS
        with self._lock:
            self._seen = {matter: seen for matter, seen in self._seen.items() if seen >= oldest}
            self._problems.keep(self._seen)
        return self._problems.current()

    def _add(self, machine: Machine, kind: str, what: str, remedy: str, *, is_modality: bool = True) -> None:
        matter = f"{_matter_start(machine)}{kind}"
        with self._lock:
            self._seen.pop(matter, None)
            self._seen[matter] = time.monotonic()
            while len(self._seen) > MOST_MACHINES:
                self._seen.pop(next(iter(self._seen)))
            self._problems.keep(self._seen)
        in_worklist = is_modality and not self._disturbs(machine.address)
        self._problems.add(
            matter,
            f"{machine} {what}",
            remedy,
            in_worklist=in_worklist,
            for_staff=REFUSED_FOR_STAFF.format(machine=str(machine)),
        )


def _matter_start(machine: Machine) -> str:
    return f"{machine.address} {machine.ae_title!r} "
