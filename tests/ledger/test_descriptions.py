"""What people write to list something becomes the body of a proposal, or is refused."""

import pytest

from ledger import objects as o
from ledger.genesis import BadGenesis
from node.compose import listed
from tests.ledger.world import World

ISSUER = World().issuer.lei
ASSET = f'[asset]\ncode = "EUR"\nissuer = "{ISSUER}"\n'
FEED = '[feed]\ncode = "EQ-B"\n'
INSTRUMENT = '[instrument]\ncode = "FWD-B"\nfeed = "EQ-B"\nmaturity = 20240104\nprice_scale = 100\n'


def test_each_kind_of_thing_is_listed_by_its_own_table() -> None:
    asset = listed(ASSET, "USD", "S")
    assert asset == o.ListAsset(o.AssetTerms("EUR", o.AssetKind.CASH, ISSUER, 2))  # type: ignore[arg-type]
    assert isinstance(listed(FEED, "USD", "S"), o.ListFeed)
    found = listed(INSTRUMENT, "USD", "S")
    assert isinstance(found, o.ListInstrument)
    row = found.instrument
    assert (row.currency, row.service, row.price_scale) == ("USD", "S", 100)


@pytest.mark.parametrize(
    "text", ["", ASSET + FEED, "[asset", "[dance]\n", ASSET + 'kind = "GOLD"\n']
)
def test_what_lists_nothing_or_two_things_is_refused(text: str) -> None:
    with pytest.raises(BadGenesis):
        listed(text, "USD", "S")
