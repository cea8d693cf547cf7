"""What can be wrong with a script."""

from node.forms import BadForm


class BadScript(BadForm):
    """A scenario file cannot be read, or a step of it makes no sense."""

    code = "SCENARIO_INVALID"
    remedy = "See docs/SCENARIOS.md; the message names the step and the field."
