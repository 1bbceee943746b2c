"""Drivers for a hat on a Raspberry Pi."""
