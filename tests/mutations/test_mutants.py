"""The mutants themselves: small, valid, and not of what only a person reads."""

from __future__ import annotations

from tests.databases import ROOT
from tests.mutations.__main__ import sample
from tests.mutations.mutants import mutants_of
from tests.mutations.plugin import changed_functions

SOURCE = '''
from __future__ import annotations

LIMIT = 5


class Rule:
    """It is read by nobody."""

    def allows(self, number: int, *, default: bool = True) -> bool:
        """Return whether the number is allowed."""
        if number < self.most and not self.closed:
            self.count += 1
            return True
        raise TooMany(_("%(most)d at most") % {"most": LIMIT + 1})
'''


def test_each_is_one_change_of_code_that_runs() -> None:
    mutants = mutants_of("rule.py", SOURCE)
    assert [mutant.change for mutant in mutants] == [
        "number < self.most and not self.closed -> number < self.most or not self.closed",
        "number < self.most -> number <= self.most",
        "not self.closed -> self.closed",
        "self.count += 1 -> pass",
        "1 -> 2",
        "return True -> return None",
        "True -> False",
        'raise TooMany(_("%(most)d at most") % {"most": LIMIT + 1}) -> pass',
        "LIMIT + 1 -> LIMIT - 1",
        "1 -> 2",
    ]
    for mutant in mutants:
        compile(mutant.source, mutant.path, "exec")
        assert mutant.source.count("\n") == SOURCE.count("\n")
        ((before, after),) = changed_functions(SOURCE, mutant.source, mutant.path)
        assert before.co_qualname == after.co_qualname == "Rule.allows"


def test_the_same_seed_draws_the_same() -> None:
    first, again, other = (sample(ROOT, 20, seed, ["rules/*"]) for seed in (1, 1, 2))
    assert first == again != other
    assert all(mutant.path.startswith("bookings/rules/") for mutant in first)
