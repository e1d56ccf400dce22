"""A client that takes next to no time of its own: what is measured is the API, and not who asks it."""

import http.client
import time
from urllib.parse import urlsplit

import orjson


class NotAnswered(Exception):
    """The API answered otherwise than with 200; the message is one line."""


class Asker:
    """One kept connection to the API, on which one request follows the other."""

    def __init__(self, url: str, key: str) -> None:
        """Ask the API at this URL with this key."""
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port)
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> bytes:
        """Return the answer's body; NotAnswered for any status but 200."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise NotAnswered(f"GET {path}: {answer.status}")
        return body

    def time(self, path: str) -> float:
        """Return the milliseconds until the whole answer is there."""
        started = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - started) * 1000

    def read_cursor(self, path: str) -> str:
        """Return the cursor of the page that follows."""
        return str(orjson.loads(self.get(path))["next_cursor"])

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
