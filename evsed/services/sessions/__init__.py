"""History of charging sessions: watches snapshots, writes a database, reads it for interfaces."""
