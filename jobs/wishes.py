"""What a person asks of a run, whatever its verb: pause, resume, slow, cancel.

Public names: ask, WISHES.
"""

from __future__ import annotations

from datetime import datetime

from jobs.engine import open_client
from jobs.errors import UsageError
from jobs.places import Places
from jobs.runs import WISHES, ask_run, find_run
from jobs.tasks import enqueue_task
from jobs.taskverbs import VERBS, find_verb
from storage.engine import open_engine
from storage.taskruns import wish_task

__all__ = ["ask", "WISHES"]


def ask(
    places: Places, run_id: int, wish: str, *, by: str, now: datetime, factor: float | None = None
) -> str:
    """Pause, resume, slow or cancel a run; the state that it has now. One at work follows within seconds.

    UsageError in words for what cannot be asked of this verb, or in this state. factor: see jobs.runs.ask_run.
    """
    if wish not in WISHES:
        raise UsageError(f'"{wish}" cannot be asked of a run. Known: {", ".join(WISHES)}.')
    engine = open_engine(places.database_url)
    try:
        run = find_run(engine, run_id)
        if run.verb == "crawl":
            return ask_run(places, run_id, wish, by=by, now=now, factor=factor)
        _check(run.verb, run_id, wish)
        state = wish_task(engine, run_id=run_id, wish=wish, by=by, now=now)
        if state is None:
            raise _refuse(run_id, find_run(engine, run_id).state, wish)
    finally:
        engine.dispose()
    if wish == "resume":
        with open_client(places) as client:
            enqueue_task(client, run_id, turn=f"-{int(now.timestamp() * 1000)}", priority=run.priority)
    return state


def _check(verb: str, run_id: int, wish: str) -> None:
    if wish == "cancel":
        return
    if wish == "slow":
        raise UsageError(f"Run {run_id} is no crawl: only a crawl can be slowed.")
    if not find_verb(verb).pausable:
        able = ", ".join(["crawl", *(name for name, known in VERBS.items() if known.pausable)])
        raise UsageError(
            f"{verb} is done in one go and cannot be paused (these can: {able}). Let it end, or cancel it with "
            f'"tuskwatch run cancel {run_id}" and ask for it again later.'
        )


def _refuse(run_id: int, state: str, wish: str) -> UsageError:
    if state == "paused":
        return UsageError(f'Run {run_id} is paused already. "tuskwatch run resume {run_id}" goes on with it.')
    if wish == "resume" and state in ("queued", "running", "waiting"):
        return UsageError(f"Run {run_id} is {state}, not paused: there is nothing to resume.")
    return UsageError(f'Run {run_id} has ended ({state}). "tuskwatch run retry {run_id}" does it again.')
