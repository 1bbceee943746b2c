"""The engine and the process it runs in; knows nothing of the charger but what it is told."""
