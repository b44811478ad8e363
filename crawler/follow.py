"""Which links of a stored page become addresses to fetch, and what is said of those that do not.

Public names: Follower, Report, ALIKE.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from crawler.likeness import Likeness, Sketch, sketch_page
from crawler.links import FoundLinks, find_links, make_links, normalise_url, url_key
from crawler.lookalike import Lookalikes
from crawler.markup import parse_bounded
from crawler.pages import Job
from crawler.plan import INTEREST, Interest, priority_in, wanted_in
from crawler.shapes import SORT_NAMES, branch_of, prefix_of, shape_of, split_query
from crawler.traps import RULES, Traps
from storage.branches import close_branch, count_shapes, find_addresses, find_closed, find_known_keys
from storage.engine import reading
from storage.frontier import Link
from storage.mirrors import find_known_onions
from storage.plans import find_read_keys

ALIKE = "branch of near-identical pages"
_MAX_KNOWN = 200_000
_MAX_SHAPES = 2_000
"""A site that makes up words makes up shapes: from here on, new ones share one budget."""
_OTHER_SHAPES = "*"
_ADS = ("listing", "thread", "seller")
"""Kinds whose pages may differ by a word only and are worth having each."""


class Report(Protocol):
    """Raises an issue, each once a run (crawler.outcome.Settler.report)."""

    def __call__(self, kind: str, message: str, *, page_id: int | None, level: str = "warn") -> None: ...


@dataclass
class _LeftOut:
    count: int = 0
    example: str = ""
    page_id: int | None = None


class Follower:
    """Reads the links of one run's pages. It remembers which addresses the frontier has.

    plan: "full" or "known". denied: of a path, whether the deny list names it. hosts: the site's addresses, those that a
    person approved during the run too.
    """

    def __init__(
        self,
        job: Job,
        report: Report,
        *,
        plan: str = "full",
        denied: Callable[[str], object] | None = None,
        hosts: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self._job = job
        self._report = report
        self._plan = plan
        self._denied = denied
        self._hosts = hosts or (lambda: job.config.addresses)
        self._known: set[int] = set()
        self._raised: set[int] = set()
        self._interest = Interest(job.config)
        self._lists: set[int] = set()
        counts = count_shapes(job.engine, sweep_id=job.sweep_id)
        self._shapes = set(counts)
        self._sure = not counts
        """Does `_known` hold all that the frontier has? Not in a process that goes on with an earlier one's sweep."""
        self._traps = Traps(shape_budget=job.config.budgets.shape, now=job.now(), counts=counts)
        if counts:
            self._traps.rebuild(
                (page, normalise_url(urlsplit(url)))
                for page, url in find_addresses(job.engine, sweep_id=job.sweep_id)
            )
        self._likeness = Likeness(job.config.budgets.alike)
        self._closed = {
            self._branch_of(normalise_url(urlsplit(url)))
            for url in find_closed(job.engine, sweep_id=job.sweep_id, error=ALIKE)
        }
        self._left_out: dict[str, _LeftOut] = {}
        with reading(job.engine) as session:
            self._looks = Lookalikes([*job.config.addresses, *find_known_onions(session)])

    def read_links(
        self,
        body: bytes,
        *,
        url: str,
        depth: int,
        page_id: int,
        priority: int = 0,
        tree: LexborHTMLParser | None = None,
    ) -> tuple[list[Link], list[str]]:
        """The links to store, and all paths that need no second look once they are (give them to `remember`).

        depth, priority: of the page's own row. tree: the body, where the caller has parsed it already.
        """
        config = self._job.config
        tree = tree or parse_bounded(body)
        found = find_links(tree, url=url, hosts=self._hosts())
        for foreign in found.foreign:
            if warning := self._looks.warn(foreign.host):
                self._report("look-alike", warning, page_id=page_id, level="fail")
            self._report("foreign-link", f"a link leads to {foreign.kind}: {foreign.host}", page_id=page_id)
        if found.too_many:
            self._report("bound", "a page has too many links; the rest was left out", page_id=page_id)
        if found.too_long:
            self._report("bound", "addresses too long to be real were left out", page_id=page_id)
        page = normalise_url(urlsplit(url))
        branch = self._branch_of(page)
        self._traps.learn(found.paths)
        out = _leading_out(found.paths, page)
        if self._traps.session_names:
            out = {_without(path, self._traps.session_names) for path in out}
        sketch = sketch_page(tree, body, links=out)
        self._traps.note_list(page, hash(sketch.features))
        self._note_likeness(page, branch, sketch, page_id)
        on_interest = priority >= INTEREST or hash(page) in self._lists or self._interest.matches(page)
        chosen, seen = self._choose(found, page, depth + 1, page_id, on_interest=on_interest)
        links, left_out = make_links(
            FoundLinks(paths=list(chosen)),
            config,
            depth=depth + 1,
            host=urlsplit(url).hostname or "",
            denied=self._denied,
            priority=lambda path, kind: priority_in(
                config, path, kind, interest=chosen[path], on_interest=on_interest
            ),
            without=self._traps.session_names,
        )
        if self._job.errand.only:
            return [], []  # nothing is followed from a page tried by hand
        links = self._keep_to_budgets(links, page_id)
        if left_out["depth"]:
            self._report(
                "bound", f"links deeper than {config.bounds.depth} steps are left out", page_id=page_id
            )
            return links, []  # another page may come to them by a shorter way
        if left_out["denied"]:
            self._report("denied-link", "links that the deny list names are left out", page_id=page_id)
        return links, seen

    def remember(self, paths: Iterable[str]) -> None:
        """The frontier has these now."""
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
            self._raised.clear()
            self._sure = False
        self._known.update(map(hash, paths))

    def finish(self) -> None:
        """Say what was left out, each rule once: call it when the run ends, however it ends."""
        for rule, left in self._left_out.items():
            many = f"{left.count} addresses" if left.count > 1 else "1 address"
            self._report(
                f"left-out-{rule}",
                f"{many} {RULES[rule]} left out, such as {left.example}",
                page_id=left.page_id,
            )
        self._left_out.clear()

    # --- which links ---

    def _choose(
        self, found: FoundLinks, page: str, depth: int, page_id: int, *, on_interest: bool
    ) -> tuple[dict[str, bool], list[str]]:
        """({path: does it lead to a category of interest}, the paths dealt with)."""
        config = self._job.config
        chosen: dict[str, bool] = {}
        seen: list[str] = []
        for path in found.paths:
            number = hash(path)
            if number in self._known and not (on_interest and number not in self._raised):
                continue
            match = config.kind_of(path)
            if number in self._known and match.kind not in ("listing", "thread"):
                continue
            seen.append(path)
            if "?" in path:
                key = url_key(path, without=self._traps.session_names)
                if hash(key) in self._known and not on_interest:
                    continue
                seen.append(key)
            if self._closed and self._branch_of(path) in self._closed:
                self._leave("alike", path, page_id)
                continue
            rule = self._traps.judge(
                path,
                page=page,
                keyed=match.key is not None,
                plain_known=self._is_plain_known(path, found),
            )
            if rule:
                self._leave(rule, path, page_id)
                continue
            interest = self._is_interest(path, page, found, on_interest=on_interest)
            if not wanted_in(
                self._plan, config, path, page=page, depth=depth, interest=interest, on_interest=on_interest
            ):
                continue
            if interest:
                self._lists.add(number)
            elif on_interest:
                self._raised.add(number)
            chosen[path] = interest
        if self._plan == "known":
            self._drop_read(chosen, page)
        return chosen, seen

    def _is_interest(self, path: str, page: str, found: FoundLinks, *, on_interest: bool) -> bool:
        node = found.nodes.get(path) if self._interest.by_name else None
        text = node.text(deep=True, separator=" ")[:100] if node is not None else ""
        return self._interest.matches(path, text) or (on_interest and self._interest.continues(path, page))

    def _is_plain_known(self, path: str, found: FoundLinks) -> bool:
        base, pairs = split_query(path)
        rest = [f"{name}={value}" for name, value in pairs if name.lower() not in SORT_NAMES]
        if len(rest) == len(pairs):
            return False
        plain = f"{base}?{'&'.join(rest)}" if rest else base
        return plain in found.nodes or hash(plain) in self._known

    def _drop_read(self, chosen: dict[str, bool], page: str) -> None:
        """Plan "known": ads that were read before and are not among the known ones wait for the full sweep."""
        config = self._job.config
        here = config.kind_of(page)
        keys: dict[str, list[str]] = {}
        for path, interest in chosen.items():
            match = config.kind_of(path)
            if match.key is not None and not interest and (match.kind, match.key) != (here.kind, here.key):
                keys.setdefault(match.key, []).append(path)
        if not keys:
            return
        with reading(self._job.engine) as session:
            read = find_read_keys(session, site_id=self._job.site_id, keys=keys)
        for key in read:
            for path in keys[key]:
                del chosen[path]

    def _keep_to_budgets(self, links: list[Link], page_id: int) -> list[Link]:
        known: set[str] = set()
        if not self._sure and links:
            # Counted twice, an address would eat up its shape's budget at every restart.
            known = find_known_keys(
                self._job.engine,
                site_id=self._job.site_id,
                sweep_id=self._job.sweep_id,
                keys=[link.url_key for link in links],
            )
        kept: list[Link] = []
        for link in links:
            path = "/" + link.url.split("/", 3)[3]
            new = not {hash(path), hash(link.url_key)} & self._known and link.url_key not in known
            shape = self._budget_of(link.shape) if new else link.shape
            if new and not self._traps.spend(shape):
                self._leave("shape", path, page_id)
                continue
            kept.append(link if shape == link.shape else replace(link, shape=shape))
        return kept

    def _budget_of(self, shape: str) -> str:
        if shape in self._shapes:
            return shape
        if len(self._shapes) >= _MAX_SHAPES:
            return _OTHER_SHAPES
        self._shapes.add(shape)
        return shape

    def _leave(self, rule: str, path: str, page_id: int) -> None:
        left = self._left_out.setdefault(rule, _LeftOut(example=path[:150], page_id=page_id))
        left.count += 1

    # --- branches that go nowhere ---

    def _branch_of(self, path: str) -> str:
        """Of an ad that the site file can name: all addresses of that ad."""
        match = self._job.config.kind_of(path)
        return f"{match.kind} {match.key}" if match.key is not None else branch_of(path)

    def _note_likeness(self, page: str, branch: str, sketch: Sketch, page_id: int) -> None:
        config = self._job.config
        match = config.kind_of(page)
        if match.key is not None:
            strict = "same"  # compared with other addresses of the same ad only
        elif match.kind in _ADS:
            strict = "body"
        else:
            strict = "near" if match.kind == "other" and config.kinds else "same"
        if not self._likeness.note(branch, sketch, strict=strict):
            if match.kind in _ADS and self._likeness.note(f"* {match.kind}", sketch, strict="body"):
                self._report(
                    "same-page",
                    f"{config.budgets.alike} pages of kind {match.kind} in a row are the very same page: is it a gate?",
                    page_id=page_id,
                    level="fail",
                )
            return
        if strict == "body" and match.key is None:
            return  # more likely a site in trouble than a trap; said above
        self._closed.add(branch)
        refused = close_branch(
            self._job.engine,
            sweep_id=self._job.sweep_id,
            shape=shape_of(page),
            belongs=lambda url: self._branch_of(normalise_url(urlsplit(url))) == branch,
            error=ALIKE,
        )
        left = self._left_out.setdefault("alike", _LeftOut(example=page[:150], page_id=page_id))
        left.count += refused


def _leading_out(paths: Iterable[str], page: str) -> Iterable[str]:
    """The links that lead out of the page's own branch; those within change on every page of a trap."""
    prefix = prefix_of(page)
    if prefix == "/":
        return [path for path in paths if not path[1:2].isdigit() and path.partition("?")[0] != "/"]
    return [path for path in paths if not path.startswith(prefix)]


def _without(path: str, names: Collection[str]) -> str:
    base, pairs = split_query(path)
    return "&".join([base, *(f"{name}={value}" for name, value in pairs if name not in names)])
