"""What once broke a parser, good examples, and a few thousand mutations of them."""

import os

import pytest

from .corpus import SEEDS, examples, mutated
from .targets import TARGETS, feed

COUNT = int(os.environ.get("EVSED_FUZZ", "0")) or 300
SEED = 20261130


def test_every_target_has_examples():
    assert {path.name for path in SEEDS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_example_and_no_mutation_of_one_breaks_a_parser(name):
    fed = 0
    for data in (*examples(name), *mutated(name, SEED, COUNT)):
        feed(name, data)
        fed += 1
    assert fed >= COUNT
