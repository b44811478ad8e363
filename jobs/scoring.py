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
from jobs.errors import JobError
from jobs.places import Places
from jobs.pool import count_cores, count_room, end_pool, open_pool, said_at_start

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
        pools: list[tuple[int, ProcessPoolExecutor]] = []

        def score_all(chunks: Sequence[list[TextRow]]) -> Iterator[list[Scored]]:
            workers = min(most, sum(map(len, chunks)) // _WORTH)
            if workers > 1 and (not pools or workers >= 2 * pools[-1][0]):
                stack.close()  # a smaller one, begun when there was less to do
                begin = (_open_model, places.models, model.version, places.recall)
                pools[:] = [(workers, stack.enter_context(open_pool(workers, *begin)))]
            return share(pools[0][1], chunks) if pools else (score_texts(model, chunk) for chunk in chunks)

        def share(pool: ProcessPoolExecutor, chunks: Sequence[list[TextRow]]) -> Iterator[list[Scored]]:
            left = len(chunks)
            try:
                for job in as_completed([pool.submit(_score, chunk) for chunk in chunks]):
                    yield job.result()
                    left -= 1
            finally:
                if left > 1:  # somebody wishes an end: nobody will ask for what is scored now
                    end_pool(pool)
                    pools.clear()

        yield score_all


_model: list[Model] = []


def _open_model(folder: Path, version: str, recall: str) -> None:
    _model[:] = [load_model(folder, version=version, recall=recall)]


def _score(rows: list[TextRow]) -> list[Scored]:
    if not _model:
        raise JobError(said_at_start())
    return score_texts(_model[0], rows)
