"""Exhaustive exploration of the charging rules: every state they can reach with small alphabets."""
