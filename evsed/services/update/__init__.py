"""Updates of the daemon itself: look up, fetch, verify, hand over to whoever may install."""
