import msgspec
import pytest

from cellwright.links.opcua.contract import Kind
from cellwright.links.opcua.station import AnswerOut, RecipeValues, Request, Snapshot
from cellwright.links.opcua.step import (
    Action,
    Ask,
    DownloadRecipe,
    Memory,
    Nothing,
    Policy,
    WriteAnswer,
    next_action,
)
from cellwright.links.opcua.values import Problem

RECIPE = RecipeValues(code="R-1", revision=3, names=("speed_mm", "force_n"), values=(2.0, 5.0))
SHUFFLED = RecipeValues(code="R-1", revision=3, names=("force_n", "speed_mm"), values=(5.0, 2.0))
OTHER = RecipeValues(code="R-1", revision=2, names=("speed_mm", "force_n"), values=(2.0, 5.0))
YES = AnswerOut(accepted=True)
POLICY = Policy(readback_s=2.0, download_count_max=2)


def seen(
    sequence: int = 5,
    *,
    epoch: int = 9,
    answered: int = 4,
    kind: str = Kind.CHECK_OUT,
    active: RecipeValues | None = None,
) -> Snapshot:
    request = Request(station="S-1", epoch=epoch, sequence=sequence, kind=kind)
    return Snapshot(station="S-1", sequence=sequence, epoch=epoch, answered=answered, request=request, active=active)


def step(
    snapshot: Snapshot, memory: Memory | None = None, *, recipe: RecipeValues | None = None, now_s: float = 0.0
) -> Action:
    known = memory or Memory(answered_epoch=9)
    return next_action(snapshot, known, released=lambda _station, _operation: recipe, now_s=now_s, policy=POLICY)


def test_an_answered_request_needs_nothing() -> None:
    assert step(seen(5, answered=5)) == Nothing()


@pytest.mark.parametrize("sequence", [0, -1])
def test_before_the_first_request_there_is_nothing(sequence: int) -> None:
    assert step(seen(sequence, answered=4)) == Nothing()


def test_a_new_request_is_asked() -> None:
    snapshot = seen()
    assert snapshot.request is not None
    assert step(snapshot) == Ask((9, 5), snapshot.request, "")


def test_a_request_of_a_new_epoch_is_asked_though_its_number_was_answered_before() -> None:
    action = step(seen(1, epoch=10, answered=1), Memory(answered_epoch=9))
    assert isinstance(action, Ask)
    assert action.key == (10, 1)


def test_the_epoch_found_first_counts_as_answered() -> None:
    snapshot = seen(5, answered=5)
    assert step(snapshot, Memory().seen(snapshot)) == Nothing()


def test_an_answer_that_was_wiped_is_asked_for_again() -> None:
    assert isinstance(step(seen(5, answered=0)), Ask)


def test_a_request_that_cannot_be_read_waits() -> None:
    unread = msgspec.structs.replace(seen(), request=None, problems=(Problem("Request/Units", "bad", is_passing=True),))
    assert step(unread) == Nothing()


def test_a_malformed_request_is_asked_without_recipe_so_that_it_is_refused() -> None:
    snapshot = seen(kind=Kind.CHECK_IN)
    assert snapshot.request is not None
    broken = msgspec.structs.replace(snapshot.request, problems=(Problem("Request/Units", "type is Int32"),))
    action = step(msgspec.structs.replace(snapshot, request=broken), recipe=RECIPE)
    assert action == Ask((9, 5), broken, "")


def test_a_decided_answer_is_written_for_its_own_request_only() -> None:
    memory = Memory(answered_epoch=9).decided((9, 5), YES)
    assert step(seen(), memory) == WriteAnswer((9, 5), YES)
    assert isinstance(step(seen(6), memory), Ask)
    assert isinstance(step(seen(5, epoch=10), memory), Ask)


def test_a_check_in_downloads_the_released_recipe_first() -> None:
    action = step(seen(kind=Kind.CHECK_IN, active=OTHER), recipe=RECIPE)
    assert action == DownloadRecipe((9, 5), RECIPE)


@pytest.mark.parametrize("active", [RECIPE, SHUFFLED])
def test_a_check_in_with_the_recipe_read_back_is_asked_with_its_digest(active: RecipeValues) -> None:
    action = step(seen(kind=Kind.CHECK_IN, active=active), recipe=RECIPE)
    assert isinstance(action, Ask)
    assert action.recipe_digest == RECIPE.digest


def test_a_check_in_of_an_operation_without_recipe_is_asked_at_once() -> None:
    assert isinstance(step(seen(kind=Kind.CHECK_IN)), Ask)


def test_other_kinds_download_nothing_but_carry_the_digest() -> None:
    action = step(seen(kind=Kind.CHECK_OUT, active=OTHER), recipe=RECIPE)
    assert isinstance(action, Ask)
    assert action.recipe_digest == OTHER.digest


def test_the_read_back_is_awaited_then_tried_again_then_left_to_the_gate() -> None:
    snapshot = seen(kind=Kind.CHECK_IN, active=OTHER)
    once = Memory(answered_epoch=9).downloaded((9, 5), now_s=10.0)
    assert step(snapshot, once, recipe=RECIPE, now_s=10.5) == Nothing(wake_after_s=1.5)
    assert step(snapshot, once, recipe=RECIPE, now_s=12.0) == DownloadRecipe((9, 5), RECIPE)
    twice = once.downloaded((9, 5), now_s=12.0)
    assert isinstance(step(snapshot, twice, recipe=RECIPE, now_s=13.0), Nothing)
    action = step(snapshot, twice, recipe=RECIPE, now_s=14.0)
    assert isinstance(action, Ask)
    assert action.recipe_digest == OTHER.digest


def test_downloads_are_counted_per_request() -> None:
    memory = Memory(answered_epoch=9).downloaded((9, 4), now_s=0.0).downloaded((9, 4), now_s=2.0)
    action = step(seen(kind=Kind.CHECK_IN, active=OTHER), memory, recipe=RECIPE, now_s=2.1)
    assert isinstance(action, DownloadRecipe)
    assert memory.downloaded((9, 5), now_s=2.1).download_count == 1


def test_a_new_session_remembers_only_the_answered_epoch() -> None:
    memory = Memory(answered_epoch=9).decided((9, 5), YES).downloaded((9, 5), now_s=1.0)
    assert memory.resumed() == Memory(answered_epoch=9)
    assert memory.answered(10) == Memory(answered_epoch=10)
