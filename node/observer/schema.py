"""The tables of the read store. Flat, indexed for the views, made from blocks alone.

Ids, hashes and keys are hex, enumerations are names, amounts minor units, heights block heights.
`height` of a row is the block that last changed it, `rule` what it rests on. A change of anything
here is a new `VERSION`: an older store is thrown away and made again from the node's blocks.
"""

from typing import Final

VERSION: Final = 4

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
  parties TEXT NOT NULL, product TEXT NOT NULL, about_date INTEGER,
  PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE INDEX transactions_by_id ON transactions (id);

CREATE TABLE members (
  lei TEXT PRIMARY KEY, name TEXT NOT NULL, parent TEXT NOT NULL, roles TEXT NOT NULL,
  state TEXT NOT NULL, power INTEGER NOT NULL, contribution_committed INTEGER NOT NULL,
  trades_here INTEGER NOT NULL, votes_from INTEGER NOT NULL, height INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE assets (
  code TEXT PRIMARY KEY, exponent INTEGER NOT NULL, kind TEXT NOT NULL, height INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE instruments (
  code TEXT PRIMARY KEY, product TEXT NOT NULL, asset_class TEXT NOT NULL, feed TEXT NOT NULL,
  currency TEXT NOT NULL, price_scale INTEGER NOT NULL, maturity INTEGER NOT NULL,
  delivery TEXT NOT NULL, height INTEGER NOT NULL
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
CREATE TABLE contract_steps (
  uti TEXT NOT NULL, height INTEGER NOT NULL, place INTEGER NOT NULL, what TEXT NOT NULL,
  state TEXT NOT NULL, buyer TEXT NOT NULL, seller TEXT NOT NULL, buyer_member TEXT NOT NULL,
  seller_member TEXT NOT NULL, instrument TEXT NOT NULL, product TEXT NOT NULL,
  quantity INTEGER NOT NULL, price INTEGER NOT NULL, notional INTEGER NOT NULL,
  trade_date INTEGER NOT NULL, source TEXT NOT NULL, entered INTEGER NOT NULL, tx TEXT NOT NULL,
  prior TEXT NOT NULL, PRIMARY KEY (uti, height, place)
) WITHOUT ROWID;
CREATE INDEX contract_steps_by_height ON contract_steps (height);
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
  secured TEXT NOT NULL, balance INTEGER NOT NULL, locked INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (lei, kind, reference, asset)
) WITHOUT ROWID;

CREATE TABLE vm_steps (
  first TEXT NOT NULL, second TEXT NOT NULL, asset TEXT NOT NULL, height INTEGER NOT NULL,
  settled INTEGER NOT NULL, held_first INTEGER NOT NULL, held_second INTEGER NOT NULL,
  PRIMARY KEY (first, second, asset, height)
) WITHOUT ROWID;
CREATE TABLE custody_steps (
  poster TEXT NOT NULL, secured TEXT NOT NULL, asset TEXT NOT NULL, height INTEGER NOT NULL,
  balance INTEGER NOT NULL, PRIMARY KEY (poster, secured, asset, height)
) WITHOUT ROWID;
CREATE TABLE limits (
  member TEXT NOT NULL, counterparty TEXT NOT NULL, asset TEXT NOT NULL,
  notional_max INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (member, counterparty, asset)
) WITHOUT ROWID;
CREATE TABLE oracle_marks (
  feed TEXT NOT NULL, oracle TEXT NOT NULL, date INTEGER NOT NULL, value INTEGER NOT NULL,
  height INTEGER NOT NULL, PRIMARY KEY (feed, oracle)
) WITHOUT ROWID;

CREATE TABLE dates (
  date INTEGER PRIMARY KEY, height INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  rulebook INTEGER NOT NULL, members INTEGER NOT NULL, clients INTEGER NOT NULL
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
CREATE TABLE collateral (
  date INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL, asset TEXT NOT NULL,
  settled INTEGER NOT NULL, held_first INTEGER NOT NULL, held_second INTEGER NOT NULL,
  posted_first INTEGER NOT NULL, posted_second INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (date, first, second, asset)
) WITHOUT ROWID;
CREATE TABLE im_required (
  date INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL, asset TEXT NOT NULL,
  model TEXT NOT NULL, required_first INTEGER NOT NULL, required_second INTEGER NOT NULL,
  worth_first INTEGER NOT NULL, worth_second INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (date, first, second)
) WITHOUT ROWID;
CREATE TABLE resources (
  date INTEGER NOT NULL, service TEXT NOT NULL, lei TEXT NOT NULL, kind TEXT NOT NULL,
  amount INTEGER NOT NULL, required INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (date, service, lei, kind)
) WITHOUT ROWID;

CREATE TABLE calls (
  id TEXT NOT NULL, issued INTEGER NOT NULL, kind TEXT NOT NULL, payer TEXT NOT NULL,
  receiver TEXT NOT NULL, payer_member TEXT NOT NULL, receiver_member TEXT NOT NULL,
  asset TEXT NOT NULL, amount INTEGER NOT NULL, undisputed INTEGER NOT NULL,
  date INTEGER NOT NULL, due INTEGER NOT NULL, grace_until INTEGER NOT NULL, state TEXT NOT NULL,
  failed INTEGER NOT NULL, ended INTEGER NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL,
  height INTEGER NOT NULL,
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
CREATE INDEX disputes_open ON disputes (opened) WHERE ended=0;

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
  parties TEXT NOT NULL, product TEXT NOT NULL, about_date INTEGER,
  PRIMARY KEY (number, height, place)
) WITHOUT ROWID;

CREATE TABLE mandates (
  authority TEXT NOT NULL, reference TEXT NOT NULL, products TEXT NOT NULL, members TEXT NOT NULL,
  first_date INTEGER NOT NULL, last_date INTEGER NOT NULL, embargo_blocks INTEGER NOT NULL,
  disclosure_blocks INTEGER NOT NULL, basis TEXT NOT NULL, granted INTEGER NOT NULL,
  revoked INTEGER NOT NULL, height INTEGER NOT NULL, PRIMARY KEY (authority, reference)
) WITHOUT ROWID;
CREATE TABLE looks (
  authority TEXT NOT NULL, digest TEXT NOT NULL, mandate TEXT NOT NULL, routine INTEGER NOT NULL,
  committed INTEGER NOT NULL, due INTEGER NOT NULL, disclosed INTEGER NOT NULL,
  overdue INTEGER NOT NULL, member TEXT NOT NULL, person TEXT NOT NULL, what TEXT NOT NULL,
  at_height INTEGER NOT NULL, time_ms INTEGER NOT NULL, purpose TEXT NOT NULL,
  height INTEGER NOT NULL, PRIMARY KEY (authority, digest)
) WITHOUT ROWID;
CREATE INDEX looks_by_member ON looks (member, committed);
CREATE INDEX looks_overdue ON looks (authority) WHERE overdue>0 AND disclosed=0;

CREATE TABLE alerts (
  rule TEXT NOT NULL, subject TEXT NOT NULL, opened INTEGER NOT NULL, closed INTEGER NOT NULL,
  severity TEXT NOT NULL, member TEXT NOT NULL, other TEXT NOT NULL, about_date INTEGER,
  figure INTEGER NOT NULL, threshold INTEGER NOT NULL, unit TEXT NOT NULL, told TEXT NOT NULL,
  height INTEGER NOT NULL, PRIMARY KEY (rule, subject, opened)
) WITHOUT ROWID;
CREATE INDEX alerts_by_end ON alerts (closed, opened);
CREATE INDEX alerts_by_opening ON alerts (opened);
"""
