"""A headless Chromium, spoken to through a pipe: what a page logs, loads, measures and focuses.

The protocol is Chromium's own (https://chromedevtools.github.io/devtools-protocol): JSON messages, each
ended by NUL.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
    ),
    *("--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-pipe"),
)
PATIENCE = 60.0
# The browser reads from descriptor 3 and writes to 4; both are copied out of the way first.
AS_3_AND_4 = """
import fcntl, os, sys
copies = [fcntl.fcntl(int(name), fcntl.F_DUPFD, 50) for name in sys.argv[1:3]]
os.dup2(copies[0], 3)
os.dup2(copies[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One browser with one page; use it as a context.

    Attributes:
        complaints: Errors and warnings that pages logged, and exceptions that they raised.
        requests: Addresses that pages asked for.
    """

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._buffer, self._number, self._events = b"", 0, []  # type: ignore[var-annotated]

    def __enter__(self) -> Browser:
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={self._profile}", "about:blank"]
        wrapper = [sys.executable, "-c", AS_3_AND_4, str(to_read), str(to_write), *command]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(wrapper, pass_fds=(to_read, to_write), stdout=quiet, stderr=quiet)
        os.close(to_read)
        os.close(to_write)
        targets = self._ask("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._out)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, path: Path, width: int, dark: bool = False) -> None:
        """Load a file at a width in CSS pixels and wait until it is there."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        self._events.clear()
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self._wait_for("Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press and release a key such as ``Tab`` or ``Enter``."""
        codes = {"Tab": 9, "Enter": 13}
        details = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0)}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **details, **({"text": text} if text else {}))
        self.ask("Input.dispatchKeyEvent", type="keyUp", **details)

    def write(self, text: str) -> None:
        """Type into what has the focus."""
        self.ask("Input.insertText", text=text)

    def photograph(self, path: Path) -> None:
        """Keep the whole page as a png."""
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(found["data"]))

    def ask(self, method: str, **details: Any) -> dict[str, Any]:
        """Send a command about the page and return its result."""
        return self._ask(method, self._session, **details)

    def _ask(self, method: str, session: str = "", **details: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": details}
        os.write(
            self._out, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0"
        )
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def _wait_for(self, event: str) -> None:
        while event not in self._events:
            self._note(self._read())

    def _note(self, message: dict[str, Any]) -> None:
        name, details = message.get("method", ""), message.get("params", {})
        self._events.append(name)
        if name == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif name == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
            self.complaints.append(details["entry"]["text"])
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(details["exceptionDetails"]["text"])
        elif name == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning"):
            self.complaints.append(str(details["args"]))

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(self._in, 2**16) if ready else b""
            assert piece, "the browser does not answer"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
