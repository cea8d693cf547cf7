"""`dcn whatif default` on a home: what it prints, and what it refuses."""

from pathlib import Path

from node.home import Home
from tests.cli.conftest import Dcn


def test_a_default_is_rehearsed_on_the_state_of_a_home(dcn: Dcn, filled_home: Path) -> None:
    other = next(
        member.lei
        for member in Home(filled_home).genesis().members
        if member.power and member.lei != Home(filled_home).config().lei
    )
    wanted = ["whatif", "default", other, "--home", filled_home]
    answer = dcn(*wanted, "--json")
    assert answer.code == 0, answer
    report = answer.json()
    assert report["defaulters"] == [other]
    assert report["loss"] == sum(report["borne"].values())
    assert len(report["block"]) == len(report["state_root"]) == 64
    assert {member["lei"] for member in report["members"]}.isdisjoint({other})
    shown = dcn(*wanted)
    assert "Who bears it" in shown.out
    assert report["block"][:16] in shown.out


def test_what_makes_no_sense_is_refused(dcn: Dcn, filled_home: Path) -> None:
    for arguments, code in (
        ((), "USAGE"),
        (("--worst", "X"), "USAGE"),
        (("X" * 20,), "WIRE_BAD_IDENTIFIER"),
        (("--worst", "--move", "A=1%"), "USAGE"),
        (("X", "--move", "A=much"), "WHATIF_BAD_MOVE"),
    ):
        answer = dcn("whatif", "default", *arguments, "--home", filled_home, "--json")
        assert answer.json()["code"] == code, (arguments, answer)
