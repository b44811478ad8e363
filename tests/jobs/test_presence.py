"""A worker's mark lives as long as its process: killed processes leave a mark that counts for nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.places import Places, dump_places
from jobs.presence import announce, find_workers, is_gone, was_here, worker_alive

HOLD = """
import sys
from datetime import UTC, datetime
from jobs.places import load_places
from jobs.presence import announce
with announce(load_places(sys.stdin.readline()), name="held", now=datetime.now(UTC)) as presence:
    print(presence.info.name, flush=True)
    sys.stdin.read()
"""


def test_nobody_is_there_at_first(places: Places) -> None:
    assert find_workers(places) == []
    assert not worker_alive(places)


def test_a_worker_is_seen_while_it_is_there(places: Places, now: datetime) -> None:
    with announce(places, name="worker", now=now) as presence:
        later = now + timedelta(seconds=5)
        presence.beat(tor="ready on 127.0.0.1:9050", now=later)
        (seen,) = find_workers(places)
        assert (seen.name, seen.tor, seen.beat) == (
            presence.info.name,
            "ready on 127.0.0.1:9050",
            later.isoformat(),
        )
        assert not is_gone(places, seen.name, beat=None, now=now)
    assert find_workers(places) == []
    assert is_gone(places, presence.info.name, beat=now, now=now)


def test_two_workers_of_one_process_have_two_names(places: Places, now: datetime) -> None:
    with announce(places, name="worker", now=now) as one, announce(places, name="worker", now=now) as other:
        assert one.info.name != other.info.name
        assert len(find_workers(places)) == 2


def test_a_killed_worker_is_gone_at_once(places: Places, now: datetime) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        process.stdin.write(dump_places(places) + "\n")
        process.stdin.flush()
        name = process.stdout.readline().strip()
        assert [worker.name for worker in find_workers(places)] == [name]
        process.kill()
        process.wait()
    assert is_gone(places, name, beat=now, now=now)
    assert find_workers(places) == []
    assert [path.name for path in places.workers.iterdir()] == ["folder"]


def test_a_worker_that_hangs_is_gone_although_its_lock_is_held(places: Places, now: datetime) -> None:
    with announce(places, name="worker", now=now) as presence:
        name = presence.info.name
        assert not is_gone(places, name, beat=now, now=now, states={name: "ready"})
        assert is_gone(places, name, beat=now, now=now, states={name: "silent"})


def test_a_worker_with_another_data_folder_on_this_machine_is_not_judged_by_its_lock(
    places: Places, now: datetime, tmp_path: Path
) -> None:
    other = replace(places, data=tmp_path / "other")
    with announce(other, name="worker", now=now) as presence:
        name = presence.info.name
        assert not was_here(places, name)
        assert not is_gone(places, name, beat=now, now=now, states={name: "ready"})
        assert was_here(other, name)


@pytest.mark.parametrize(("silent", "gone"), [(30, False), (600, True)])
def test_a_worker_of_another_machine_is_judged_by_its_silence(
    places: Places, now: datetime, silent: int, gone: bool
) -> None:
    beat = now - timedelta(seconds=silent)
    assert is_gone(places, "elsewhere-worker-12-abcdef", beat=beat, now=now) is gone
