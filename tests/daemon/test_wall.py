"""The wall, checked in a fresh interpreter: the main process never touches pixels, and a reader never touches the
journal or the network.

The contracts in pyproject.toml check our own imports; only these tests see what libraries import.
"""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import leapfrog

PACKAGE = Path(leapfrog.__file__).parent
CHECKOUT = Path(__file__).parents[2]
HOST_MAY_IMPORT = {"numpy", "ai_edge_litert", "tflite_runtime", "pycoral"}
SIDES = ("main-process", "reader", "calls", "both-sides")
PIXELS = {
    "numpy", "PIL", "gdcm", "openjpeg", "_CharLS", "pydicom", "pynetdicom", "highdicom", "typst", "ai_edge_litert",
    "zxingcpp",
}  # fmt: skip
DURABLE_AND_NETWORK = {
    "leapfrog.state", "leapfrog.intake", "leapfrog.lanes", "leapfrog.outbox", "leapfrog.worklist", "leapfrog.control",
    "leapfrog.service", "sqlite3", "requests", "pynetdicom", "apscheduler",
}  # fmt: skip
# What makes `leapfrog status` slow: it asks the daemon, and needs the settings, the socket and a table.
NOT_TO_ASK = {
    "leapfrog.control.commands", "leapfrog.control.without_daemon", "leapfrog.exam", "leapfrog.packages",
    "leapfrog.lanes", "leapfrog.outbox", "leapfrog.service", "leapfrog.worklist", "sqlite3", "requests", "jinja2",
    "cryptography", "apscheduler",
}  # fmt: skip
# What only some boxes need, or only once in a while: it is loaded when it is needed.
NOT_AT_REST = {"apscheduler", "cryptography", "typer", "rich", "asyncio", "requests", "urllib3"}


def modules_after(statement: str) -> set[str]:
    """Every module that a fresh interpreter has loaded after running `statement`."""
    finished = subprocess.run(
        [sys.executable, "-c", f"{statement}; import sys; print('\\n'.join(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(finished.stdout.split())


def test_the_main_process_loads_nothing_that_handles_pixels() -> None:
    assert modules_after("import leapfrog.service") & PIXELS == set()


def test_the_main_process_loads_what_only_some_boxes_need_when_they_need_it() -> None:
    assert modules_after("import leapfrog.service") & NOT_AT_REST == set()


def test_the_daemon_is_started_without_what_reads_options_and_draws_tables() -> None:
    started = (
        "import sys, leapfrog.cli, leapfrog.service; leapfrog.service.run_daemon = lambda _: 0;"
        "sys.argv = ['leapfrog', 'run', '--config', 'leapfrog.toml']; sys.exit = lambda _: None; leapfrog.cli.main()"
    )
    assert modules_after(started) & {"typer", "rich", "leapfrog.tables", "leapfrog.cli.command_line"} == set()


def test_a_command_that_asks_the_daemon_loads_no_room_of_the_daemon() -> None:
    loaded = modules_after("import leapfrog.cli.command_line, leapfrog.tables, leapfrog.control.asking")
    assert loaded & (PIXELS | NOT_TO_ASK) == set()
    assert {name for name in loaded if name.startswith("leapfrog.state.")} == {
        "leapfrog.state.actions",
        "leapfrog.state.actions.who",
    }


def test_who_checks_a_strangers_sheet_leaves_its_photo_to_a_child() -> None:
    assert modules_after("import leapfrog.commands.verify.command") & PIXELS == set()


def test_who_copies_an_exam_for_a_patient_leaves_its_images_to_a_child() -> None:
    assert modules_after("import leapfrog.commands.patient_copy.exam_copy") & PIXELS == set()
    reachable = DURABLE_AND_NETWORK - {"requests"}  # pydicom loads it
    assert modules_after("import leapfrog.reader.patient_copy.copier") & reachable == set()


def test_a_reader_loads_nothing_that_reaches_the_journal_or_the_network() -> None:
    assert modules_after("import leapfrog.reader.reader") & DURABLE_AND_NETWORK == set()


def test_a_reader_that_has_begun_loads_nothing_that_few_pictures_need() -> None:
    begun = (
        "import os; from leapfrog.processes.confinement import Rights; from leapfrog.reader import reader, startup;"
        "startup.begin(os.getppid(), 1 << 33, Rights()); [__import__(name) for name in reader.MODULES];"
        "sys = __import__('sys'); names = [name for name, module in sys.modules.items() if module is not None];"
        "os.write(2, '\\n'.join(names).encode()); os._exit(0)"
    )
    finished = subprocess.run([sys.executable, "-c", begun], capture_output=True, text=True, check=True)
    loaded = set(finished.stderr.split())
    assert {"pydicom", "numpy", "typst"} < loaded
    assert loaded & {"gdcm", "requests", "urllib3", "tqdm"} == set()


def test_a_program_that_calls_others_loads_neither_journal_nor_spool() -> None:
    forbidden = DURABLE_AND_NETWORK - {"pynetdicom", "requests"}  # pydicom loads requests
    loaded = modules_after("import leapfrog.dimse.commitment_report")
    assert loaded & (forbidden | {"leapfrog.spool_file", "leapfrog.reader"}) == set()


def test_the_engine_host_needs_nothing_of_ours() -> None:
    path = PACKAGE / "engine" / "host.py"
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    strangers = {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names) - HOST_MAY_IMPORT
    assert strangers == set()


def placed_modules() -> set[str]:
    """The modules that are named in the contracts of the wall."""
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    sides = [one["source_modules"] for one in contracts if one["id"] in SIDES]
    return {module for side in sides for module in side}


def test_every_folder_is_on_a_side_of_the_wall() -> None:
    """A new folder is in no contract until somebody decides which side it is on. The command leads to all of them."""
    placed = {module.split(".")[1] for module in placed_modules()}
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders - placed == {"cli"}


def test_only_the_commands_named_here_may_use_pixels() -> None:
    commands = {path.stem for path in (PACKAGE / "commands").iterdir() if not path.name.startswith("__")}
    placed = {module.split(".")[2] for module in placed_modules() if module.startswith("leapfrog.commands.")}
    assert commands - placed == {"bench", "demo", "evaluate"}
