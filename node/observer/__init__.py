"""The observer's views: a read store of its own, fed from blocks, as JSON, CSV and a page."""
