"""The tables of the read store. Flat, indexed for the views, made from blocks alone.

Ids, hashes and keys are hex, enumerations are names, amounts minor units, heights block heights.
`height` of a row is the block that last changed it, `rule` what it rests on. A change of anything
here is a new `VERSION`: an older store is thrown away and made again from the node's blocks.
"""

from typing import Final

VERSION: Final = 1

SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

CREATE TABLE blocks (
  height INTEGER PRIMARY KEY, id TEXT NOT NULL, time_ms INTEGER NOT NULL,
  decided_ms INTEGER NOT NULL, round INTEGER NOT NULL, proposer TEXT NOT NULL,
  signers TEXT NOT NULL, validators INTEGER NOT NULL,
  transactions INTEGER NOT NULL, refused INTEGER NOT NULL, trades INTEGER NOT NULL,
  events INTEGER NOT NULL, business_date INTEGER, rulebook INTEGER NOT NULL, header TEXT NOT NULL
);
CREATE INDEX blocks_by_id ON blocks (id);
CREATE TABLE transactions (
  height INTEGER NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
  code TEXT NOT NULL, detail TEXT NOT NULL, signers TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE INDEX transactions_by_id ON transactions (id);

CREATE TABLE members (
  lei TEXT PRIMARY KEY, name TEXT NOT NULL, parent TEXT NOT NULL, roles TEXT NOT NULL,
  state TEXT NOT NULL, power INTEGER NOT NULL, contribution_committed INTEGER NOT NULL,
  trades_here INTEGER NOT NULL, height INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE assets (
  code TEXT PRIMARY KEY, exponent INTEGER NOT NULL, kind TEXT NOT NULL, height INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE trades (
  uti TEXT PRIMARY KEY, buyer TEXT NOT NULL, seller TEXT NOT NULL, buyer_member TEXT NOT NULL,
  seller_member TEXT NOT NULL, instrument TEXT NOT NULL, product TEXT NOT NULL,
  currency TEXT NOT NULL, quantity INTEGER NOT NULL, price INTEGER NOT NULL,
  price_scale INTEGER NOT NULL, notional INTEGER NOT NULL, trade_date INTEGER NOT NULL,
  maturity INTEGER NOT NULL, source TEXT NOT NULL, reference TEXT NOT NULL, state TEXT NOT NULL,
  registered INTEGER NOT NULL, height INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX trades_by_buyer ON trades (buyer_member, uti);
CREATE INDEX trades_by_seller ON trades (seller_member, uti);
CREATE INDEX trades_by_state ON trades (state);
CREATE INDEX trades_by_block ON trades (registered);
CREATE TABLE sets (
  first TEXT NOT NULL, second TEXT NOT NULL, asset TEXT NOT NULL, first_member TEXT NOT NULL,
  second_member TEXT NOT NULL, settled INTEGER NOT NULL, notional INTEGER NOT NULL,
  live INTEGER NOT NULL, held_first INTEGER NOT NULL, held_second INTEGER NOT NULL,
  height INTEGER NOT NULL, PRIMARY KEY (first, second, asset)
) WITHOUT ROWID;
CREATE INDEX sets_by_first ON sets (first_member);
CREATE INDEX sets_by_second ON sets (second_member);
CREATE TABLE balances (
  lei TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL, asset TEXT NOT NULL,
  balance INTEGER NOT NULL, locked INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (lei, kind, reference, asset)
) WITHOUT ROWID;

CREATE TABLE dates (
  date INTEGER PRIMARY KEY, height INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  rulebook INTEGER NOT NULL
);
CREATE TABLE marks (
  feed TEXT NOT NULL, date INTEGER NOT NULL, value INTEGER NOT NULL, oracles INTEGER NOT NULL,
  height INTEGER NOT NULL, PRIMARY KEY (feed, date)
) WITHOUT ROWID;
CREATE TABLE exposures (
  date INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL, asset TEXT NOT NULL,
  gross_first INTEGER NOT NULL, gross_second INTEGER NOT NULL, uncovered INTEGER NOT NULL,
  notional INTEGER NOT NULL, live INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (date, first, second, asset)
) WITHOUT ROWID;

CREATE TABLE calls (
  id TEXT NOT NULL, issued INTEGER NOT NULL, kind TEXT NOT NULL, payer TEXT NOT NULL,
  receiver TEXT NOT NULL, payer_member TEXT NOT NULL, receiver_member TEXT NOT NULL,
  asset TEXT NOT NULL, amount INTEGER NOT NULL, undisputed INTEGER NOT NULL,
  date INTEGER NOT NULL, due INTEGER NOT NULL, grace_until INTEGER NOT NULL, state TEXT NOT NULL,
  ended INTEGER NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (id, issued)
) WITHOUT ROWID;
CREATE INDEX calls_by_end ON calls (ended, issued);
CREATE INDEX calls_by_issue ON calls (issued, id);
CREATE INDEX calls_by_payer ON calls (payer_member, ended);
CREATE INDEX calls_by_receiver ON calls (receiver_member, ended);
CREATE TABLE disputes (
  first TEXT NOT NULL, second TEXT NOT NULL, asset TEXT NOT NULL, opened INTEGER NOT NULL,
  date INTEGER NOT NULL, value_first INTEGER NOT NULL, value_second INTEGER NOT NULL,
  moved INTEGER NOT NULL, contracts INTEGER NOT NULL, ended INTEGER NOT NULL,
  resolved_by TEXT NOT NULL, rule TEXT NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (first, second, asset, opened)
) WITHOUT ROWID;

CREATE TABLE rounds (
  number INTEGER PRIMARY KEY, service TEXT NOT NULL, date INTEGER NOT NULL, state TEXT NOT NULL,
  root TEXT NOT NULL, obligations INTEGER NOT NULL, freeze_height INTEGER NOT NULL,
  cleared_height INTEGER NOT NULL, settle_height INTEGER NOT NULL, failed TEXT NOT NULL,
  liquidity_events TEXT NOT NULL, rulebook INTEGER NOT NULL, height INTEGER NOT NULL
);
CREATE INDEX rounds_by_date ON rounds (date);
CREATE TABLE round_figures (
  number INTEGER NOT NULL, asset TEXT NOT NULL, gross INTEGER NOT NULL, set_off INTEGER NOT NULL,
  cleared INTEGER NOT NULL, objective INTEGER NOT NULL, remaining INTEGER NOT NULL,
  discharged INTEGER NOT NULL, cash_moved INTEGER NOT NULL, cycles INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (number, asset)
) WITHOUT ROWID;
CREATE TABLE round_pairs (
  number INTEGER NOT NULL, asset TEXT NOT NULL, debtor TEXT NOT NULL, creditor TEXT NOT NULL,
  owed INTEGER NOT NULL, set_off INTEGER NOT NULL, cycled INTEGER NOT NULL,
  price INTEGER NOT NULL, why TEXT NOT NULL, settled INTEGER NOT NULL, because_of TEXT NOT NULL,
  PRIMARY KEY (number, asset, debtor, creditor)
) WITHOUT ROWID;
CREATE TABLE cycles (
  number INTEGER NOT NULL, asset TEXT NOT NULL, place INTEGER NOT NULL, amount INTEGER NOT NULL,
  members TEXT NOT NULL, PRIMARY KEY (number, asset, place)
) WITHOUT ROWID;

CREATE TABLE fund_sizes (
  date INTEGER NOT NULL, service TEXT NOT NULL, requirement INTEGER NOT NULL,
  scenario TEXT NOT NULL, parents TEXT NOT NULL, fund INTEGER NOT NULL, rule TEXT NOT NULL,
  height INTEGER NOT NULL, PRIMARY KEY (date, service)
) WITHOUT ROWID;
CREATE TABLE stressed (
  date INTEGER NOT NULL, scenario TEXT NOT NULL, parent TEXT NOT NULL, loss INTEGER NOT NULL,
  height INTEGER NOT NULL, PRIMARY KEY (date, scenario, parent)
) WITHOUT ROWID;
CREATE TABLE contributions (
  service TEXT NOT NULL, lei TEXT NOT NULL, has INTEGER NOT NULL, required INTEGER NOT NULL,
  used INTEGER NOT NULL, height INTEGER NOT NULL, PRIMARY KEY (service, lei)
) WITHOUT ROWID;

CREATE TABLE cases (
  number INTEGER PRIMARY KEY, defaulter TEXT NOT NULL, cause TEXT NOT NULL, reason TEXT NOT NULL,
  state TEXT NOT NULL, opened INTEGER NOT NULL, declared INTEGER NOT NULL, until INTEGER NOT NULL,
  fixed INTEGER NOT NULL, loss INTEGER NOT NULL, recovered INTEGER NOT NULL,
  repaid INTEGER NOT NULL, ended INTEGER NOT NULL, applied TEXT NOT NULL, cure TEXT NOT NULL,
  rulebook INTEGER NOT NULL, height INTEGER NOT NULL
);
CREATE TABLE case_steps (
  number INTEGER NOT NULL, height INTEGER NOT NULL, place INTEGER NOT NULL, type TEXT NOT NULL,
  body TEXT NOT NULL, rule TEXT NOT NULL, time_ms INTEGER NOT NULL,
  PRIMARY KEY (number, height, place)
) WITHOUT ROWID;
"""
