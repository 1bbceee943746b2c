"""Stories on the simulator, in simulated time."""
