"""What the daemon says: the ring behind GET /log, the journal, the panic record."""
