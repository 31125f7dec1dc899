"""What a station says along its lots becomes profiles and marks of the command; columns that do not fit are refused.

What it is told of a report that was accepted: where each unit goes, and in sentences what to do next.
"""

from typing import Any

import pytest
from msgspec import structs

from cellwright.links.opcua.station import AnswerOut, Request
from cellwright.model.answers import Receipt
from cellwright.model.commands import CheckOut, Marks, Profile
from cellwright.plant.stations import malformed_text, to_answer, to_submission

REQUEST = Request(
    station="COAT-01",
    epoch=1,
    sequence=1,
    kind="check_out",
    lots=("L-1", "L-2"),
    profiles_characteristics=("areal_weight_gsm", "thickness_um"),
    profiles_outputs=(0, 1),
    profiles_lanes=(4, 0),
    profiles_starts=(0, 500),
    profiles_steps=(1000, 250),
    profiles_counts=(2, 1),
    profiles_values=(318.5, None, 150.25),
    marks_defects=("missing_coat",),
    marks_outputs=(1,),
    marks_starts=(100,),
    marks_ends=(300,),
    marks_lanes=(2,),
)


def test_values_are_cut_by_their_counts() -> None:
    submission = to_submission(REQUEST, "")
    assert submission is not None
    assert isinstance(submission.command, CheckOut)
    assert submission.command.profiles == (
        Profile(characteristic="areal_weight_gsm", lane=4, step=1000, values=(318.5, None)),
        Profile(characteristic="thickness_um", output=1, start=500, step=250, values=(150.25,)),
    )
    assert submission.command.marks == Marks(
        defects=("missing_coat",), outputs=(1,), starts=(100,), ends=(300,), lanes=(2,)
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"profiles_outputs": (0,)}, "Request/Profiles/Outputs has 1 entries, expected 2, one per profile"),
        ({"profiles_lanes": ()}, "Request/Profiles/Lanes has 0 entries, expected 2, one per profile"),
        ({"profiles_values": (1.0,)}, "Request/Profiles/Values has 1 entries, Counts add up to 3"),
        ({"profiles_counts": (4, -1)}, "Request/Profiles/Counts holds a negative number"),
        ({"profiles_characteristics": ()}, "Request/Profiles/Steps has 2 entries, expected 0, one per profile"),
    ],
)
def test_columns_that_do_not_fit_are_no_command(change: dict[str, Any], text: str) -> None:
    request = structs.replace(REQUEST, **change)
    assert to_submission(request, "") is None
    assert text in malformed_text(request)


def test_sentences_of_an_accepted_report_reach_the_station_without_codes() -> None:
    note = "k_fair_mv_per_h of 1 of 4 units is unknown (C1): let the units rest that long and measure both again"
    assert to_answer(Receipt(routing=("grade",), notes=(note,))) == AnswerOut(
        accepted=True, routing=("grade",), texts=(note,)
    )
    assert to_answer(Receipt(routing=("done",))) == AnswerOut(accepted=True, routing=("done",))
