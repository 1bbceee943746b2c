"""Somebody else at a broker: hears everything from the moment he is asked, and speaks."""

import functools
import json
import threading
import time

from paho.mqtt import client as paho

PATIENCE_S = 60


class Ear:
    """A subscriber to ``#``. Use as a context."""

    def __init__(self, port, user=None, password=None):
        make = paho.Client
        versions = getattr(paho, "CallbackAPIVersion", None)
        if versions is not None:
            make = functools.partial(make, versions.VERSION2)
        self._client = make()
        if user:
            self._client.username_pw_set(user, password)
        self._port = port
        self._ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _client, _data, message: self._hear(message)
        #: every message in its order: topic, text, whether it was kept by the broker
        self.heard = []
        #: the newest of each topic; without those that were taken back
        self.latest = {}

    def __enter__(self):
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, message):
        text = message.payload.decode()
        self.heard.append((message.topic, text, bool(message.retain)))
        if text:
            self.latest[message.topic] = text
        else:
            self.latest.pop(message.topic, None)

    def say(self, topic, data, *, retain=False):
        self._client.publish(topic, data, 1, retain).wait_for_publish(PATIENCE_S)

    def until(self, condition):
        give_up = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < give_up, self.latest
            time.sleep(0.02)
        return found

    def wait(self, **topics):
        """Wait until topics, with ``__`` for a slash, are these texts; None: there is nothing."""
        wanted = {name.replace("__", "/"): text for name, text in topics.items()}
        self.until(lambda: all(self.latest.get(name) == text for name, text in wanted.items()))

    def objects(self, topic):
        """Return everything that was said at a topic, from JSON."""
        return [json.loads(text) for where, text, _ in list(self.heard) if where == topic]
