"""The hat: drivers for the Pi, and a simulated hat with a simulated car."""
