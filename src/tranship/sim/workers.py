"""Work in processes of their own: fresh interpreters (spawn), nothing shared but what is sent. A failure or Ctrl-C ends all of them."""

import pickle
import signal
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from tranship.core.errors import DamageError, InputError, TranshipError, UnavailableError
from tranship.engine.memory import calm_collector

Job = TypeVar("Job")
Done = TypeVar("Done")
Tell = Callable[[float], None]
_KINDS: tuple[type[TranshipError], ...] = (DamageError, UnavailableError)


class Work(Generic[Job, Done]):
    """A task, by a function that can be imported: `run(job, tell)` hears how far it is, from 0 to 1."""

    def __init__(self, run: Callable[[Job, Tell], Done]) -> None:
        self.run = run

    def all(self, jobs: Sequence[Job], progress: Tell | None = None, *, processes: int = 2) -> list[Done]:
        """Results in the order of the jobs, at most `processes` at a time; one process does it here, without another.

        An error that a job raises is raised here (InputError, DamageError and the like as they are).
        """
        reached = [0.0] * len(jobs)

        def tell(index: int, done: float) -> None:
            reached[index] = done
            if progress:
                progress(sum(reached) / len(jobs))

        if processes <= 1 or len(jobs) <= 1:
            results = []
            for index, job in enumerate(jobs):
                results.append(self.run(job, lambda done, index=index: tell(index, done)))  # type: ignore[misc]
                tell(index, 1.0)
            return results
        return self._apart(jobs, tell, processes)

    def _apart(self, jobs: Sequence[Job], tell: Callable[[int, float], None], processes: int) -> list[Done]:
        context = get_context("spawn")
        waiting, results = list(range(len(jobs))), dict[int, Done]()
        running: dict[Connection, int] = {}
        workers = []
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    index = waiting.pop(0)
                    ours, theirs = context.Pipe(duplex=False)
                    worker = context.Process(target=_life, args=(theirs, self.run, jobs[index]), daemon=True)
                    worker.start()
                    theirs.close()
                    workers.append(worker)
                    running[ours] = index
                for pipe in wait(list(running)):
                    assert isinstance(pipe, Connection)
                    kind, body = _heard(pipe)
                    if kind == "at":
                        tell(running[pipe], float(body))  # type: ignore[arg-type]
                        continue
                    index = running.pop(pipe)
                    pipe.close()
                    results[index] = body  # type: ignore[assignment]
                    tell(index, 1.0)
        finally:
            for worker in workers:
                if worker.is_alive() and len(results) < len(jobs):
                    worker.terminate()
                worker.join()
        return [results[index] for index in range(len(jobs))]


def _heard(pipe: Connection) -> tuple[str, object]:
    """What a worker says: how far it is, its result, or why it cannot (raised)."""
    try:
        kind, body = pipe.recv()
    except EOFError as error:
        raise TranshipError("a process ended without an answer (out of memory?)") from error
    if kind == "input":
        what, where, hint = body
        raise InputError(what, where=where, hint=hint)
    for one in _KINDS:
        if kind == one.__name__:
            raise one(str(body))
    if kind == "error":
        raise TranshipError(str(body))
    return kind, body


def _life(pipe: Connection, run: Callable[[Job, Tell], object], job: Job) -> None:
    """A worker's whole life. Ctrl-C is the parent's business: it ends its workers; a parent that is gone ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calm_collector()
    try:
        try:
            answer: tuple[str, object] = ("done", run(job, lambda done: pipe.send(("at", done))))
        except InputError as error:
            answer = ("input", (error.what, error.where, error.hint))
        except _KINDS as error:
            answer = (type(error).__name__, str(error))
        except TranshipError as error:
            answer = ("error", str(error))
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the parent must hear it and not a silence
            answer = ("error", f"a process failed: {type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}")
        pipe.send_bytes(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
    except BrokenPipeError:
        pass  # nobody is listening any more
    finally:
        pipe.close()
