"""Tasks on a worker: a process of its own that ends well, dies, hangs, rambles, or is told to end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import jobs.tasks
from jobs.engine import open_client
from jobs.errors import BusyError, UsageError
from jobs.places import Places, dump_places
from jobs.retry import can_retry, retry_run
from jobs.runs import find_run_id, start_crawl
from jobs.tasks import recover_tasks, run_task, start_task
from jobs.wishes import ask
from storage.engine import open_engine, reading
from storage.runs import create_run, end_run, find_run, find_runs, start_run
from storage.tables import Run
from storage.taskruns import RESULT

HEAD = """
import json, os, signal, sys, threading, time
sys.path.insert(0, {root!r})
from jobs.places import load_places
places = load_places(sys.stdin.readline())
run_id, worker = int(sys.argv[2]), sys.argv[3]
from datetime import UTC, datetime
from storage.engine import open_engine
from storage.runs import find_run
from storage.taskruns import beat_task
engine = open_engine(places.database_url)
def beat(done=0):
    return beat_task(engine, run_id=run_id, worker=worker, pid=os.getpid(), done=done, total=9, now=datetime.now(UTC))
beat()
"""


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the process of a task do what is given instead of its verb."""

    def put(body: str) -> None:
        script = tmp_path / "act.py"
        script.write_text(HEAD.format(root=str(Path(__file__).parents[2])) + body)
        monkeypatch.setattr(jobs.tasks, "COMMAND", (sys.executable, str(script)))

    return put


@pytest.fixture
def do(places: Places, engine: Engine) -> Callable[..., Run]:
    def do(run_id: int, **more: Any) -> Run:
        more = {"stop": threading.Event(), "clock": utc_now, "worker": "w1"} | more
        state = run_task(places, engine, run_id, **more)
        with reading(engine) as session:
            run = find_run(session, run_id)
        assert run is not None
        assert run.state == state
        return run

    return do


def start(places: Places, verb: str = "extract", **more: Any) -> int:
    return start_task(places, verb, by="ana", reason="by hand", now=utc_now(), **more)


def wait_for(engine: Engine, run_id: int, *, pid: bool = True) -> Run:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with reading(engine) as session:
            run = find_run(session, run_id)
        if run is not None and run.state == "running" and (run.pid is not None or not pid):
            return run
        time.sleep(0.05)
    raise AssertionError("it did not begin")


def test_a_task_is_done_in_a_process_of_its_own(places: Places, do: Callable[..., Run]) -> None:
    run = do(start(places))
    assert (run.state, run.worker, run.pid) == ("done", "w1", None)
    assert run.message == "0 pages read, 0 listings in them: 0 new, 0 changed."
    assert run.settings[RESULT]["pages"] == 0
    assert sorted(path.name for path in places.runs.iterdir()) == [f"{run.id}.log"]
    assert '"event": "done"' in (places.runs / f"{run.id}.log").read_text()


def test_a_task_that_fails_says_why_in_words(places: Places, engine: Engine, do: Callable[..., Run]) -> None:
    run = do(make(engine, "report", "queued"))
    assert (run.state, run.message) == (
        "failed", "A report needs its first day and the day after its last one, or a period.",
    )  # fmt: skip


def test_a_process_that_is_killed_is_lost_and_begun_anew(
    places: Places, engine: Engine, do: Callable[..., Run], act: Callable[[str], None]
) -> None:
    act("os.kill(os.getpid(), signal.SIGKILL)")
    run = do(start(places))
    assert (run.state, run.message.split(".")[0]) == ("lost", "Its process was killed (SIGKILL)")
    with open_client(places) as client:
        (fresh,) = recover_tasks(places, engine, client, now=utc_now())
        assert recover_tasks(places, engine, client, now=utc_now()) == []
        rows = client.list_workflows(workflow_id_prefix=f"run-{fresh}")
        assert [find_run_id(row.workflow_id) for row in rows] == [fresh]
    with reading(engine) as session:
        new = find_run(session, fresh)
        assert new is not None
        assert (new.retry_of, new.state, new.reason) == (run.id, "queued", f"takes over run {run.id}")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "sys.stderr.buffer.write(b'\\xff\\x00\\x1b[31mnoise\\n' * 9000); sys.exit(3)",
            "ended with code 3 and said: ",
        ),
        ("sys.exit(9)", "said: nothing"),
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
    ],
)
def test_a_process_that_ends_without_an_end_failed(
    places: Places, do: Callable[..., Run], act: Callable[[str], None], body: str, says: str
) -> None:
    act(body)
    run = do(start(places))
    assert run.state == "failed"
    assert says in run.message
    assert run.message.isprintable()
    assert len(run.message) < 700


def test_a_process_that_hangs_is_ended(
    places: Places, do: Callable[..., Run], act: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    act(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(os.getpid(), signal.SIGSTOP); time.sleep(600)"
    )
    monkeypatch.setattr(jobs.tasks, "stop_group", partial(jobs.tasks.stop_group, grace=0.2))
    run = do(start(places), silence=1.0)
    assert (run.state, run.message) == (
        "lost", "Its process gave no sign of life for 1 seconds and was ended.",
    )  # fmt: skip


def test_a_cancelled_task_that_does_not_listen_is_ended(
    places: Places,
    engine: Engine,
    do: Callable[..., Run],
    act: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs.tasks, "CANCEL_SECONDS", 0.2)
    act("while True: beat(); time.sleep(0.2)")
    run_id = start(places)
    doing = threading.Thread(target=do, args=(run_id,))
    doing.start()
    wait_for(engine, run_id)
    assert ask(places, run_id, "cancel", by="bo", now=utc_now()) == "running"
    doing.join(60)
    with reading(engine) as session:
        run = find_run(session, run_id)
    assert run is not None
    assert run.state == "cancelled"


def test_a_task_that_was_taken_away_is_left_alone(
    places: Places, engine: Engine, do: Callable[..., Run], act: Callable[[str], None]
) -> None:
    act("while beat() != 'taken': time.sleep(0.1)\n")
    run_id = start(places)
    doing = threading.Thread(target=run_task, args=(places, engine, run_id), kwargs={
        "stop": threading.Event(), "clock": utc_now, "worker": "w1"})  # fmt: skip
    doing.start()
    wait_for(engine, run_id)
    end_run(engine, run_id=run_id, state="lost", message="Its worker died.", now=utc_now())
    doing.join(60)
    with reading(engine) as session:
        run = find_run(session, run_id)
    assert run is not None
    assert (run.state, run.message) == ("lost", "Its worker died.")


def test_a_worker_that_ends_leaves_the_task_to_the_next_one(
    places: Places, engine: Engine, do: Callable[..., Run], act: Callable[[str], None]
) -> None:
    act("while True: beat(); time.sleep(0.1)")
    stop = threading.Event()
    run_id = start(places)
    threading.Thread(target=lambda: (wait_for(engine, run_id), stop.set())).start()
    run = do(run_id, stop=stop)
    assert run.state == "lost"
    with open_client(places) as client:
        assert len(recover_tasks(places, engine, client, now=utc_now())) == 1


def test_a_process_whose_worker_dies_ends(places: Places, engine: Engine, tmp_path: Path) -> None:
    """The worker is killed, as by the kernel: its task's process sees its standard input end."""
    root = str(Path(__file__).parents[2])
    script = tmp_path / "act.py"
    script.write_text(
        HEAD.format(root=root)
        + "from jobs import taskrun\n"
        + "taskrun.ORPHAN_SECONDS = 0.2\n"
        + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + "threading.Thread(target=taskrun._watch_parent, daemon=True).start()\n"
        + "while True: time.sleep(0.1)\n"
    )
    run_id = start(places)
    code = (
        "import sys, threading; from datetime import UTC, datetime\n"
        "import jobs.tasks; from jobs.places import load_places; from storage.engine import open_engine\n"
        "places = load_places(sys.stdin.readline())\n"
        f"jobs.tasks.COMMAND = (sys.executable, {str(script)!r})\n"
        f"jobs.tasks.run_task(places, open_engine(places.database_url), {run_id}, stop=threading.Event(), "
        "clock=lambda: datetime.now(UTC), worker='w1')\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, cwd=root, start_new_session=True
    )
    assert worker.stdin is not None
    worker.stdin.write(dump_places(places).encode() + b"\n")
    worker.stdin.close()
    pid = wait_for(engine, run_id).pid
    assert pid is not None
    worker.kill()
    worker.wait()
    end = time.monotonic() + 60
    while time.monotonic() < end and _lives(pid):
        time.sleep(0.1)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_a_run_of_a_newer_version_waits_for_a_worker_that_knows_it(
    places: Places, engine: Engine, do: Callable[..., Run]
) -> None:
    run_id = create_run(
        engine, verb="moonwalk", site_id=None, by="ana", reason="", settings={}, now=utc_now()
    )
    assert do(run_id).state == "queued"
    assert run_task(places, engine, 999, stop=threading.Event(), clock=utc_now) == "gone"


def test_only_one_of_two_does_a_run(
    places: Places, do: Callable[..., Run], act: Callable[[str], None]
) -> None:
    act("from storage.taskruns import end_task\n"
        "end_task(engine, run_id=run_id, worker=worker, state='done', message=worker, now=datetime.now(UTC))")  # fmt: skip
    run_id = start(places)
    assert do(run_id).message == "w1"
    assert do(run_id, worker="w2").message == "w1"


def test_the_same_is_not_queued_twice(places: Places) -> None:
    run_id = start(places)
    with pytest.raises(BusyError, match=rf"Run {run_id} stands in the queue"):
        start(places)
    start(places, site="oldport")
    start(places, "report", settings={"period": "month"})
    start(places, "report", settings={"period": "week"})


@pytest.mark.parametrize(
    ("verb", "more", "says"),
    [
        ("moonwalk", {}, "knows no verb"),
        ("crawl", {}, "knows no verb"),
        ("report", {}, "needs its first day"),
        ("report", {"settings": {"period": "decade"}}, "week, month, quarter"),
        ("report", {"settings": {"start": "2026-11-01", "end": "2026-10-01"}}, "period is empty"),
        ("report", {"settings": {"start": "1900-01-01", "end": "2026-10-01"}}, "ten years"),
        ("report", {"settings": {"start": "\x00", "end": "2026-10-01"}}, "needs its first day"),
        ("backup", {"site": "oldport"}, "not of one site"),
        ("extract", {"site": "nowhere"}, "no site"),
        ("extract", {"priority": 99}, "priority"),
    ],
)
def test_what_makes_no_sense_is_refused_and_no_run_made(
    places: Places, engine: Engine, verb: str, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        start(places, verb, **more)
    with reading(engine) as session:
        assert find_runs(session) == []


def test_a_queued_task_that_is_on_no_queue_is_put_there(
    places: Places, engine: Engine, do: Callable[..., Run]
) -> None:
    run_id = create_run(
        engine, verb="extract", site_id=None, by="ana", reason="", settings={}, now=utc_now(), priority=3
    )
    odd = create_run(engine, verb="moonwalk", site_id=None, by="ana", reason="", settings={}, now=utc_now())
    with open_client(places) as client:
        for _ in range(2):
            recover_tasks(places, engine, client, now=utc_now())
        rows = client.list_workflows(workflow_id_prefix="run-")
    assert {find_run_id(row.workflow_id) for row in rows} == {run_id}
    with reading(engine) as session:
        left = find_run(session, odd)
        assert left is not None
        assert left.state == "queued"


# --- wishes and retry ---


def make(engine: Engine, verb: str, state: str, **more: Any) -> int:
    given = {"site_id": None, "by": "ana", "reason": "by hand", "settings": {}, "now": utc_now()} | more
    run_id = create_run(engine, verb=verb, **given)
    if state != "queued":
        start_run(engine, run_id=run_id, worker="w1", pid=1, now=utc_now())
    if state not in ("queued", "running"):
        end_run(engine, run_id=run_id, state=state, message=state, now=utc_now())
    return run_id


@pytest.mark.parametrize(
    ("verb", "state", "wish", "says"),
    [
        ("report", "running", "pause", "done in one go and cannot be paused"),
        ("extract", "running", "slow", "only a crawl can be slowed"),
        ("extract", "running", "resume", "not paused: there is nothing to resume"),
        ("extract", "done", "cancel", "has ended .done.. .tuskwatch run retry"),
        ("extract", "paused", "pause", "is paused already"),
        ("moonwalk", "running", "pause", "knows no verb"),
        ("extract", "running", "dance", "cannot be asked of a run"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(
    places: Places, engine: Engine, verb: str, state: str, wish: str, says: str
) -> None:
    run_id = make(engine, verb, state)
    with pytest.raises(UsageError, match=says):
        ask(places, run_id, wish, by="bo", now=utc_now())


def test_a_paused_task_is_resumed_and_goes_on(places: Places, engine: Engine, do: Callable[..., Run]) -> None:
    run_id = make(engine, "extract", "paused")
    assert ask(places, run_id, "resume", by="bo", now=utc_now()) == "queued"
    assert do(run_id).state == "done"


def test_a_retry_is_linked_and_a_retry_of_a_retry_too(places: Places, engine: Engine) -> None:
    settings = {"period": "month", "start": "2026-10-01", "end": "2026-11-01", RESULT: {"report": 1}}
    first = make(engine, "report", "failed", settings=settings, priority=2)
    second = retry_run(places, first, by="bo", now=utc_now())
    with pytest.raises(BusyError, match=rf"Run {second} does that already; it is queued"):
        retry_run(places, first, by="bo", now=utc_now())
    with pytest.raises(UsageError, match="is not over: it is queued"):
        retry_run(places, second, by="bo", now=utc_now())
    end_run(engine, run_id=second, state="cancelled", message="", now=utc_now())
    third = retry_run(places, second, by="cy", now=utc_now())
    with reading(engine) as session:
        run = find_run(session, third)
        assert run is not None
        assert (run.retry_of, run.by, run.reason, run.priority) == (second, "cy", f"retry of run {second}", 2)
        assert run.settings == {"period": "month", "start": "2026-10-01", "end": "2026-11-01"}


def test_an_unfinished_crawl_goes_on_in_its_retry(places: Places, engine: Engine) -> None:
    first = start_crawl(
        places, "oldport", by="ana", reason="by hand", now=utc_now(), plan="known", account_key="k1",
        settings={"pages": 40, "slow": 3.0, "bound_from": 9, "again": ""},
    )  # fmt: skip
    start_run(engine, run_id=first, worker="w1", pid=1, now=utc_now())
    end_run(engine, run_id=first, state="failed", message="", now=utc_now())
    second = retry_run(places, first, by="bo", now=utc_now())
    with reading(engine) as session:
        run = find_run(session, second)
        assert run is not None
        assert (run.retry_of, run.plan, run.sweep_id) == (first, "known", first)
        assert run.settings == {"pages": 40, "slow": 3.0, "account": "k1"}


@pytest.mark.parametrize(
    ("verb", "state", "more", "says"),
    [
        ("extract", "running", {}, "is not over: it is running"),
        ("extract", "paused", {}, "tuskwatch run resume"),
        ("moonwalk", "failed", {}, "does not know"),
        ("crawl", "failed", {}, "has no site"),
        ("crawl", "failed", {"settings": {"aside": True}}, "was a trial"),
    ],
)
def test_what_cannot_be_done_again_is_refused(
    places: Places, engine: Engine, verb: str, state: str, more: dict[str, Any], says: str
) -> None:
    run_id = make(engine, verb, state, **more)
    with pytest.raises(UsageError, match=says):
        retry_run(places, run_id, by="bo", now=utc_now())
    with reading(engine) as session:
        run = find_run(session, run_id)
        assert run is not None
        assert not can_retry(run)
