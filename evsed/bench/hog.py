"""``python -m evsed.bench.hog``: keeps one core busy until its starter has gone."""

import os

_ROUND = 200_000


def main() -> None:
    """Count, and look from time to time whether anybody still wants that."""
    starter = os.getppid()
    while os.getppid() == starter:
        for _ in range(_ROUND):
            pass


if __name__ == "__main__":
    main()
