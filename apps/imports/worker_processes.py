"""Prepare the chunks of an import in processes of their own, while this process writes the last one.

A worker process is a program of its own on the other end of a socket pair: Celery's processes may not have children
of ``multiprocessing``, and a forked child would share connections. Rows cross in the pipe alone; keys do not cross,
each reads the key folder itself. Whoever dies, the other notices the closed pipe: a worker process ends, and an import
breaks off and is taken up again at the last chunk that was committed.
"""

from __future__ import annotations

import gc
import os
import queue
import resource
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Protocol

from apps.contacts.person.sealed_rows import Fresh
from apps.imports.prepared_rows import Line, Prepared, Reader, Recipe, prepare

START_SECONDS = 60.0
END_SECONDS = 5.0


class WorkerProcessLost(Exception):
    """A worker process ended, or could not go on. Names the kind of error, never a row."""


class Preparer(Protocol):
    """Prepares chunks; ``ahead`` is how many are worth asking for before the first answer is taken."""

    ahead: int

    def ask(self, recipe: Recipe, lines: Sequence[Line], fresh: Fresh | None) -> Future[Prepared]:
        """Have a chunk prepared; see ``prepared_rows.prepare``."""

    def close(self) -> None:
        """End what was started for it."""


class InProcess:
    """Prepares chunks in this process, when they are asked for."""

    ahead = 0

    def __init__(self) -> None:
        self._read = _Readers()

    def ask(self, recipe: Recipe, lines: Sequence[Line], fresh: Fresh | None) -> Future[Prepared]:
        answer: Future[Prepared] = Future()
        answer.set_result(prepare(self._read.of(recipe), recipe, lines, fresh))
        return answer

    def close(self) -> None:
        return


class WorkerProcesses:
    """Prepares chunks in ``count`` processes. Raises ``WorkerProcessLost`` when one does not start."""

    def __init__(self, count: int, *, keys: str, home: str) -> None:
        """``keys`` is the key folder, ``home`` the folder that the product's packages lie in."""
        self.ahead = 2 * count
        self._idle: queue.SimpleQueue[_WorkerProcess] = queue.SimpleQueue()
        self._all: list[_WorkerProcess] = []
        # One thread each: it waits for its process's answer, so that a full pipe holds nobody up.
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="import-worker")
        try:
            self._all += [_WorkerProcess(keys, home) for _ in range(count)]
            for worker in self._all:
                worker.greet()
                self._idle.put(worker)
        except BaseException:
            self.close()
            raise

    @property
    def processes(self) -> list[int]:
        """Their process ids."""
        return [worker.process.pid for worker in self._all]

    def ask(self, recipe: Recipe, lines: Sequence[Line], fresh: Fresh | None) -> Future[Prepared]:
        return self._threads.submit(self._work, recipe, lines, fresh)

    def _work(self, recipe: Recipe, lines: Sequence[Line], fresh: Fresh | None) -> Prepared:
        worker = self._idle.get()
        try:
            return worker.prepare(recipe, lines, fresh)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        # Killed, not asked: they hold nothing that needs an orderly end, and may be in the middle of a chunk.
        for worker in self._all:
            worker.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._all:
            worker.close()


class _WorkerProcess:
    """One worker process and our end of its pipe."""

    def __init__(self, keys: str, home: str) -> None:
        self._pipe, theirs = Pipe()
        self._keys = keys
        self._recipe: Recipe | None = None
        command = [sys.executable, "-m", "apps.imports.worker_processes", str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(
                command,
                cwd=home,
                env=_environment(os.environ),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def greet(self) -> None:
        """Tell where the keys are and hear that it is ready."""
        try:
            self._pipe.send(self._keys)
            if not self._pipe.poll(START_SECONDS) or self._pipe.recv() != "ready":
                raise WorkerProcessLost("A worker process did not get ready.")
        except (EOFError, OSError):
            raise WorkerProcessLost("A worker process did not start.") from None

    def prepare(self, recipe: Recipe, lines: Sequence[Line], fresh: Fresh | None) -> Prepared:
        try:
            self._pipe.send((None if recipe is self._recipe else recipe, lines, fresh))
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise WorkerProcessLost("A worker process ended.") from None
        if not isinstance(answer, Prepared):
            raise WorkerProcessLost(f"A worker process met {answer}.")
        self._recipe = recipe
        return answer

    def close(self) -> None:
        self.process.wait(END_SECONDS)
        self._pipe.close()


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Keep what Python needs to start. A worker process reads no database and no Redis, so it gets no password."""
    kept = ("PATH", "HOME", "LANG", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR")
    wanted = ("PYTHON", "LC_", "OPENSSL_")
    return {name: value for name, value in ours.items() if name in kept or name.startswith(wanted)}


class _Readers:
    """The reader of the file at hand: it remembers cells, so it is kept from chunk to chunk."""

    def __init__(self) -> None:
        self._recipe: Recipe | None = None
        self._reader: Reader | None = None

    def of(self, recipe: Recipe) -> Reader:
        if self._reader is None or recipe is not self._recipe:
            self._recipe, self._reader = recipe, recipe.reader()
        return self._reader


def serve(pipe: Connection) -> None:
    """Run a worker process: chunks in, prepared chunks out, until the pipe closes."""
    from django.conf import settings

    # Only the vault asks for a setting; the product's own would take a second to load.
    settings.configure(CARELANE_KEYS=pipe.recv())
    from apps.vault import keys

    keys.ring()
    # Chunks are trees of small objects that reference counts free; looking through them for cycles, again and again,
    # takes a tenth of the time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    pipe.send("ready")
    read = _Readers()
    recipe: Recipe | None = None
    while True:
        other, lines, fresh = pipe.recv()
        try:
            if other is not None:
                recipe = other
            assert recipe is not None
            pipe.send(prepare(read.of(recipe), recipe, lines, fresh))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - its text may quote a row: only its type and place are told
            places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
            pipe.send(f"{type(error).__name__} in {', '.join(places)}")


def main() -> None:
    # It holds keys and people: should it crash, no picture of its memory is left on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Started as a module, this file is __main__; what crosses the pipe must be the classes of the package.
    from apps.imports import worker_processes

    try:
        worker_processes.serve(Connection(int(sys.argv[1])))
    except (EOFError, OSError):
        os._exit(0)  # the import ended, or died
    except BaseException as error:  # noqa: BLE001 - a traceback would quote values
        sys.stderr.write(f"A worker process of an import ended with {type(error).__name__}.\n")
        os._exit(1)


if __name__ == "__main__":
    main()
