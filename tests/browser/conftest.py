"""Chromium, with eyes open: a test fails when a page breaks the security policy, logs an error, asks another host
for something, or misses a file. ``axe(page)`` looks for what keeps people with disabilities out.

    def test_contacts(enter, axe):
        page = enter("max")                # signed in, second factor done
        page.open("/contacts/")
        axe(page)

``fits(page, windows)`` looks in several windows, in both themes, at the page that is open.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PageError

from tests import sizes

# Playwright drives its own event loop in this thread; the ORM would refuse to be used beside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# Nobody waits longer than until it is there; on a machine with five other loads a page may take more than the five
# seconds after which Playwright gives up by itself.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

# The last such list counts, so the driver's own wishes are repeated: http stays http, no wait before the first paint.
# Each window would draw the suggestions of an address bar that nobody sees, which takes as long as a page of ours.
NO_FEATURES = [
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(NO_FEATURES)}",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Elements that pass are not described one by one: nobody reads them, and on long pages that is most of the time.
AXE = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"], "elementRef": False}
AXE_RUN = """([within, options]) => Promise.race([
  axe.run(within ?? document, options),
  new Promise((_, fail) => setTimeout(() => fail(new Error("axe did not come to an end")), 60000)),
])"""
# A theme sets colors and nothing else (see look.css): in the second theme of a width only what sees colors can differ.
COLORS = AXE | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whoever looks at a page in every window has looked in a sample of them, but in ``make proofs``."""
    if "fits" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.proof)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


# Two frames: whatever a script asked for at the start is asked; then animations that end have ended. A window that the
# browser takes for hidden draws no frames at all, and evaluating has no time limit of its own: the timers are for that.
SETTLED = """async () => {
  const soon = (wait, most) => Promise.race([wait, new Promise((done) => setTimeout(done, most))]);
  const frame = () => soon(new Promise((done) => requestAnimationFrame(done)), 1000);
  await frame();
  await frame();
  await soon(Promise.all(document.getAnimations()
    .filter((one) => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => {}))), 5000);
}"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """The machine's Chromium when there is one, otherwise the one Playwright installed.

    The shell has no windows of its own to draw: a scene takes a quarter less computing, and what it shows is the same.
    """
    usual = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
    chosen = [os.environ["CHROMIUM"]] if "CHROMIUM" in os.environ else usual
    there = [program for program in chosen if Path(program).exists()]
    more = {"executable_path": there[0]} if there else {}
    return {**browser_type_launch_args, "args": ARGUMENTS, **more}


class Visit:
    """A page of the browser that remembers what went wrong on it; every other attribute is Playwright's."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.problems: list[str] = []
        self.spent = False
        self.unanswered: set[Any] = set()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    @property
    def clock(self) -> Any:
        """The browser's clock. It stays set for the whole profile, which is why nobody gets that one after us."""
        self.spent = True
        return self.page.clock

    def open(self, path: str) -> None:
        """Go to a path of the product and wait until its scripts have run."""
        self.page.goto(self.origin + path)
        self.settle()

    def settle(self) -> None:
        """Wait until the page has what it asked for and nothing on it moves.

        The browser's own "networkidle" waits for half a second after the last answer, on hundreds of pages.
        """
        self._still()
        # A click does not wait for the page it leads to; until that one has begun, the old one is idle.
        latest = time.monotonic() + 10
        while self._leaving() and time.monotonic() < latest:
            self.page.wait_for_timeout(20)
        self.page.wait_for_load_state("load")
        if self.unanswered:
            self.page.wait_for_load_state("networkidle")
            self._still()

    def _still(self) -> None:
        # A page that is left in this moment can answer no more; whoever comes next is asked.
        with contextlib.suppress(PageError):
            self.page.evaluate(SETTLED)

    def _leaving(self) -> bool:
        return any(one.is_navigation_request() and one.frame == self.page.main_frame for one in self.unanswered)

    def until(self, arrived: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until what was done on the page has arrived (a row is written); fails when it does not in time.

        For a state that the page does not show: for what it shows, ``expect`` waits.
        """
        latest = time.monotonic() + seconds
        while not arrived():
            assert time.monotonic() < latest, f"it did not arrive within {seconds:g} seconds"
            self.settle()

    def pick(self, label: str, words: str) -> None:
        """Choose from a list by typing; before the scripts have run, a plain list stands in its place."""
        self.page.get_by_role("combobox", name=label).and_(self.page.locator("input")).fill(words)
        self.page.keyboard.press("Enter")

    def look(self, *, width: int, scheme: str) -> None:
        """Show the same page in another width and theme."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self.settle()

    def no_overflow(self) -> None:
        """Nothing sticks out to the right (WCAG 1.4.10, reflow)."""
        # Right after a click that leads elsewhere there is a moment without any document.
        self.page.wait_for_load_state("domcontentloaded")
        wide, shown = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= shown, f"the page is {wide} px wide in a window of {shown} px"

    def _console(self, message: Any) -> None:
        # The browser says itself what the security policy blocked.
        # Missing files are told by _response, with their address; expected 4xx answers of pages are none.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        url = request.url
        self.unanswered.add(request)
        if url.startswith(("data:", "blob:", "about:")):
            return
        if urlsplit(url).netloc != urlsplit(self.origin).netloc:
            self.problems.append(f"asked another host: {urlsplit(url).netloc}")

    def _answered(self, request: Any) -> None:
        self.unanswered.discard(request)

    def _response(self, response: Any) -> None:
        if response.status >= 500 or (
            response.status >= 400 and response.request.resource_type not in ("document", "fetch", "xhr")
        ):
            self.problems.append(f"{response.status} for {response.url}")


@pytest.fixture(scope="session")
def profiles(browser: Browser) -> list[BrowserContext]:
    """Browser profiles that scenes hand on: style sheets and scripts are fetched and compiled once, not by each scene.

    Whoever uses one leaves nothing behind but that: see ``visits``.
    """
    return []


@pytest.fixture
def visits(
    browser: Browser, live_server: Any, profiles: list[BrowserContext], pytestconfig: pytest.Config
) -> Iterator[Callable[..., Visit]]:
    """``visits(width=375, scheme="dark")`` is a fresh window; at the end of the test nothing may have gone wrong."""
    latency = pytestconfig.getoption("latency")
    opened: list[tuple[BrowserContext, Visit]] = []

    def visit(*, width: int = 1280, height: int = 900, scheme: str = "light", cookies: dict | None = None) -> Visit:
        # Every window of a scene is of somebody else: a profile (cookies) of its own.
        if len(opened) == len(profiles):
            profiles.append(browser.new_context())
            profiles[-1].set_default_timeout(PATIENCE)
        context = profiles[len(opened)]
        for name, value in (cookies or {}).items():
            context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
        page = context.new_page()
        if latency:
            # Who looks at a state before the answer has come finds out here, not on a busy machine.
            late = {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
            context.new_cdp_session(page).send("Network.emulateNetworkConditions", late)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        made = Visit(page, live_server.url)
        opened.append((context, made))
        return made

    yield visit
    problems = [problem for _, made in opened for problem in made.problems]
    for context, made in opened:
        if made.spent:
            profiles.remove(context)
            context.close()
            continue
        devtools = context.new_cdp_session(made.page)
        devtools.send("Storage.clearDataForOrigin", {"origin": made.origin, "storageTypes": "local_storage,indexeddb"})
        for page in context.pages:
            page.close()
        context.clear_cookies()
    assert not problems, "\n".join(problems)


@pytest.fixture
def page(visits: Callable[..., Visit]) -> Visit:
    """A window of nobody in particular: public pages, the portal, sign-in."""
    return visits()


@pytest.fixture
def enter(visits: Callable[..., Visit], signed_in: Callable[[str], Any]) -> Callable[..., Visit]:
    """``enter("max", width=375, scheme="dark")``: a window of a member of the cast, second factor done."""
    clients: dict[str, Any] = {}

    def come_in(name: str, **window: Any) -> Visit:
        client = clients.setdefault(name, signed_in(name)) if name not in clients else clients[name]
        return visits(
            cookies={settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}, **window
        )

    return come_in


@pytest.fixture
def axe() -> Callable[..., None]:
    """``axe(page)`` fails with the rule and the elements when the page breaks WCAG 2.2 A or AA."""

    def check(page: Visit | Page, *, within: str | None = None, options: dict[str, Any] = AXE) -> None:
        plain = page.page if isinstance(page, Visit) else page
        if not plain.evaluate("Boolean(window.axe)"):
            plain.evaluate(AXE_SCRIPT)
        found = plain.evaluate(AXE_RUN, [within, options])
        violations = [SimpleNamespace(**item) for item in found["violations"]]
        told = [
            f"{item.id} ({item.impact}): {item.help}\n    "
            + "\n    ".join(
                f"{node['target']} {node['html'][:160]} {node.get('failureSummary', '')}" for node in item.nodes[:5]
            )
            for item in violations
        ]
        assert not told, "\n".join(told)

    return check


@pytest.fixture
def fits(axe: Callable[..., None]) -> Callable[..., None]:
    """``fits(page, [(1280, "dark"), (320, "light")])``: the open page is accessible and no wider than each window.

    ``also`` looks at the page in each window too; it fails by an assertion. In ``make test`` axe looks in one of the
    windows, another for another address, and each width is measured in one theme; in ``make proofs`` all of them are
    looked at.
    """

    def check(page: Visit, windows: list[tuple[int, str]], also: Callable[[Visit], None] | None = None) -> None:
        wrong = []
        seen: set[int] = set()
        chosen = sorted(windows)
        if not sizes.FULL:
            # Ids and tokens differ from run to run: what is left of the address does not.
            shape = "/".join(part for part in urlsplit(page.url).path.split("/") if part.isalpha() and len(part) < 20)
            chosen = [chosen[zlib.crc32(shape.encode()) % len(chosen)]]
            # A theme sets colors and nothing else: it makes no page wider.
            looked = {width: (width, scheme) for width, scheme in sorted(windows)} | {chosen[0][0]: chosen[0]}
            windows = windows if also is not None else list(looked.values())
        for width, scheme in sorted(windows):
            page.look(width=width, scheme=scheme)
            try:
                page.no_overflow()
                if also is not None:
                    also(page)
                if (width, scheme) in chosen:
                    axe(page, options=COLORS if width in seen else AXE)
                    seen.add(width)
            except AssertionError as error:
                wrong.append(f"{urlsplit(page.url).path} ({width} px, {scheme}): {error}")
        assert not wrong, "\n\n".join(wrong)

    return check
