"""A simulated hat with a simulated car: a circuit, not a script."""
