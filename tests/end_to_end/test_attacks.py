"""A small dose of attacks beside a modality; `tests/attacks/run` gives all of them, and for as long as is wanted."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from attacks.network import network
from attacks.siege import Siege
from support.dcmtk import dcmtk_program
from support.namespaces import why_no_namespaces

pytestmark = [
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(why_no_namespaces()), reason=why_no_namespaces() or "-"),
]

SECONDS = 3.0
# Of the promises, those that do not depend on what else the machine is doing.
TIMES = ("the modality is slower", "the modality stays slower")


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    dcmtk_program("storescu")
    with (
        TemporaryDirectory(prefix="lf.", dir="/var/tmp") as folder,
        network() as made,
        Siege(Path(folder), made) as begun,
    ):
        yield begun


@pytest.mark.parametrize("attack", ["half TLS handshakes", "all on a plain box together"])
def test_a_modality_stores_beside_an_attack_and_only_the_status_names_it(siege: Siege, attack: str) -> None:
    row = siege.row(attack, SECONDS, films=3)
    assert [promise for promise in row.broken_promises if promise not in TIMES] == [], row
