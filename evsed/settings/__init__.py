"""What the user chose: every default and range, and the only writer of the file."""
