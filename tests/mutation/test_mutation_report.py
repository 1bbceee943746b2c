"""What is said of mutants: the share, the sample, and reasons where there are any."""

from .reasons import REASONS, reason
from .report import Draw, Fate, page, share_killed
from .sample import sample

DIFFERENCE = """# evsed.charging.a.x_b__mutmut_1: survived
--- evsed/charging/a.py
+++ evsed/charging/a.py
@@ -1,2 +1,2 @@
 def b():
-    return   1
+    return 2
"""


def test_a_sample_is_the_same_for_the_same_seed_and_never_too_large():
    names = [f"n{number}" for number in range(100)]
    assert sample(names, 10, 1) == sample(reversed(names), 10, 1) != sample(names, 10, 2)
    assert len(set(sample(names, 10, 1))) == 10
    assert sample(names, 1000, 1) == sorted(names)


def test_reasons_are_found_by_the_changed_lines_alone(monkeypatch):
    assert reason(DIFFERENCE) == ""
    monkeypatch.setitem(REASONS, "-return 1\n+return 2", "both are the same here")
    assert reason(DIFFERENCE) == "both are the same here"


def test_the_page_has_every_survivor_and_marks_those_without_a_reason():
    fates = [Fate("n1", "tests/unit"), Fate("n2", "", DIFFERENCE), *[Fate("n", "traces")] * 8]
    assert share_killed(fates) == 0.9
    text = page(fates, Draw(3000, 20, 7), "today")
    assert "20 of 3000 mutants were drawn with seed 7, 10 of\nthem were tried" in text
    assert "9 of 10 were noticed, 90.0%; wanted are 95 %: too few to judge" in text
    text = page(fates * 10, Draw(3000, 100, 7), "today")
    assert "90 of 100 were noticed, 90.0%; wanted are 95 %: **missed**" in text
    assert "| traces | 80 |" in text
    assert "**n2**: **no reason has been written" in text
    assert "+    return 2" in text


def test_every_reason_says_something():
    assert all(len(words) > 20 for words in REASONS.values())
