"""Makes docs/safety.md: what is promised, checked by machine, and how long things take."""
