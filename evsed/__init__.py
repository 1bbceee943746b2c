"""evsed: an EV charging station controller for a Raspberry Pi with an EVSE hat."""

__version__ = "0.1.0"
