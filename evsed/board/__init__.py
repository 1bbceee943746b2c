"""Reads board.yaml: what this board can do."""
