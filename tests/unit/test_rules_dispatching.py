"""One decision of a line's supervisor at a time."""

from msgspec import structs

from cellwright.model.job_commands import MatchEvidence
from cellwright.rules.dispatching import joins_due, next_act
from cellwright.rules.job_rows import CallRow, JobRow, JobState
from cellwright.rules.line_view import (
    Clear,
    Denied,
    Drop,
    Forget,
    Held,
    Order,
    Phase,
    Proposal,
    Prove,
    Raise,
    Resting,
    Send,
    Sign,
    Stock,
    View,
    Waiting,
    Want,
    Withdraw,
)
from cellwright.testing.line_world import STATIONS, line_plant

PLANT = line_plant()
HOUR_US = 3_600_000_000
LOADED = {("MOD-01", "kit"): 5, ("MOD-02", "kit"): 5}
PROPOSAL = Proposal(
    (1, 2, 3, 4), MatchEvidence(policy="p", stock_count=9, placed_ratio=0.8, bound_ratio=0.9, gap_ratio=0.1)
)


def view(**changes: object) -> View:
    """A line that is heard, has nothing to do and everything loaded."""
    signs = {code: Sign(is_reachable=True) for code in STATIONS}
    quiet = View(plant=PLANT, now_us=10 * HOUR_US, token="7", actor="line", signs=signs, jobs={}, loaded=LOADED)
    return structs.replace(quiet, **changes)


def job(code: str = "J-1", **changes: object) -> JobRow:
    """A test of unit 9 that was just ordered."""
    row = JobRow(
        job=code,
        station="TEST-01",
        operation="test",
        units=(9,),
        members=(),
        serves="",
        order="",
        digest="d",
        ordered_digest="d",
        state=JobState.DISPATCHED,
        dispatched_us=10 * HOUR_US,
    )
    return structs.replace(row, **changes)


def join(**changes: object) -> JobRow:
    row = job(station="MOD-01", operation="join", units=(), members=(1, 2, 3, 4))
    return structs.replace(row, **changes)


def jobs(*rows: JobRow) -> dict[str, JobRow]:
    return {row.job: row for row in rows}


def holding(station: str, *held: Held, **changes: bool) -> dict[str, Sign]:
    signs = dict(view().signs)
    signs[station] = structs.replace(Sign(is_reachable=True, held=held), **changes)
    return signs


def test_a_quiet_line_waits() -> None:
    assert next_act(view()) is None


# --- jobs go on -------------------------------------------------------------------------------------


def test_a_job_is_sent_then_proved_then_left_to_its_station() -> None:
    held = Held("J-1", "d", Phase.WAITING)
    assert next_act(view(jobs=jobs(job()))) == Send("TEST-01", "J-1")
    assert next_act(view(jobs=jobs(job()), signs=holding("TEST-01", held))) == Prove("TEST-01", "J-1", "d")
    proved = job(state=JobState.PROVED, proved_us=10 * HOUR_US)
    assert next_act(view(jobs=jobs(proved), signs=holding("TEST-01", held))) is None


def test_a_proved_job_that_its_station_lost_is_sent_again() -> None:
    proved = job(state=JobState.PROVED, proved_us=10 * HOUR_US)
    assert next_act(view(jobs=jobs(proved))) == Send("TEST-01", "J-1")


def test_a_job_that_comes_back_otherwise_is_called_for_and_taken_back() -> None:
    signs = holding("TEST-01", Held("J-1", "other", Phase.WAITING))
    assert next_act(view(jobs=jobs(job()), signs=signs)) == Withdraw("TEST-01", "J-1")
    signs = holding("TEST-01", Held("J-1", "other", Phase.RUNNING))
    act = next_act(view(jobs=jobs(job()), signs=signs))
    assert isinstance(act, Raise)
    assert act.kind == "read_back"


def test_a_busy_station_gets_its_next_job_later() -> None:
    running = job(state=JobState.RUNNING, started_us=10 * HOUR_US)
    signs = holding("TEST-01", Held("J-1", "d", Phase.RUNNING))
    assert next_act(view(jobs=jobs(running, job("J-2", units=(8,))), signs=signs)) is None


def test_a_join_is_sent_when_its_members_lie_in_a_magazine() -> None:
    bring = job("B-1", station="MAG-01", operation="", units=(1, 2, 3, 4), serves="J-1", state=JobState.PROVED)
    bring = structs.replace(bring, proved_us=10 * HOUR_US)
    signs = holding("MAG-01", Held("B-1", "d", Phase.RUNNING))
    assert next_act(view(jobs=jobs(join(), bring), signs=signs)) is None
    assert next_act(view(jobs=jobs(join()), brought=frozenset({"J-1"}))) == Send("MOD-01", "J-1")


def test_members_are_brought_again_when_nobody_brings_them() -> None:
    act = next_act(view(jobs=jobs(join())))
    assert isinstance(act, Order)
    assert (act.jobs[0].station, act.jobs[0].units, act.jobs[0].serves) == ("MAG-01", (1, 2, 3, 4), "J-1")


def test_a_magazine_loader_does_one_job_after_another() -> None:
    first = job("B-1", station="MAG-01", operation="", units=(1, 2, 3, 4), serves="J-1")
    served = join(state=JobState.PROVED, proved_us=10 * HOUR_US)
    signs = holding("MAG-01", Held("B-0", "d", Phase.RUNNING))
    over = job("B-0", state=JobState.ENDED, ended_us=1)
    assert next_act(view(jobs=jobs(served, first, over), signs=signs)) is None


# --- jobs that cannot be done -----------------------------------------------------------------------


def test_a_job_with_a_held_unit_is_taken_back_and_dropped() -> None:
    unfit = {9: "unit X is on hold"}
    signs = holding("TEST-01", Held("J-1", "d", Phase.WAITING))
    assert next_act(view(jobs=jobs(job()), unfit=unfit, signs=signs)) == Withdraw("TEST-01", "J-1")
    assert next_act(view(jobs=jobs(job()), unfit=unfit)) == Drop("TEST-01", "J-1", "unit X is on hold")
    lost = holding("TEST-01", Held("J-1", "d", Phase.WAITING), is_reachable=False)
    assert next_act(view(jobs=jobs(job()), unfit=unfit, signs=lost)) is None
    begun = holding("TEST-01", Held("J-1", "d", Phase.RUNNING))
    assert next_act(view(jobs=jobs(job()), unfit=unfit, signs=begun)) is None


def test_bringing_for_a_job_that_is_over_is_dropped() -> None:
    bring = job("B-1", station="MAG-01", operation="", units=(1, 2), serves="J-0")
    assert next_act(view(jobs=jobs(bring))) == Drop("MAG-01", "B-1", "job J-0 that it was for is over")


def test_what_a_station_gave_up_is_dropped() -> None:
    signs = holding("TEST-01", Held("J-1", "d", Phase.ABORTED))
    assert next_act(view(jobs=jobs(job()), signs=signs)) == Drop("TEST-01", "J-1", "TEST-01 gave it up")


def test_what_a_station_calls_done_without_having_begun_is_dropped() -> None:
    proved = job(state=JobState.PROVED, proved_us=10 * HOUR_US)
    act = next_act(view(jobs=jobs(proved), signs=holding("TEST-01", Held("J-1", "d", Phase.ENDED))))
    assert act == Drop("TEST-01", "J-1", "TEST-01 calls it done, and never began it")


# --- what stations hold -----------------------------------------------------------------------------


def test_stations_forget_what_is_over_and_give_back_what_nobody_ordered() -> None:
    over = job(state=JobState.ENDED, ended_us=1)
    assert next_act(view(jobs=jobs(over), signs=holding("TEST-01", Held("J-1", "d", Phase.ENDED)))) == Forget(
        "TEST-01", "J-1"
    )
    # It reported, and is just about to say so.
    assert next_act(view(jobs=jobs(over), signs=holding("TEST-01", Held("J-1", "d", Phase.RUNNING)))) is None
    # What is over in the record and was never begun under its own name is taken back.
    aborted = job(state=JobState.ABORTED, ended_us=1)
    for rows in (jobs(over), jobs(aborted), {}):
        signs = holding("TEST-01", Held("J-1", "d", Phase.WAITING))
        assert next_act(view(jobs=rows, signs=signs)) == Withdraw("TEST-01", "J-1")


# --- new orders -------------------------------------------------------------------------------------


def test_units_are_ordered_the_longest_waiting_first_and_no_unit_twice() -> None:
    waiting = (Waiting(8, "U8", "test", 1), Waiting(9, "U9", "test", 2))
    act = next_act(view(waiting=waiting))
    assert isinstance(act, Order)
    assert (act.station, act.jobs[0].units) == ("TEST-01", (8,))
    assert (
        next_act(view(waiting=(waiting[1],), jobs=jobs(job(state=JobState.RUNNING, started_us=10 * HOUR_US)))) is None
    )


def test_a_station_that_is_not_heard_gets_nothing() -> None:
    signs = holding("TEST-01", is_reachable=False)
    assert next_act(view(waiting=(Waiting(8, "U8", "test", 1),), signs=signs)) is None


def test_an_order_becomes_a_join_and_its_bringing_in_one_act() -> None:
    wanted = view(wants=(Want("WO-1", "module", 2),), stock={"join": Stock(9, 0)})
    assert joins_due(wanted) == ("join",)
    act = next_act(structs.replace(wanted, proposals={"join": PROPOSAL}))
    assert isinstance(act, Order)
    assert [each.station for each in act.jobs] == ["MOD-01", "MAG-01"]
    assert act.jobs[0].members == act.jobs[1].units == (1, 2, 3, 4)
    assert (act.jobs[0].order, act.jobs[1].serves, act.evidence) == ("WO-1", act.jobs[0].job, PROPOSAL.evidence)


def test_nothing_is_joined_beyond_the_order_or_into_a_jam() -> None:
    stock = {"join": Stock(9, 0)}
    assert joins_due(view(wants=(Want("WO-1", "module", 0),), stock=stock)) == ()
    jam = tuple(Waiting(unit, f"U{unit}", "test", 1, holds=1) for unit in (8, 9))
    assert joins_due(view(wants=(Want("WO-1", "module", 2),), stock=stock, waiting=jam)) == ()
    assert joins_due(view(wants=(Want("WO-1", "module", 2),), stock={"join": Stock(3, 0)})) == ()
    lost = holding("MAG-01", is_reachable=False)
    assert joins_due(view(wants=(Want("WO-1", "module", 2),), stock=stock, signs=lost)) == ()


# --- calls ------------------------------------------------------------------------------------------


def call_of(given: View) -> Raise:
    act = next_act(given)
    assert isinstance(act, Raise), act
    return act


def raised(act: Raise) -> CallRow:
    return CallRow(call=act.call, station=act.station, kind=act.kind, text=act.text, raised_us=1, raised_by="line")


PROVED = job(state=JobState.PROVED, proved_us=10 * HOUR_US)
READY = holding("TEST-01", Held("J-1", "d", Phase.WAITING))


def test_a_call_is_raised_once_and_cleared_when_its_cause_is_over() -> None:
    lost = holding("TEST-01", is_reachable=False, is_lost=True)
    act = call_of(view(waiting=(Waiting(8, "U8", "test", 1),), signs=lost))
    assert (act.station, act.kind) == ("TEST-01", "machine")
    again = view(waiting=(Waiting(8, "U8", "test", 1),), signs=lost, calls=(raised(act),))
    assert next_act(again) is None
    assert next_act(view(calls=(raised(act),))) == Clear("TEST-01", act.call, "it is over")


def test_a_joiner_that_is_lost_is_called_for_while_an_order_wants_more() -> None:
    lost = holding("MAG-01", is_reachable=False, is_lost=True)
    assert call_of(view(wants=(Want("WO-1", "module", 1),), signs=lost)).station == "MAG-01"
    assert next_act(view(wants=(Want("WO-1", "module", 0),), signs=lost)) is None


def test_calls_of_people_are_theirs() -> None:
    theirs = CallRow(call="CALL-1", station="TEST-01", kind="stock", text="x", raised_us=1, raised_by="P-1")
    assert next_act(view(calls=(theirs,))) is None


def test_a_position_without_enough_is_called_for_by_name() -> None:
    proved = join(state=JobState.PROVED, proved_us=10 * HOUR_US)
    signs = holding("MOD-01", Held("J-1", "d", Phase.WAITING))
    denied = {"MOD-01": Denied(10 * HOUR_US, ("material_missing",), "no kit")}
    act = call_of(view(jobs=jobs(proved), signs=signs, brought=frozenset({"J-1"}), loaded={}, denied=denied))
    assert (act.kind, "kit of MOD-01 has 0 of 1" in act.text) == ("material", True)
    given = view(jobs=jobs(proved), signs=signs, brought=frozenset({"J-1"}), loaded={}, denied=denied)
    assert next_act(structs.replace(given, calls=(raised(act),))) is None


def test_a_refused_check_in_is_called_for_by_its_reason() -> None:
    for codes, kind in (
        (("lot_held",), "material"),
        (("recipe_mismatch",), "recipe"),
        (("qualification_missing",), "refused"),
    ):
        denied = {"TEST-01": Denied(10 * HOUR_US, codes, "why")}
        act = call_of(view(jobs=jobs(PROVED), signs=READY, denied=denied))
        assert (act.kind, act.text) == (kind, "why")
    for codes, time_us in ((("job_unproved",), 10 * HOUR_US), (("lot_held",), 9 * HOUR_US)):
        denied = {"TEST-01": Denied(time_us, codes, "why")}
        assert next_act(view(jobs=jobs(PROVED), signs=READY, denied=denied)) is None


def test_a_station_that_does_not_begin_or_does_not_go_on_is_called_for() -> None:
    late = structs.replace(PROVED, proved_us=9 * HOUR_US)
    assert call_of(view(jobs=jobs(late), signs=READY)).kind == "machine"
    running = job(state=JobState.RUNNING, started_us=9 * HOUR_US)
    assert call_of(view(jobs=jobs(running))).kind == "machine"
    given_up = holding("TEST-01", Held("J-1", "d", Phase.ABORTED))
    fresh = structs.replace(running, started_us=10 * HOUR_US)
    assert call_of(view(jobs=jobs(fresh), signs=given_up)).kind == "machine"


def test_units_on_hold_or_born_not_good_are_called_for() -> None:
    act = call_of(view(waiting=(Waiting(8, "U8", "test", 1, holds=1),)))
    assert (act.kind, act.call) == ("repair", "TEST-01/hold/U8/7")
    assert "is not good" in call_of(view(waiting=(Waiting(8, "U8", "join", 1),))).text


def test_a_stock_that_is_too_small_or_does_not_match_is_called_for() -> None:
    wants = (Want("WO-1", "module", 2),)
    assert "3 of 4 cell" in call_of(view(wants=wants, stock={"join": Stock(3, 0)})).text
    assert next_act(view(wants=wants, stock={"join": Stock(3, 1)})) is None
    assert "go together" in call_of(view(wants=wants, stock={"join": Stock(9, 0)})).text


def test_what_fails_rests_and_is_called_for_after_three_times() -> None:
    waiting = (Waiting(8, "U8", "test", 1), Waiting(9, "U9", "test", 2))
    first = next_act(view(waiting=waiting))
    assert first is not None
    tried = {first.subject: Resting("TEST-01", "no", 1)}
    other = next_act(view(waiting=waiting, resting=tried))
    assert isinstance(other, Order)
    assert other.jobs[0].units == (9,)
    assert next_act(view(waiting=waiting, resting={first.subject: Resting("TEST-01", "no", 1, is_due=True)})) == first
    assert call_of(view(resting={first.subject: Resting("TEST-01", "no", 3)})).text == "no"
