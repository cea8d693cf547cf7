"""The store's tables. `PRAGMA user_version` is `wire.version.STORE_VERSION`."""

from typing import Final

SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (height INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, decided BLOB NOT NULL);
CREATE TABLE receipts (
  height INTEGER NOT NULL, position INTEGER NOT NULL, tx_id BLOB NOT NULL, receipt BLOB NOT NULL,
  PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE INDEX receipts_by_tx ON receipts (tx_id);
CREATE TABLE results (
  height INTEGER NOT NULL, position INTEGER NOT NULL, result BLOB NOT NULL,
  PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, height INTEGER NOT NULL, event BLOB NOT NULL
);
CREATE INDEX events_by_height ON events (height);
CREATE TABLE snapshots (height INTEGER PRIMARY KEY, stage TEXT NOT NULL, snapshot BLOB NOT NULL);
CREATE TABLE chunks (
  height INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (height, number)
);
CREATE TABLE trail (height INTEGER PRIMARY KEY, light BLOB NOT NULL);
CREATE TABLE validators (hash BLOB PRIMARY KEY, members BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE state (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE submissions (
  tx_id BLOB PRIMARY KEY, tx BLOB NOT NULL, valid_until INTEGER NOT NULL, status TEXT NOT NULL,
  code TEXT NOT NULL, detail TEXT NOT NULL, height INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX submissions_by_status ON submissions (status);
CREATE TABLE blotter (uti TEXT PRIMARY KEY, trade BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE affirmations (
  tx_id BLOB PRIMARY KEY, tx BLOB NOT NULL, counterparty TEXT NOT NULL, status TEXT NOT NULL,
  code TEXT NOT NULL, differences BLOB NOT NULL, valid_until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE answered (
  client TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL, answer BLOB NOT NULL,
  at_ms INTEGER NOT NULL, PRIMARY KEY (client, key)
) WITHOUT ROWID;
CREATE INDEX answered_by_time ON answered (at_ms);
CREATE TABLE affirmed_utis (uti TEXT PRIMARY KEY, tx_id BLOB NOT NULL) WITHOUT ROWID;
"""
