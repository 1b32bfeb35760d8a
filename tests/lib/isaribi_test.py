# SPDX-License-Identifier: Apache-2.0
"""What every scenario stands on: a bench with a temporary directory, processes that never outlive it, a node.

A scenario file holds functions `case_*(bench)` and ends in `isaribi_test.main()`. Each case gets its own bench and its
own node. Names on the command line pick cases; ISARIBI_BIN names the directory of the programs,
ISARIBI_TOOLS that of tests/tools when it is another (a release build has no tests).
"""
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from http.client import HTTPException, IncompleteRead

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ISARIBI_BIN", ROOT / "build/asan/bin")).resolve()
TOOLS = pathlib.Path(os.environ.get("ISARIBI_TOOLS", BIN)).resolve()
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                   "Assertion `", "stack smashing", "malloc():", "double free")
FLAVOUR_FILE = "CMakeCache.txt"
os.environ.setdefault("TSAN_OPTIONS", f"suppressions={ROOT}/tests/tsan.supp")


class Failed(AssertionError):
    """A scenario saw something that must not be."""


class Away(Failed):
    """Nobody answers: refused, reset, or broken off in the middle. A server that is silent is not away."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait_for(what, seen, limit_s=15.0):
    """Returns the first true value of seen(); fails, naming what was waited for, after limit_s seconds."""
    end = time.monotonic() + limit_s
    while True:
        value = seen()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {limit_s:g} s for {what}")
        time.sleep(0.02)


def hold_for(what, seen, seconds):
    """seen() must stay true for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check(seen(), f"{what} did not last {seconds:g} s")
        time.sleep(0.05)


def new_key():
    """A publish key as a plan accepts it; nobody else has it, so it can be looked for in logs."""
    return "key" + secrets.token_hex(13)


def sanitizers():
    """What the programs under test carry, e.g. "thread"; "" in a plain build. Loads are smaller with one."""
    cache = BIN.parent / FLAVOUR_FILE
    match = cache.exists() and re.search(r"^ISARIBI_SANITIZE:STRING=(\S+)", cache.read_text(), re.M)
    return match[1] if match else ""


def is_sanitized():
    return sanitizers() != ""


def now_ms():
    return int(time.time() * 1000)


class Process:
    """A child with its output in files. Ended by its own id, never by name."""

    def __init__(self, bench, name, argv, env=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.argv = [str(a) for a in argv]
        number = len(bench.processes)
        self.out_path = bench.dir / f"{number}-{name}.out"
        self.err_path = bench.dir / f"{number}-{name}.err"
        self.started = time.monotonic()
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(self.argv, stdin=stdin, stdout=out, stderr=err,
                                          cwd=bench.dir, env={**os.environ, **(env or {})})
        self.pid = self.popen.pid
        bench.processes.append(self)

    def out(self):
        return self.out_path.read_text(errors="replace")

    def err(self):
        return self.err_path.read_text(errors="replace")

    def code(self):
        """Exit code, or None while it runs."""
        return self.popen.poll()

    def is_running(self):
        return self.code() is None

    def wait(self, limit_s=30.0):
        try:
            return self.popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end within {limit_s:g} s") from None

    def expect_success(self, limit_s=30.0):
        code = self.wait(limit_s)
        check(code == 0, f"{self.name} ended with {code}: {self.tail()}")

    def signal(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def kill(self):
        """As when the battery falls out."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self, limit_s=10.0):
        self.signal(signal.SIGINT)
        try:
            return self.popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.code()

    def tail(self, lines=12):
        return "\n".join((self.out() + self.err()).splitlines()[-lines:])


class Plan:
    """A plan under construction. Every key put in is a secret that must never be seen in a log."""

    def __init__(self):
        self.rev = 1
        self.keys = {}
        self.streams = {}
        self.pushes = []
        self.pulls = []
        self.clips = []
        self.channels = {}
        self.taken_down = []
        self.view_key = secrets.token_hex(24)

    def key(self, stream, text=None, **more):
        """Adds a key for the stream and returns its text. more: windows, id."""
        text = text or new_key()
        key_id = more.pop("id", f"k{len(self.keys) + 1}")
        self.keys[key_id] = {"id": key_id, "key": text, "stream": stream, **more}
        return text

    def stream(self, name, **more):
        self.streams[name] = {"id": name, **more}

    def channel(self, name, **more):
        """more: on_air, override, filler, profile, delay_ms, play."""
        self.channels[name] = {"id": name, **more}

    def push(self, stream, url, **more):
        """more: stream_id, passphrase, latency_ms."""
        self.pushes.append({"stream": stream, "url": url, **more})

    def pull(self, stream, url, **more):
        self.pulls.append({"stream": stream, "url": url, **more})

    def secrets(self):
        entries = [*self.keys.values(), *self.streams.values(), *self.pushes, *self.pulls]
        return [e[name] for e in entries for name in ("key", "srt_passphrase", "passphrase", "stream_id")
                if e.get(name)] + [self.view_key]

    def write(self, path):
        """In one step, as whoever writes a plan must."""
        text = json.dumps({"isaribi_plan": 1, "rev": self.rev, "keys": list(self.keys.values()),
                           "streams": list(self.streams.values()), "channels": list(self.channels.values()), "clips": self.clips,
                           "taken_down": self.taken_down,
                           "pushes": self.pushes, "pulls": self.pulls, "tokens": {"view_key": self.view_key}}, indent=1)
        new = pathlib.Path(f"{path}.new")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(path)
        self.rev += 1


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def text(self):
        return self.body.decode("utf-8")


def no_answer(what, error):
    """Away or Failed, to be raised in place of what went wrong with a request."""
    reason = getattr(error, "reason", error)
    kind = Away if isinstance(reason, (ConnectionError, IncompleteRead)) else Failed
    return kind(f"{what}: {error!r}")


def http(method, url, headers=None, limit_s=10.0, tls=None):
    """One request; an error status is an answer like any other. tls: the SSLContext of an https URL."""
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        try:
            answer = urllib.request.urlopen(request, timeout=limit_s, context=tls)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Response(answer.status, answer.headers, answer.read())
    except (OSError, HTTPException) as error:
        raise no_answer(f"{method} {url}", error) from None


def numbers_path(data_dir):
    """Where a node with this folder keeps the numbers of its streams; there only while it runs, or after a crash."""
    value = 14695981039346656037
    for byte in os.path.realpath(data_dir).encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return pathlib.Path(f"/dev/shm/isaribi-{os.geteuid()}-{value:016x}")


class Node:
    """isaribi-node with a plan of its own. stop() is part of every test: exit 0, no sanitizer's report, no secret."""

    def __init__(self, bench, plan, config=None, env=None):
        self.bench = bench
        self.plan = plan
        self.secrets = set(plan.secrets())
        self.dir = bench.new_dir("node")
        self.plan_path = self.dir / "plan.json"
        self.config_path = self.dir / "isaribi.conf"
        config = config or {}
        self.data_dir = config.get("node.data_dir", self.dir / "data")
        self.config_path.write_text(config_text(self.data_dir, config))
        plan.write(self.plan_path)
        self._env = env
        bench.nodes.append(self)
        self._launch()

    def _launch(self):
        self.process = Process(self.bench, "isaribi-node", [BIN / "isaribi-node", "--config", self.config_path, "--plan",
                                                            self.plan_path], self._env)
        ready = wait_for("the node's ready line", self._ready, 20)
        self.rtmp_port, self.http_port, self.srt_port = int(ready[1]), int(ready[2]), int(ready[3] or 0)

    def kill_and_start(self):
        """kill -9, and again with the same data. Ports stay when the configuration names them (fixed_ports())."""
        self.process.kill()
        self.check_clean()
        self._launch()

    def _ready(self):
        check(self.process.is_running(), f"the node ended at once: {self.process.tail()}")
        return re.search(r"^ready rtmp=(\d+) http=(\d+)(?: rtmps=\d+)?(?: srt=(\d+))?\n", self.process.out(), re.M)

    def publish_url(self, key):
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/{key}"

    def play_url(self, stream, token=None):
        return f"rtmp://127.0.0.1:{self.rtmp_port}/play/{stream}" + (f"?token={token}" if token else "")

    def hls_url(self, stream, token=None, file="index.m3u8"):
        return f"http://127.0.0.1:{self.http_port}/hls/" + (f"t/{token}/" if token else "") + f"{stream}/{file}"

    def url(self, path):
        return f"http://127.0.0.1:{self.http_port}{path}"

    def reload(self):
        """Writes the plan and tells the node. What the node made of it is for the caller to wait for."""
        self.secrets |= set(self.plan.secrets())
        self.plan.write(self.plan_path)
        self.process.signal(signal.SIGHUP)

    def view_token(self, stream, until_ms):
        answer = subprocess.run([BIN / "isaribi-node", "view-token", "--plan", self.plan_path, "--stream", stream,
                                 "--until", str(until_ms)], capture_output=True, text=True, timeout=20, check=False)
        check(answer.returncode == 0, f"view-token ended with {answer.returncode}: {answer.stderr}")
        token = answer.stdout.strip()
        check(re.fullmatch(r"[A-Za-z0-9._~-]{16,}", token), "a token is one word that fits in a path")
        self.secrets.add(token)
        return token

    def metrics(self):
        """{'name{labels}': value}, and the text is checked for form."""
        answer = http("GET", self.url("/metrics"))
        check(answer.status == 200, f"/metrics: {answer.status}")
        self._look_for_secrets("/metrics", answer.text())
        values = {}
        for line in answer.text().splitlines():
            if line.startswith("#") or not line:
                continue
            match = re.fullmatch(r"([a-zA-Z_:][\w:]*(?:\{[^{}]*\})?) ([-+0-9.eE]+|NaN|[+-]Inf)", line)
            check(match, f"/metrics: not a sample: {line}")
            check(match[1] not in values, f"/metrics: twice: {match[1]}")
            values[match[1]] = float(match[2])
        return values

    def log(self):
        return self.process.err()

    def closed(self, reason):
        """How many sessions have ended for this reason."""
        return self.metrics().get(f'isaribi_sessions_closed_total{{reason="{reason}"}}', 0)

    def is_live(self, stream, token=None):
        """True once the stream can be fetched as HLS."""
        answer = http("GET", self.hls_url(stream, token))
        return answer.status == 200

    def wait_live(self, stream, limit_s=20.0, token=None):
        wait_for(f"HLS of {stream}", lambda: self.is_live(stream, token), limit_s)

    def _look_for_secrets(self, where, text):
        for secret in self.secrets:
            check(secret.lower() not in text.lower(), f"a key or token stands in {where}")

    def check_clean(self):
        log = self.log()
        for mark in SANITIZER_MARKS:
            check(mark not in log, f"the node's stderr says: {mark}\n{log[log.find(mark):][:3000]}")
        self._look_for_secrets("the log", log)
        self._look_for_secrets("stdout", self.process.out())

    def stop(self, limit_s=20.0):
        """SIGTERM; checks what must hold at every end."""
        if not self.process.is_running():
            raise Failed(f"the node had ended by itself with {self.process.code()}: {self.process.tail(40)}")
        self.metrics()
        self.process.signal(signal.SIGTERM)
        code = self.process.wait(limit_s)
        self.check_clean()
        check(not pathlib.Path(self.data_dir).exists() or not numbers_path(self.data_dir).exists(),
              "a node that ended in good order leaves a file in memory")
        check(code == 0, f"the node ended with {code} at SIGTERM: {self.process.tail(40)}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fixed_ports(config=None):
    """For a node that is to come back where it was."""
    return {"rtmp.listen": f"127.0.0.1:{free_port()}", "http.listen": f"127.0.0.1:{free_port()}", **(config or {})}


def config_text(data_dir, config):
    """config: {'section.key': value} over what every test needs."""
    values = {"node.data_dir": data_dir, "rtmp.listen": "127.0.0.1:0", "srt.listen": "", "http.listen": "127.0.0.1:0"}
    values.update(config)
    sections = {}
    for name, value in values.items():
        section, key = name.split(".")
        sections.setdefault(section, []).append(f"{key} = {value}")
    pathlib.Path(data_dir).mkdir(parents=True, exist_ok=True)
    return "".join(f"[{s}]\n" + "\n".join(lines) + "\n" for s, lines in sections.items())


class Bench:
    """One case's place: everything it starts ends with it."""

    def __init__(self, name):
        self.name = name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"isaribi-{name}-"))
        self.processes = []
        self.nodes = []
        self.at_end = []  # called before the nodes are stopped
        self.at_close = []  # called last, however the case went: what the folder of the case cannot go without

    def new_dir(self, name):
        path = self.dir / f"{name}-{len(list(self.dir.iterdir()))}"
        path.mkdir()
        return path

    def start(self, name, argv, env=None, stdin=subprocess.DEVNULL):
        return Process(self, name, argv, env, stdin)

    def run(self, name, argv, limit_s=60.0, env=None):
        """Runs to the end, which must be a success; returns what it printed."""
        process = self.start(name, argv, env)
        process.expect_success(limit_s)
        return process.out()

    def node(self, plan, config=None, env=None):
        return Node(self, plan, config, env)

    def finish(self):
        """The checks at the end of a case that went well."""
        for step in reversed(self.at_end):
            step()
        for node in self.nodes:
            if node.process.is_running():
                node.stop()
            else:
                node.check_clean()

    def close(self, keep):
        for process in self.processes:
            if process.is_running():
                process.kill()
        for folder, _, _ in os.walk(self.dir):  # of nodes that were killed: any folder may have been one's
            numbers_path(folder).unlink(missing_ok=True)
        for step in reversed(self.at_close):
            step()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)


def run_case(name, case):
    bench = Bench(name)
    is_fine = False
    started = time.monotonic()
    try:
        case(bench)
        bench.finish()
        is_fine = True
    except Exception as error:  # noqa: a failed case must not stop the next one
        print(f"FAIL {name} ({time.monotonic() - started:.1f} s): {error}")
        if not isinstance(error, Failed):
            traceback.print_exc(file=sys.stdout)
        for line in traceback.format_tb(error.__traceback__)[-3:]:
            print("  " + line.strip().replace("\n", " | "))
        for node in bench.nodes:
            print("  -- the node's last lines:")
            print("\n".join("  | " + line for line in node.log().splitlines()[-40:]))
    else:
        print(f"ok   {name} ({time.monotonic() - started:.1f} s)")
    finally:
        bench.close(keep=not is_fine and "ISARIBI_KEEP" in os.environ)
        sys.stdout.flush()
    return is_fine


def main():
    """Runs the case_* functions of the calling script, all or those named on the command line."""
    module = sys.modules["__main__"]
    cases = {n[5:]: f for n, f in vars(module).items() if n.startswith("case_") and callable(f)}
    wanted = sys.argv[1:] or list(cases)
    unknown = [name for name in wanted if name not in cases]
    if unknown:
        sys.exit(f"no such case: {', '.join(unknown)}; there are: {', '.join(cases)}")
    if not (BIN / "isaribi-node").exists():
        sys.exit(f"{BIN}/isaribi-node is not built")
    results = [run_case(name, cases[name]) for name in wanted]
    sys.exit(0 if results and all(results) else 1)
