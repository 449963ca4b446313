"""Requests on the control socket, answered by the real commands on a journal with a few rows."""

import json
import socket
from functools import cache

from fuzzing import scratch
from fuzzing.own_errors import no_own_errors
from fuzzing.target import Target, require
from leapfrog.control.commands import Commands
from leapfrog.control.control_socket import ControlServer
from leapfrog.control.status import StatusSource
from leapfrog.settings import Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.spool import Spool
from support.journal_rows import new_instance

IDS = tuple(f"{number:016x}" for number in range(1, 4))


class _Box:
    def __init__(self) -> None:
        folder = scratch.emptied("asked")
        self.journal, spool = Journal(folder / "journal.sqlite"), Spool(folder / "spool", 0)
        for number, one in enumerate(IDS):
            study = StudyIdentity(study_instance_uid=f"2.25.{number}", patient_id="P1")
            Instances(self.journal).add(new_instance(id=one, spool_name=f"{one}.dcm", study=study))
        deliveries = Deliveries(self.journal)
        deliveries.refuse(deliveries.listed()[0].id, "not wanted")
        commands = Commands(
            journal=self.journal,
            deliveries=deliveries,
            source=StatusSource(settings=Settings(), journal=self.journal, deliveries=deliveries, spool=spool),
            wake=lambda: None,
            sync=lambda _destination: None,
            spool=spool,
        )
        self.server = ControlServer(folder, commands.handlers())
        self.commands = tuple(commands.handlers())


@cache
def _box() -> _Box:
    return _Box()


def check(content: bytes) -> None:
    """One request, as a client sends it, until it hangs up."""
    if _box().journal.broken:  # by an input before this one
        _box.cache_clear()
    box = _box()
    ours, theirs = socket.socketpair()
    with ours, theirs, no_own_errors():
        theirs.sendall(content)
        theirs.shutdown(socket.SHUT_WR)
        box.server._answer(ours)
        ours.shutdown(socket.SHUT_WR)
        line = b"".join(iter(lambda: theirs.recv(1 << 20), b""))
    require(line.endswith(b"\n") and line.count(b"\n") == 1, "The answer is not one line.")
    answer = json.loads(line)
    require(("result" in answer) != ("error" in answer), "The answer is neither a result nor an error.")
    require(not box.journal.broken, "A request made the journal count as broken, which ends the box.")
    require("internal error" not in str(answer.get("error")), "The box could not answer because of an internal error.")


def seeds() -> dict[str, bytes]:
    """Each command as the command line sends it, and some that it never sends."""
    asked: dict[str, dict[str, object]] = {
        "status": {"limit": 5},
        "instances": {"state": "received", "limit": 10, "file_problems": True},
        "deliveries": {"state": None, "limit": 10, "destination": "district"},
        "retry": {"ids": [IDS[0]]},
        "reread": {"exams": None, "age_years": 5},
        "dismiss": {"ids": [IDS[0]]},
        "sync": {"destination": "district"},
        "still_named": {"names": [f"{IDS[0]}.dcm"]},
        "no such": {},
    }
    lines = {name: json.dumps({"command": name, "arguments": given}) for name, given in asked.items()}
    lines["dismiss all of one"] = '{"command": "dismiss", "arguments": {"destination": "district"}}'
    lines |= {
        "a limit of words": '{"command": "instances", "arguments": {"limit": "many"}}',
        "ids that are lists": '{"command": "retry", "arguments": {"ids": [["a"]]}}',
        "ids that are no text": '{"command": "dismiss", "arguments": {"ids": ["\\ud800"]}}',
        "an age of an object": '{"command": "reread", "arguments": {"exams": [], "age_years": {}}}',
        "a number beyond SQLite's": '{"command": "deliveries", "arguments": {"limit": 99999999999999999999}}',
        "arguments that are none": '{"command": "status", "arguments": [1]}',
        "an unknown argument": '{"command": "sync", "arguments": {"soon": true}}',
        "nested": "[" * 3000,
    }
    return {name: line.encode() + b"\n" for name, line in lines.items()}


TARGET = Target(
    name="control",
    invariant=(
        "Each request has one line for an answer, a result or an error, and never an internal error; none breaks the"
        " journal."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.control",),
    seconds=2.0,
)
