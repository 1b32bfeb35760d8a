# SPDX-License-Identifier: Apache-2.0
"""OBS Studio, the real program, on a screen that nobody sees."""
import base64
import hashlib
import json
import os
import pathlib
import secrets
import socket

from clients import free_port
from isaribi_test import Failed, check, wait_for


class Obs:
    """OBS with a profile of its own: it plays a file in a loop, encodes it with x264 and streams when told to."""

    def __init__(self, bench, server, key, media):
        home = bench.new_dir("obs-home")
        home.chmod(0o700)
        # Its remote control listens on every address.
        self.port, self.password = free_port(), secrets.token_hex(16)
        write_profile(home / "obs-studio", {"server": server, "key": key}, media, {
            "ServerPort": self.port, "ServerPassword": self.password})
        self.screen = bench.start("Xvfb", ["Xvfb", "-displayfd", 1, "-screen", 0, "1280x720x24", "-nolisten", "tcp"])
        display = wait_for("a screen", self._display)
        self.process = bench.start("obs", ["obs", "--multi", "--disable-shutdown-check", "--disable-updater"], {
            "DISPLAY": f":{display}", "QT_QPA_PLATFORM": "xcb", "LIBGL_ALWAYS_SOFTWARE": "1", "HOME": home,
            "XDG_CONFIG_HOME": home, "XDG_RUNTIME_DIR": home,
            # It would fetch a list of services.
            "https_proxy": "http://127.0.0.1:1"})
        self.remote = wait_for("OBS", self._remote, 30)

    def _display(self):
        check(self.screen.is_running(), f"Xvfb ended: {self.screen.tail()}")
        return self.screen.out().strip()

    def _remote(self):
        check(self.process.is_running(), f"OBS ended: {self.process.tail()}")
        try:
            return Remote(self.port, self.password)
        except OSError:
            return None

    def start(self):
        """The button "start streaming". OBS refuses it while it still ends the last stream."""
        wait_for("OBS to start", lambda: self.remote.ask("StartStream")["requestStatus"]["result"])

    def stop(self):
        """The button "stop streaming"."""
        check(self.remote.ask("StopStream")["requestStatus"]["result"], "OBS was not streaming")
        wait_for("OBS to stop", lambda: not self.remote.ask("GetStreamStatus")["responseData"]["outputActive"])


class Remote:
    """The buttons of OBS: obs-websocket 5, one request at a time."""

    def __init__(self, port, password):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: aXNhcmliaSBhbmQgT0JTIQ==\r\n\r\n".encode())
        while self.file.readline().strip():
            pass
        asked = self._receive(0)["authentication"]
        self._send(1, {"rpcVersion": 1, "eventSubscriptions": 0, "authentication": digest(
            digest(password + asked["salt"]) + asked["challenge"])})
        self._receive(2)

    def ask(self, request):
        self._send(6, {"requestType": request, "requestId": "1"})
        return self._receive(7)

    def _send(self, op, data):
        body = json.dumps({"op": op, "d": data}, separators=(",", ":")).encode()
        mask = os.urandom(4)
        # RFC 6455 §5.2: the one-byte length up to 125; no request here is longer.
        self.socket.sendall(bytes([0x81, 0x80 | len(body)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(body)))

    def _receive(self, op):
        head = self.file.read(2)
        if len(head) < 2:
            raise Failed("OBS closed its remote control")
        size = head[1] & 0x7f
        if size == 126:
            size = int.from_bytes(self.file.read(2), "big")
        message = json.loads(self.file.read(size))
        check(message["op"] == op, f"OBS said {message}, not op {op}")
        return message["d"]


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def write_profile(directory, service, media, remote):
    """320x180, 25 frames and a key frame every 2 s. Without a source OBS asks before it streams."""
    profile = pathlib.Path(directory) / "basic/profiles/isaribi"
    scenes = pathlib.Path(directory) / "basic/scenes"
    profile.mkdir(parents=True)
    scenes.mkdir(parents=True)
    # FirstRun and LastVersion keep the wizard and the news away.
    write_ini(directory / "global.ini", {
        "General": {"FirstRun": "true", "LastVersion": 29 << 24, "InfoIncrement": 999, "EnableAutoUpdates": "false"},
        "Basic": {"Profile": "isaribi", "ProfileDir": "isaribi", "SceneCollection": "isaribi",
                  "SceneCollectionFile": "isaribi"},
        "BasicWindow": {"SysTrayEnabled": "false"}, "OBSWebSocket": {
            "FirstLoad": "false", "ServerEnabled": "true", "AuthRequired": "true", **remote}})
    write_ini(profile / "basic.ini", {
        "General": {"Name": "isaribi"}, "Output": {"Mode": "Simple"},
        "SimpleOutput": {"VBitrate": 400, "ABitrate": 96, "StreamEncoder": "x264", "Preset": "ultrafast",
                         "UseAdvanced": "true", "x264Settings": "keyint=50"},
        "Video": {"BaseCX": 320, "BaseCY": 180, "OutputCX": 320, "OutputCY": 180, "FPSType": 0, "FPSCommon": "25 PAL"},
        "Audio": {"SampleRate": 48000, "ChannelSetup": "Stereo"}})
    (profile / "service.json").write_text(json.dumps({"type": "rtmp_custom", "settings": service}))
    (scenes / "isaribi.json").write_text(json.dumps({
        "name": "isaribi", "current_scene": "Scene", "current_program_scene": "Scene",
        "scene_order": [{"name": "Scene"}],
        "sources": [
            {"id": "scene", "name": "Scene", "settings": {"id_counter": 1, "items": [
                {"id": 1, "name": "Media", "visible": True, "align": 5, "scale": {"x": 1.0, "y": 1.0}}]}},
            {"id": "ffmpeg_source", "name": "Media", "settings": {
                "local_file": str(media), "looping": True, "hw_decode": False}}]}))


def write_ini(path, sections):
    path.write_text("".join(f"[{name}]\n" + "".join(f"{k}={v}\n" for k, v in values.items())
                            for name, values in sections.items()))
