"""Parsers fed with rubbish: the same targets for a guided fuzzer and for the normal tests."""
