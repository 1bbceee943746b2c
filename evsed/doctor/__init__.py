"""What keeps a charger from working on this computer, and how to mend it."""
