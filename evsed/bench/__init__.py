"""Measurements on the simulated charger. They report; they never judge."""
