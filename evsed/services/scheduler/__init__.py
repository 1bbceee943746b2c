"""Does by the hour what the owner would otherwise do by hand."""
