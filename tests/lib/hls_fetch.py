# SPDX-License-Identifier: Apache-2.0
"""How a strict follower fetches: over a connection that stays open, and parts before they are there."""
import http.client
import queue
import threading
import time
import urllib.parse

from isaribi_test import Failed, no_answer

HINT_WAIT_S = 8.0
EARLY_S = 0.3  # by so much a clock of ours may differ from one of the node's


class Connection:
    """Keeps one connection open, as players do. One thread."""

    def __init__(self, base):
        self.base = urllib.parse.urlsplit(base)
        self._connection = None

    def get(self, url, limit_s, headers=None):
        """(status, headers, body); isaribi_test.Away as http() there."""
        parts = urllib.parse.urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        for is_last_try in (False, True):
            is_new = self._connection is None
            if is_new:
                self._connection = http.client.HTTPConnection(self.base.hostname, self.base.port)
            try:
                self._connection.timeout = limit_s
                if self._connection.sock:
                    self._connection.sock.settimeout(limit_s)
                self._connection.request("GET", target, headers=headers or {})
                answer = self._connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # A connection that was idle may have been closed by the server: that is no fault, once.
                if is_last_try or is_new:
                    raise no_answer(f"GET {url}", error) from None

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None


class Hints(threading.Thread):
    """Asks for each hinted part as soon as it is hinted at, and again when the wait was too long for the server."""

    def __init__(self, judge, base):
        super().__init__(daemon=True)
        self._judge = judge
        self._connection = Connection(base)
        self._wanted = queue.Queue()
        self._asked = set()
        self._answers = {}  # url -> (status, body); status 0: there was no answer
        self._answered = threading.Condition()
        self._is_stopping = False
        self.start()

    def ask(self, url, target_s):
        if url not in self._asked:
            self._asked.add(url)
            self._wanted.put((url, target_s))

    def take(self, url):
        """The answer to what was asked for; None when it was not."""
        if url not in self._asked:
            return None
        with self._answered:
            self._answered.wait_for(lambda: url in self._answers, HINT_WAIT_S)
            return self._answers.pop(url, (0, b""))

    def run(self):
        while not self._is_stopping:
            url, target_s = self._wanted.get()
            answer = self._answer(url, target_s)
            with self._answered:
                self._answers[url] = answer
                self._answered.notify_all()
        self._connection.close()

    def _answer(self, url, target_s):
        status, body = 503, b""
        while status == 503 and not self._is_stopping:
            started = time.monotonic()
            try:
                status, _, body = self._connection.get(url, 3 * target_s + 5)
            except Failed:
                return 0, b""
            waited_s = time.monotonic() - started
            self._judge.check("blocking", status != 503 or waited_s > 3 * target_s - EARLY_S,
                              f"{url}: 503 after {waited_s:.2f} s")
        return status, body

    def stop(self):
        self._is_stopping = True
        self._wanted.put(("", 0))
