"""The charger as a charge point of OCPP 1.6 and 2.0.1.

The package evsed-ocpp keeps the library in a directory of evsed's own; the system's goes first.
"""

import sys
from pathlib import Path
from typing import Final

_PRIVATE: Final = Path("/usr/lib/evsed/vendor")

if _PRIVATE.is_dir() and str(_PRIVATE) not in sys.path:
    sys.path.append(str(_PRIVATE))
