"""The program on a machine whose clock is off by `DCN_TEST_CLOCK_OFF_MS` milliseconds."""

import os
import time

if __name__ == "__main__":
    OFF_NS = int(os.environ["DCN_TEST_CLOCK_OFF_MS"]) * 1_000_000
    TRUE_NS = time.time_ns

    time.time_ns = lambda: TRUE_NS() + OFF_NS
    time.time = lambda: (TRUE_NS() + OFF_NS) / 1_000_000_000

    from node.cli.main import main

    main()
