"""Markets of `netting.generate` as CSV files."""

from typing import Final

from netting.generate import SHAPES
from node.cli.output import UsageWrong

_TRIES: Final = 12


def market_csv(shape: str, members: int, obligations: int, seed: int) -> bytes:
    """Exactly so many obligations, of members M1 to Mn; raises `UsageWrong`."""
    if shape not in SHAPES:
        raise UsageWrong(f"no shape {shape[:80]!r}: {', '.join(SHAPES)}")
    if shape == "ring" and obligations < members:
        raise UsageWrong(f"a ring of {members} members has at least as many obligations")
    asked = obligations
    for _ in range(_TRIES):
        market = SHAPES[shape](members, asked, seed)
        missing = obligations - len(market.amount)
        if missing <= 0:
            break
        asked += 2 * missing + 8  # those who would owe themselves are left out
    else:
        raise UsageWrong(f"{shape} of {members} members does not have {obligations} obligations")
    columns = (market.debtor, market.creditor, market.amount)
    width = len(str(members))
    rows = zip(*(column[:obligations].tolist() for column in columns), strict=True)
    lines = [f"M{a + 1:0{width}},M{b + 1:0{width}},{amount}\n" for a, b, amount in rows]
    return ("debtor,creditor,amount\n" + "".join(lines)).encode()
