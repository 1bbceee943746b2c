"""Lets the charger be found in the local network by name (multicast DNS and DNS-SD)."""
