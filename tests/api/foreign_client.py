"""Run by tests.api.generated_client, with the generated client and nothing of this project.

Arguments: URL, token, LEI. Every step is asserted; it prints what it did.
"""

import sys

from dcn_node_client import AuthenticatedClient
from dcn_node_client.api.default import (
    v1_accounts_lei_account,
    v1_blotter_blotter,
    v1_events_events,
    v1_status_status,
    v1_tables_name_rows,
    v1_trades_trades,
    v1_trades_uti_trade,
)
from dcn_node_client.models import BookTrades, ErrorAnswer, TradeEntry

url, token, lei = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)

status = v1_status_status.sync(client=client)
print(f"status: {status.chain_id}, height {status.height}, business date {status.business_date}")

account = v1_accounts_lei_account.sync(lei, client=client)
balances = {line.asset: line.balance for line in account.balances if line.kind == "OWN"}
assert account.member.lei == lei
print(f"account: {account.member.name}, {balances}")

utis, after = [], ""
while after is not None:
    page = v1_trades_trades.sync(client=client, after=after, limit=2)
    utis += [line.uti for line in page.items]
    after = page.next_
assert utis == sorted(set(utis))
print(f"trades: {len(utis)} in pages of two")
found = v1_trades_uti_trade.sync(utis[0], client=client)
assert found.trade.uti == utis[0]

events = v1_events_events.sync(client=client, limit=500)
print(f"events: {len(events.items)}, the last a {events.items[-1].type_}")

rows = v1_tables_name_rows.sync("balance", client=client)
print(f"table balance: {len(rows.items)} rows")

entry = TradeEntry(
    uti=f"{lei}GENERATED1", buyer=lei, seller="DCNMEMBER00000000204", instrument="FWD-AA",
    quantity="5", price="100", trade_date="20080912", source="OTC", reference="",
)  # fmt: skip
entered = v1_blotter_blotter.sync(client=client, body=BookTrades([entry]), idempotency_key="once")
again = v1_blotter_blotter.sync(client=client, body=BookTrades([entry]), idempotency_key="once")
assert entered.entered == again.entered == 1
print("blotter: one trade entered, asked twice with one key")

refused = v1_trades_uti_trade.sync("none", client=client)
assert isinstance(refused, ErrorAnswer)
print(f"an error is typed too: {refused.code}: {refused.detail}")
