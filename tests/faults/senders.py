"""Modalities and people with a folder: whoever gives films to a box, and what it acknowledged to them."""

import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from faults.films import Film
from support.dcmtk import Outcome, store_arguments

MODALITIES = 3
FILMS_AT_ONCE = 2  # in one association
RETRY_SECONDS = 0.1
GIVE_UP_SECONDS = 30  # storescu's, for a box that does not answer


class Senders:
    """Give films to a box until each was acknowledged, as a modality does, or put them into its watched folder."""

    def __init__(self, port: int, inbox: Path) -> None:
        """Nothing is sent yet."""
        self._port, self._inbox = port, inbox
        self._lock = threading.Lock()
        self._queue: queue.Queue[Film | None] = queue.Queue()
        self._acknowledged: dict[str, float] = {}
        self.stored: dict[str, Film] = {}  # what modalities were given
        self.dropped: dict[str, Film] = {}  # what was put into the folder
        self._threads = [threading.Thread(target=self._modality, daemon=True) for _ in range(MODALITIES)]
        for thread in self._threads:
            thread.start()

    # ------------------------------------------------------------ what was given

    @property
    def films(self) -> dict[str, Film]:
        """Every film that the box was given, by its UID."""
        return {**self.stored, **self.dropped}

    @property
    def acknowledged(self) -> set[str]:
        """What the box said "stored" to, and what it took out of the folder."""
        with self._lock:
            known = set(self._acknowledged)
        return known | {uid for uid, film in self.dropped.items() if not self._in_folder(film).exists()}

    def _in_folder(self, film: Film) -> Path:
        return self._inbox / film.path.name

    # ------------------------------------------------------------ giving

    def store(self, films: Iterable[Film]) -> None:
        """Have modalities send them, now and until each was acknowledged."""
        for film in films:
            self.stored[film.sop_instance_uid] = film
            self._queue.put(film)

    def drop(self, films: Iterable[Film]) -> None:
        """Put them into the watched folder, durably, under their names in one step. Raises OSError."""
        for film in films:
            partial = self._in_folder(film).with_suffix(".part")
            shutil.copyfile(film.path, partial)
            _fsync(partial)
            partial.rename(self._in_folder(film))
            _fsync(self._inbox)
            self.dropped[film.sop_instance_uid] = film

    def wait(self, deadline_seconds: float) -> bool:
        """Wait until every film that modalities were given was acknowledged. Returns whether that is so."""
        deadline = time.monotonic() + deadline_seconds
        while time.monotonic() < deadline:
            with self._lock:
                if self._acknowledged.keys() >= self.stored.keys():
                    return True
            time.sleep(0.02)
        return False

    def seconds_until_stored(self, film: Film, since: float, most_seconds: float) -> float:
        """Send `film` again and again: how long after `since` (time.monotonic()) it was acknowledged. Infinity after
        `most_seconds`.
        """
        self.stored[film.sop_instance_uid] = film
        while time.monotonic() - since < most_seconds:
            if self._send([film]):
                return time.monotonic() - since
            time.sleep(RETRY_SECONDS)
        self._queue.put(film)
        return float("inf")

    def stop(self) -> None:
        """Send no more."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _modality(self) -> None:
        while (film := self._queue.get()) is not None:
            films = [film]
            while len(films) < FILMS_AT_ONCE:
                try:
                    another = self._queue.get_nowait()
                except queue.Empty:
                    break
                if another is None:
                    self._queue.put(None)
                    break
                films.append(another)
            taken = self._send(films)
            for left in films:
                if left.path not in taken:
                    self._queue.put(left)
            if len(taken) < len(films):
                time.sleep(RETRY_SECONDS)
                if self._stopping():
                    return

    def _stopping(self) -> bool:
        """Whether all that waits is the word to stop, or what nobody will take any more."""
        with self._queue.mutex:
            return None in self._queue.queue

    def _send(self, films: list[Film]) -> set[Path]:
        """Which of them were acknowledged over one association."""
        limits = ["-to", str(GIVE_UP_SECONDS), "-ta", str(GIVE_UP_SECONDS), "-td", str(GIVE_UP_SECONDS)]
        done = subprocess.run(
            store_arguments(self._port, [film.path for film in films], *limits),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        taken = set(Outcome(done.returncode, done.stdout.decode(errors="replace")).acknowledged)
        now = time.monotonic()
        with self._lock:
            for film in films:
                if film.path in taken:
                    self._acknowledged.setdefault(film.sop_instance_uid, now)
        return taken


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
