"""20 modalities that send at once: what each gets beside its share, and how soon a film among them is reported."""

import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import at_most
from support.dcmtk import store, store_arguments
from support.exams import chest_radiograph, ultrasound, write_instances
from support.ports import free_port
from support.waiting import wait_until

MODALITIES = 20
FILMS_EACH = 10  # of 2.6 MB
TOO_LONG_SECONDS = 300.0
AMONG_THEM_SECONDS = 0.4  # after the first began
GROUP = f"{MODALITIES} modalities at once"
SHARE = at_most(1.5)
SLOW_BYTES_PER_SECOND = 1_000_000
SLOW_PIECE_BYTES = 16 * 1024


@dataclass(frozen=True)
class Sender:
    """One modality: what it has to send, to which port, and how many bytes that is."""

    files: tuple[Path, ...]
    port: int

    @property
    def byte_count(self) -> int:
        """Of all its files."""
        return sum(path.stat().st_size for path in self.files)


@dataclass(frozen=True)
class Sent:
    """When a sender began and ended (time.perf_counter), and how much it sent."""

    began: float
    ended: float
    byte_count: int
    images: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


def measure(run: Run) -> None:
    """Equal loads; one with many small pictures beside 19 with large ones; slow ones beside quick ones."""
    films = write_instances(
        chest_radiograph(1024, 1250), run.directory / "films", MODALITIES * FILMS_EACH, studies=MODALITIES
    )
    small = write_instances(ultrasound(240, 320), run.directory / "small", max(20, round(200 * run.dose)))
    try:
        _measure_equal(run, [one.path for one in films])
        _measure_small_among_large(run, [one.path for one in films], [one.path for one in small])
        _measure_slow_beside_quick(run, [one.path for one in films])
    finally:
        remove(run.directory / "films")
        remove(run.directory / "small")


def _measure_equal(run: Run, films: Sequence[Path]) -> None:
    """All have the same to send: each should end when the mean one does. One film of an exam of its own comes later."""
    urgent = write_instances(chest_radiograph(), run.directory / "urgent", 1)[0].path
    worst, reported = [], []
    for number in range(run.rounds):
        run.progress.say(f"{MODALITIES} modalities with the same to send, round {number + 1}")
        with WholeBox(run.directory / "box") as box:
            timer = threading.Thread(target=_send_urgent, args=(box, urgent, reported))
            timer.start()
            sent = _send_at_once([Sender(part, box.port) for part in _dealt(films)])
            timer.join()
        worst.append(_beyond_share(sent))
        remove(run.directory / "box")
    remove(run.directory / "urgent")
    run.results.add_median(
        GROUP, "equal loads: the longest beside the mean", worst, "times", SHARE, f"{FILMS_EACH} CR of 2.6 MB each"
    )
    run.results.add_median(
        GROUP, "equal loads: an urgent film among them, from response to report", reported, "s", remark="raw CR"
    )


def _measure_small_among_large(run: Run, films: Sequence[Path], small: Sequence[Path]) -> None:
    """One with many small pictures beside others with films. With its share of the box it takes as many times as long
    as alone as there are modalities.
    """
    slowed, others = [], []
    for number in range(run.rounds):
        run.progress.say(f"one with {len(small)} small pictures beside {MODALITIES - 1} with films, round {number + 1}")
        with WholeBox(run.directory / "box") as box:
            dealt = _dealt(films)[1:]
            sent = _send_at_once([Sender(tuple(small), box.port), *(Sender(part, box.port) for part in dealt)])
        slowed.append(sent[0].seconds / (_alone(run, small) * MODALITIES))
        others.append(_beyond_share(sent[1:]))
        remove(run.directory / "box")
    remark = f"{len(small)} pictures of 77 kB"
    run.results.add_median(
        GROUP, "small pictures among films: their time beside their share", slowed, "times", SHARE, remark
    )
    run.results.add_median(GROUP, "films beside them: the longest beside the mean", others, "times", SHARE)


def _alone(run: Run, files: Sequence[Path]) -> float:
    """How long one modality takes for `files` when no other sends."""
    with WholeBox(run.directory / "alone") as box:
        began = time.perf_counter()
        outcome = store(box.port, files)
        ended = time.perf_counter()
        if not outcome.succeeded:
            raise RuntimeError(outcome.text[-2000:])
    remove(run.directory / "alone")
    return ended - began


def _measure_slow_beside_quick(run: Run, films: Sequence[Path]) -> None:
    """Half of them have a link of 1 MB/s. They must not be slowed by the quick ones, which could send in between."""
    slow_worst, quick_worst = [], []
    for number in range(run.rounds):
        run.progress.say(f"{MODALITIES // 2} slow modalities beside as many quick ones, round {number + 1}")
        with WholeBox(run.directory / "box") as box, _slow_link(box.port) as slow_port:
            dealt = _dealt(films)
            half = MODALITIES // 2
            slow = [Sender(part[:1], slow_port) for part in dealt[:half]]
            sent = _send_at_once([*slow, *(Sender(part, box.port) for part in dealt[half:])])
        slow_worst.append(max(one.seconds / (one.byte_count / SLOW_BYTES_PER_SECOND) for one in sent[:half]))
        quick_worst.append(_beyond_share(sent[half:]))
        remove(run.directory / "box")
    run.results.add_median(
        GROUP, "a link of 1 MB/s: the longest beside what the link takes", slow_worst, "times", SHARE
    )
    run.results.add_median(
        GROUP, "quick ones beside such links: the longest beside the mean", quick_worst, "times", SHARE
    )


def _beyond_share(sent: Sequence[Sent]) -> float:
    """The time of the slowest of equals beside the mean time: 1.0 is perfectly fair."""
    mean = sum(one.seconds for one in sent) / len(sent)
    return max(one.seconds for one in sent) / mean


def _dealt(films: Sequence[Path]) -> list[tuple[Path, ...]]:
    """The same number of files to each modality."""
    each = len(films) // MODALITIES
    return [tuple(films[number * each : (number + 1) * each]) for number in range(MODALITIES)]


def _send_at_once(senders: Sequence[Sender]) -> list[Sent]:
    """Start one storescu for each, and note when each ends. One that is turned away, or refused, is an error."""
    sent: dict[int, Sent] = {}
    threads = [threading.Thread(target=_send, args=(number, sender, sent)) for number, sender in enumerate(senders)]
    for thread in random.Random(1).sample(threads, len(threads)):  # the order must not matter
        thread.start()
    for thread in threads:
        thread.join()
    if len(sent) < len(senders):
        raise RuntimeError(f"only {len(sent)} of {len(senders)} modalities could send: see above")
    return [sent[number] for number in range(len(senders))]


def _send(number: int, sender: Sender, sent: dict[int, Sent]) -> None:
    program, *arguments = store_arguments(sender.port, sender.files, calling=f"MODALITY{number}")
    began = time.perf_counter()
    done = subprocess.run(
        [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TOO_LONG_SECONDS, check=False
    )
    if done.returncode == 0:
        sent[number] = Sent(began, time.perf_counter(), sender.byte_count, len(sender.files))
    else:
        print(done.stdout.decode(errors="replace")[-1000:])


def _send_urgent(box: WholeBox, film: Path, reported: list[float]) -> None:
    """Send a film of an exam of its own in the middle of all the others, and note when its report is there."""
    time.sleep(AMONG_THEM_SECONDS)
    outcome = store(box.port, [film])
    answered = time.time()
    if not outcome.succeeded:
        raise RuntimeError(outcome.text[-2000:])
    uid = film.read_bytes()
    report = wait_until(
        lambda: next((one for one in box.kiosk.reports() if _names(one, uid)), None),
        "the urgent film's report",
        deadline_seconds=TOO_LONG_SECONDS,
        poll_seconds=0.05,
    )
    assert report
    reported.append(time.time() - answered)


def _names(report: dict[str, object], content: bytes) -> bool:
    images = report["images"]
    assert isinstance(images, list)
    return any(str(image["sop_instance_uid"]).encode() in content for image in images)


@contextmanager
def _slow_link(port: int) -> Iterator[int]:
    """A port from which each connection is passed on to `port` at SLOW_BYTES_PER_SECOND, as over a slow link."""
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        yield int(listener.getsockname()[1])


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            modality, _ = listener.accept()
        except OSError:  # closed: nobody sends any more
            return
        box = socket.create_connection(("127.0.0.1", port))
        # Small buffers, so that storescu feels the link and does not fill a buffer of megabytes.
        modality.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * SLOW_PIECE_BYTES)
        threading.Thread(target=_pass_on, args=(modality, box, SLOW_BYTES_PER_SECOND), daemon=True).start()
        threading.Thread(target=_pass_on, args=(box, modality, 0), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, bytes_per_second: int) -> None:
    began, passed = time.monotonic(), 0
    try:
        while piece := source.recv(SLOW_PIECE_BYTES):
            target.sendall(piece)
            passed += len(piece)
            if bytes_per_second:
                time.sleep(max(0.0, began + passed / bytes_per_second - time.monotonic()))
        target.shutdown(socket.SHUT_WR)
    except OSError:  # the other end is gone, and with it the connection
        target.close()
