"""One archive of settings and scripts: made, and restored as a whole or not at all."""
