"""A charger under full load for an hour: what grows, and how late it gets."""
