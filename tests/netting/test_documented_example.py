"""docs/NETTING.md works an example by hand; the engine says the same."""

from netting.graph import pay_ins
from netting.round import Due, freeze

OWED = [("A", "B", 50), ("B", "A", 20), ("B", "C", 40), ("C", "A", 25), ("C", "D", 30)]
OWED += [("D", "B", 10)]


def test_the_example_of_the_documentation() -> None:
    round_ = freeze([Due(f"{a}{b}", a, b, "EUR", amount) for a, b, amount in OWED])
    cleared = round_.clear(b"seed", round_.certify(b"seed"))
    result = cleared.results[0]
    assert (result.gross, result.set_off, result.cycled) == (175, 40, 105)
    left = (round_.legs.amount - cleared.cancelled).tolist()
    assert dict(zip([one.id for one in round_.obligations], left, strict=True)) == {
        "AB": 5,
        "BA": 0,
        "BC": 5,
        "CA": 0,
        "CD": 20,
        "DB": 0,
    }
    assert cleared.nets()[:, 0].tolist() == [-5, 0, -15, 20]
    assert pay_ins(cleared.nets()).sum() == 20
