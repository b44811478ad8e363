"""Metrics: the numbers of this installation as Prometheus reads them, when they were switched on.

Public names: routes.

Nobody signs in for them, so they are given to this machine only: not through a proxy, not under another name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from starlette.responses import Response
from starlette.routing import Route

from storage.engine import reading
from storage.metrics import count_all
from web.visit import Visit, not_found, route

KEPT_SECONDS = 5.0
"""Asked more often, the same numbers are given again."""
_THROUGH_A_PROXY = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class Numbers(Collector):
    """Counts in the database when it is asked."""

    def __init__(self, engine: Engine, visit: Visit) -> None:
        self._engine = engine
        self._now = visit.now

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with reading(self._engine) as session:
            for gauge in count_all(session, now=self._now):
                family = GaugeMetricFamily(f"tuskwatch_{gauge.name}", gauge.words, labels=gauge.labels)
                for values, number in sorted(gauge.values.items()):
                    family.add_metric(list(values), number)
                yield family


class _Kept:
    """The last answer."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at = float("-inf")
        self.of: Engine | None = None
        self.text = b""


_kept = _Kept()


def send_metrics(visit: Visit) -> Response:
    if not visit.web.metrics or any(name in visit.request.headers for name in _THROUGH_A_PROXY):
        raise not_found("page")
    with _kept.lock:
        if _kept.of is not visit.web.engine or time.monotonic() - _kept.at > KEPT_SECONDS:
            registry = CollectorRegistry()
            registry.register(Numbers(visit.web.engine, visit))
            for collector in (ProcessCollector, PlatformCollector, GCCollector):
                collector(registry=registry)
            _kept.text, _kept.of = generate_latest(registry), visit.web.engine
            _kept.at = time.monotonic()
        return Response(_kept.text, headers={"content-type": CONTENT_TYPE_LATEST})


routes: list[Route] = [route("/metrics", send_metrics, role=None)]
