# SPDX-License-Identifier: Apache-2.0
"""A broadcast beside the trouble: a publisher, an RTMP player at every moment, an HLS follower; none may notice."""
import threading

import clients
import hls
from isaribi_test import check, wait_for

WATCH_S = 12  # each player's time; the next one begins before it is over
OVERLAP_S = 2


class Bystanders:
    """stop() fails when anybody saw a gap. Nothing else may start processes of the bench in between."""

    def __init__(self, bench, node, key, stream):
        self.bench, self.node, self.stream = bench, node, stream
        flv = clients.make_flv(bench, "bystander", 150, size="160x90", gop=25, kbit=100)
        self.publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
        node.wait_live(stream)
        self.follower = hls.follow(bench, node, stream)
        self.seen = []
        self.players = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        wait_for("the first player", lambda: node.metrics()["isaribi_rtmp_players"] >= 1)

    def _watch(self):
        while not self.is_over.is_set():
            self.players.append(clients.load_players(self.bench, self.node.play_url(self.stream), seconds=WATCH_S))
            self.is_over.wait(WATCH_S - OVERLAP_S)

    def check_fine(self):
        check(self.publisher.is_running(), f"the publisher was disturbed: {self.publisher.tail()}")
        self.follower.check_fine()

    def stop(self):
        """Returns the largest gap in ms that any player saw."""
        self.is_over.set()
        self.thread.join()
        self.check_fine()
        largest = 0
        for player in self.players:
            seen = clients.load_result(player)
            check(seen["open"] == 1 == seen["playing"], f"a player was disturbed: {seen}")
            check(seen["stalls"] == 0 and seen["backwards"] == 0 and seen["broken"] == 0, f"a gap: {seen}")
            largest = max(largest, seen["max_gap_ms"]["max"])
        return largest
