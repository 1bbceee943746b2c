"""A thread that says cheaply that it has ended; ``is_alive`` costs a lock each time."""

import threading
from collections.abc import Callable


class Worker(threading.Thread):
    """A daemon thread of a driver.

    Args:
        target: what it does.
        name: of the thread.
    """

    def __init__(self, target: Callable[[], None], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)
        #: whether it has ended, for whatever reason
        self.ended = False

    def run(self) -> None:
        """Do it."""
        try:
            super().run()
        finally:
            self.ended = True
