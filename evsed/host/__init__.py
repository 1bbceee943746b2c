"""The Pi's operating system: network, clock, packages, serial ports, restart."""
