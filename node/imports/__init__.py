"""Trades from other systems' files (CSV, FIX, FpML): each becomes a trade, or says why not."""
