"""Run ``evsed`` with faults that clear themselves after two seconds instead of sixty,
and with a thermometer that is read twice a second instead of every ten seconds.
"""

import sys

from evsed import cli
from evsed.charging import faults
from evsed.hardware.pi.temperature import OnewireThermometer

faults.CLEAR_AFTER_MS = 2000
OnewireThermometer.__init__.__defaults__ = (0.5,)
sys.exit(cli.main())
