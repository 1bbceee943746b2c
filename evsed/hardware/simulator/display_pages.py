"""The pages of the display program that goes with the charger: what each of them subscribes to.

Source: nextion.md section 9.
"""

from collections.abc import Mapping
from typing import Final

MAIN: Final = "main"

STOCK_PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    MAIN: (
        *("state", "pendAuth", "limReach", "en", "maxChCur", "chCur", "chTime", "sesTime"),
        *("power", "consum", "totConsum"),
    ),
    "mains": ("vltL1", "vltL2", "vltL3", "curL1", "curL2", "curL3"),
    "limits": ("consumLim", "chTimeLim", "uPowerLim"),
    "info": ("devName", "uptime", "temp", "ip", "appVer", "heap", "maxHeap"),
    "errors": ("err",),
    "settings": (),
}
