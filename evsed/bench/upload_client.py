"""``python -m evsed.bench.upload_client PORT``: uploads files over WebDAV without a pause.

Ends when standard input does, and prints how many were taken.
"""

import contextlib
import http.client
import itertools
import json
import select
import sys
import time
from typing import Final

_FILE: Final = b"-- a script of some size, which is uploaded again and again\n" * 1000
#: So many names take turns.
_FILES: Final = 4
_TAKEN: Final = (200, 201, 204)
_PATIENCE_S: Final = 60
#: After a connection that broke.
_REST_S: Final = 0.2


def upload_until_told(port: int) -> dict[str, int]:
    """Upload until standard input ends; return how many were taken, and how many were not."""
    taken = refused = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    with contextlib.closing(connection):
        for number in itertools.count():
            if select.select([sys.stdin], [], [], 0)[0]:
                break
            try:
                connection.request("PUT", f"/dav/usr/load{number % _FILES}.txt", _FILE)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                refused += 1
                connection.close()
                time.sleep(_REST_S)
                continue
            taken += answer.status in _TAKEN
            refused += answer.status not in _TAKEN
    return {"answers": taken, "notOk": refused}


def main() -> None:
    """Be the client."""
    print(json.dumps(upload_until_told(int(sys.argv[1]))))


if __name__ == "__main__":
    main()
