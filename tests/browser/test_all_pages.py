"""Every page in a real browser: nothing from elsewhere, no complaint, no sideways scrolling, readable colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

PATHS = [
    "/",
    "/needs",
    "/review",
    "/listings",
    "/listings?text=zzzz",
    "/listings/1",
    "/listings/6",
    "/listings/7",
    "/sellers",
    "/sellers/all",
    "/sellers/1",
    "/pages/6",
    "/runs",
    "/runs/1",
    "/runs/2",
    "/schedules",
    "/reports",
    "/sites",
    "/sites/oldport",
    "/password",
]

# Text against the nearest painted background, by the formula of WCAG 2.2 (relative luminance, contrast ratio).
FAINT = """() => {
  const parse = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith('color(srgb') ? [...found.slice(0, 3).map((x) => x * 255), found[3] ?? 1] : [...found.slice(0, 3), found[3] ?? 1];
  };
  const light = ([r, g, b]) => [r, g, b].map((x) => x / 255).map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0.99) return colour;
    }
    return [255, 255, 255, 1];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('meter, script, option')) continue;
    const a = light(parse(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${node.tagName}.${node.className} ${walker.currentNode.data.trim().slice(0, 30)}`);
  }
  return [...new Set(faint)];
}"""

UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href], iframe')]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.labels?.length || node.textContent.trim() || node.getAttribute('aria-label') || node.title))
  .map((node) => node.outerHTML.slice(0, 100))"""


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True)])
def test_every_page_is_clean(visit: Callable[..., Any], width: int, dark: bool) -> None:
    visitor = visit(width=width, dark=dark)
    visitor.sign_in("analyst")
    page = visitor.page
    found: dict[str, Any] = {}
    for path in PATHS:
        visitor.go(path)
        found[path] = {
            "sideways": page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)"),
            "faint": page.evaluate(FAINT),
            "unnamed": page.evaluate(UNNAMED),
            "headings": page.locator("h1").count() if path != "/review" else 1,
        }
    assert found == {path: {"sideways": 0, "faint": [], "unnamed": [], "headings": 1} for path in PATHS}
    assert visitor.complaints == []


def test_the_check_for_faint_text_finds_it(visit: Callable[..., Any]) -> None:
    visitor = visit()
    visitor.go("/signin")
    visitor.page.evaluate("document.querySelector('h1').style.color = '#aaa'")
    assert [line.split()[1] for line in visitor.page.evaluate(FAINT)] == ["H1."]


def test_a_report_runs_nothing(visit: Callable[..., Any]) -> None:
    visitor = visit()
    visitor.sign_in("reader")
    visitor.go("/reports/1")
    frame = visitor.page.frame_locator("iframe.report")
    assert frame.locator("h1").inner_text() == "Trend report"
    assert any("sandboxed" in complaint for complaint in visitor.complaints)
    visitor.go("/reports/1/report.html")
    assert visitor.page.title() == "Trend"


def test_the_policy_stops_what_a_page_might_be_tricked_into(visit: Callable[..., Any]) -> None:
    visitor = visit()
    visitor.sign_in("reader")
    ran = visitor.page.evaluate(
        """() => new Promise((done) => {
          const blocked = new Set();
          document.addEventListener('securitypolicyviolation', (event) => {
            blocked.add(event.effectiveDirective);
            if (blocked.size === 3) done([[...blocked].sort(), window.ran ?? null]);
          });
          const script = document.createElement('script');
          script.textContent = 'window.ran = 1';
          const image = new Image();
          image.src = 'http://127.0.0.1:1/x.png';
          const style = document.createElement('style');
          document.body.append(script, image, style);
          style.textContent = 'body { display: none }';
        })"""
    )
    assert ran == [["img-src", "script-src-elem", "style-src-elem"], None]
    # The attempt is told to us as a request, and it was refused before it left.
    assert visitor.elsewhere == ["http://127.0.0.1:1/x.png"]
    visitor.elsewhere.clear()


def test_the_keyboard_reaches_the_content_first(visit: Callable[..., Any]) -> None:
    visitor = visit()
    visitor.sign_in("reader")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.className") == "skip"
    assert visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_lists_are_usable_without_javascript(visit: Callable[..., Any]) -> None:
    visitor = visit(javascript=False)
    visitor.sign_in("analyst")
    page = visitor.page
    page.get_by_role("link", name="Listings", exact=True).click()
    page.get_by_label("Words").fill("bangle")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Old carved").click()
    assert "hand carved bangle" in page.locator(".text").inner_text()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("link", name="crawl 3").click()
    page.get_by_role("button", name="Pause").click()
    assert "Asked to pause" in page.locator(".toast").inner_text()
