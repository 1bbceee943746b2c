"""The board's serial ports: opens them and hands them to the session of their mode."""
