"""What both sides of connections to brokers agree on. Apart, so that a daemon loads no client."""

from typing import Final

#: Pauses before the attempts after a lost connection, s; the last one for all further ones.
RETRY_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
CONNECT_S: Final = 10.0
MOST_FILTERS: Final = 32
