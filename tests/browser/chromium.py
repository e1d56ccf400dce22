"""A real browser without a window, driven through the DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.waiting import eventually

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    f"--user-agent={PERSON}",
)
KEYS = {
    "Tab": {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
    "Enter": {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
    "Space": {"key": " ", "code": "Space", "windowsVirtualKeyCode": 32, "text": " "},
}
FOCUSED = """
    (() => {
        const element = document.activeElement;
        return (element.closest("label") ?? element).textContent.trim();
    })()
"""
MEASURE = "(element => (element.scrollIntoView(), element.getBoundingClientRect().toJSON()))"
SECONDS = 20


class Browser:
    """The socket to a browser: commands are answered by their number, events wake who waits for them."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._waiting: dict[tuple[str, str], list[asyncio.Future[dict[str, Any]]]] = defaultdict(list)

    async def listen(self) -> None:
        """Hand out what the browser says, until it leaves."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
                continue
            for waiting in self._waiting.pop((said.get("sessionId", ""), said["method"]), ()):
                waiting.set_result(said["params"])

    async def send(self, method: str, *, session: str = "", **params: Any) -> dict[str, Any]:
        """Give a command; return its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": params}
        await self._socket.send_json(command | ({"sessionId": session} if session else {}))
        async with asyncio.timeout(SECONDS):
            said = await answer
        assert "error" not in said, said["error"]
        result: dict[str, Any] = said["result"]
        return result

    def expect(self, method: str, session: str) -> asyncio.Future[dict[str, Any]]:
        """Return a future of the next event of this name."""
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[session, method].append(waiting)
        return waiting

    @asynccontextmanager
    async def tab(self, *, scripts: bool = True) -> AsyncIterator["Tab"]:
        """Open a tab that shares nothing with others; without `scripts` no page can run any."""
        context = (await self.send("Target.createBrowserContext"))["browserContextId"]
        target = await self.send("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self, attached["sessionId"])
        await tab.send("Page.enable")
        await tab.send("Emulation.setFocusEmulationEnabled", enabled=True)
        await tab.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        yield tab
        await self.send("Target.disposeBrowserContext", browserContextId=context)


class Tab:
    """One page and a person before it: keys, a mouse, eyes."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give the tab a command."""
        return await self._browser.send(method, session=self._session, **params)

    @asynccontextmanager
    async def loading(self) -> AsyncIterator[None]:
        """Wait, after what is done inside, until a page has loaded with all it needs."""
        loaded = self._browser.expect("Page.loadEventFired", self._session)
        yield
        async with asyncio.timeout(SECONDS):
            await loaded

    async def open(self, url: str) -> None:
        """Go to a URL."""
        async with self.loading():
            await self.send("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression: the test's own, which pages cannot forbid."""
        answer = await self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def read(self, selector: str) -> str:
        """Return the text of the first element that the selector finds."""
        text = await self.evaluate(f"document.querySelector({selector!r})?.innerText ?? ''")
        return " ".join(str(text).split())

    async def press(self, key: str) -> None:
        """Press and release a key."""
        await self.send("Input.dispatchKeyEvent", type="keyDown", **KEYS[key])
        await self.send("Input.dispatchKeyEvent", type="keyUp", **KEYS[key])

    async def reach(self, words: str) -> None:
        """Press Tab until the focus is on what these words name."""
        seen = []
        for _ in range(10):
            await self.press("Tab")
            seen.append(await self.evaluate(FOCUSED))
            if seen[-1] == words:
                return
        raise AssertionError(f"{words!r} cannot be reached; passed {seen}")

    async def click(self, selector: str) -> None:
        """Click in the middle of an element, as a mouse does."""
        box = await self.evaluate(f"{MEASURE}(document.querySelector({selector!r}))")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)


@asynccontextmanager
async def start_browser(profile: Path) -> AsyncIterator[Browser]:
    """Start the browser with an empty profile, and end it with all its processes."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        url = await _find_socket(profile)
        async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
            browser = Browser(socket)
            listening = asyncio.create_task(browser.listen())
            yield browser
            await browser.send("Browser.close")
            await listening
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _find_socket(profile: Path) -> str:
    written = profile / "DevToolsActivePort"

    async def read() -> list[str]:
        return written.read_text().split() if written.exists() else []

    port, path = await eventually(read, lambda words: len(words) == 2)
    return f"ws://127.0.0.1:{port}{path}"
