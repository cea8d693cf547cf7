"""Figures of samples."""


def percentile(samples: list[int], percent: int) -> int | None:
    """Nearest-rank percentile; None of nothing."""
    if not samples:
        return None
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
