"""``python -m evsed`` is the command ``evsed``."""

import sys

from evsed.cli import main

if __name__ == "__main__":
    sys.exit(main())
