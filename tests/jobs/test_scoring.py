"""Scoring is shared among processes: the same scores as alone, stopped within a chunk, and nothing outlives its starter."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from classifier.model import Model, load_model
from classifier.score import TextRow, score_texts
from jobs.errors import JobError
from jobs.places import Places
from jobs.pool import open_pool
from jobs.scoring import share_scoring

REPOSITORY = Path(__file__).resolve().parents[2]
ROWS = [
    TextRow(number, f"Lot {number}", text)
    for number, text in enumerate(
        (
            "Red lacquer box, no lid",
            "Blue wool socks, hand made",
            "Gift cards, half price",
        )
        * 110
    )
]


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(REPOSITORY / "models")


def test_two_processes_score_as_one_does(places: Places, model: Model) -> None:
    chunks = [ROWS[start : start + 7] for start in range(0, len(ROWS), 7)]
    with share_scoring(replace(places, models=REPOSITORY / "models"), model, cores=2) as score_all:
        few = list(score_all([ROWS[:5]]))
        assert multiprocessing.active_children() == []  # little work starts nobody
        many = list(score_all(chunks))
        assert len(multiprocessing.active_children()) == 2
    assert few == [score_texts(model, ROWS[:5])]
    assert sorted((row for chunk in many for row in chunk), key=lambda row: row.reading_id) == score_texts(
        model, ROWS
    )


def test_who_stops_early_waits_for_nobody(places: Places, model: Model) -> None:
    chunks = [ROWS[start : start + 7] for start in range(0, len(ROWS), 7)]
    with share_scoring(replace(places, models=REPOSITORY / "models"), model, cores=2) as score_all:
        shared = iter(score_all(chunks))
        assert len(next(shared)) == 7
        ends = [os.pidfd_open(child.pid) for child in multiprocessing.active_children() if child.pid]
        assert len(ends) == 2
        shared.close()
        for end in ends:  # not by join: the pool's own thread may have been there first
            assert select.select([end], [], [], 60)[0], "a process goes on scoring"
            os.close(end)
        assert len(list(score_all(chunks))) == len(chunks)  # and who goes on gets new ones


def test_a_model_that_a_process_cannot_open_is_named(places: Places, model: Model, tmp_path: Path) -> None:
    with (
        pytest.raises(JobError, match="There is no model"),
        share_scoring(replace(places, models=tmp_path), model, cores=2) as score_all,
    ):
        list(score_all([ROWS]))


def test_one_core_shares_with_nobody(places: Places, model: Model) -> None:
    with share_scoring(places, model, cores=1) as score_all:
        assert list(score_all([ROWS])) == [score_texts(model, ROWS)]


def test_a_process_that_is_killed_is_said_in_words() -> None:
    with pytest.raises(JobError, match="no memory left"), open_pool(1, int) as pool:
        pool.submit(os.kill, pool.submit(os.getpid).result(), signal.SIGKILL).result()


POLITE = """
import os, signal, sys, threading, time
from jobs.pool import open_pool
if __name__ == "__main__":
    os.setpgid(0, 0)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    with open_pool(2, int) as pool:
        pool.submit(os.getpid).result()
        print("ready", flush=True)
        told.wait(60)
        print(pool.submit(len, "four").result(), flush=True)
"""


def test_a_signal_to_the_group_is_for_the_starter_alone(tmp_path: Path) -> None:
    file = tmp_path / "polite.py"
    file.write_text(POLITE)
    with subprocess.Popen(
        [sys.executable, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"
        os.killpg(starter.pid, signal.SIGTERM)
        assert starter.stdout.readline() == "4\n"


STARTER = """
import os, time
from jobs.pool import open_pool
if __name__ == "__main__":
    with open_pool(2, int) as pool:
        print(*{pool.submit(time.sleep, 0.5) and pool.submit(os.getpid).result() for _ in range(4)}, flush=True)
        pool.submit(time.sleep, 600).result()
"""


def test_nobody_outlives_a_starter_that_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "starter.py"
    file.write_text(STARTER)
    starter = subprocess.Popen(
        [sys.executable, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert starter.stdout is not None
    waits = [os.pidfd_open(int(pid)) for pid in starter.stdout.readline().split()]
    starter.kill()
    starter.wait()
    starter.stdout.close()
    for wait in waits:
        assert select.select([wait], [], [], 60)[0], "a process of the pool is still there"
        os.close(wait)
