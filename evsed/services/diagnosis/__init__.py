"""What somebody needs to help from afar, as one file."""
