"""Scores stored listings on all cores.

Public names: share_scoring.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path

from classifier.model import Model, load_model
from classifier.score import ScoreAll, Scored, TextRow, score_texts
from jobs.places import Places
from jobs.pool import count_cores, count_room, open_pool

_WORTH = 150
"""Listings for which one more process is worth the seconds that it takes to load the model."""

_NEED = 500 << 20
"""Bytes of memory of one process: the model, and the small language model (measured: 420 MB)."""


@contextmanager
def share_scoring(places: Places, model: Model, *, cores: int | None = None) -> Iterator[ScoreAll]:
    """How to score chunks of rows with the model on as many of the cores (None: all) as pays.

    The processes are started when there is first enough to do: a crawl goes on while its first listings are scored.
    """
    most = min(count_cores() if cores is None else cores, count_room(_NEED))
    with ExitStack() as stack:
        pools: list[ProcessPoolExecutor] = []

        def score_all(chunks: Sequence[list[TextRow]]) -> Iterator[list[Scored]]:
            workers = min(most, sum(map(len, chunks)) // _WORTH)
            if not pools and workers > 1:
                begin = (_open_model, places.models, model.version, places.recall)
                pools.append(stack.enter_context(open_pool(workers, *begin)))
            return _share(pools[0], chunks) if pools else (score_texts(model, chunk) for chunk in chunks)

        yield score_all


def _share(pool: ProcessPoolExecutor, chunks: Sequence[list[TextRow]]) -> Iterator[list[Scored]]:
    jobs = [pool.submit(_score, chunk) for chunk in chunks]
    try:
        for job in as_completed(jobs):
            yield job.result()
    finally:
        for job in jobs:
            job.cancel()


_model: list[Model] = []


def _open_model(folder: Path, version: str, recall: str) -> None:
    _model[:] = [load_model(folder, version=version, recall=recall)]


def _score(rows: list[TextRow]) -> list[Scored]:
    return score_texts(_model[0], rows)
