"""The rules of IEC 61851: pure, no I/O."""
