"""The control thread that joins rules and hardware: snapshot out, commands in."""
