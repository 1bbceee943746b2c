"""The fault campaign: what happens around a charge when something outside of it fails."""
