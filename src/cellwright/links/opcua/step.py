"""The next step of a station, as a pure function: from what is seen and remembered to exactly one action."""

from collections.abc import Callable

import msgspec

from cellwright.links.opcua.contract import Kind
from cellwright.links.opcua.station import AnswerOut, RecipeValues, Request, Snapshot

Key = tuple[int, int]
"""(epoch, sequence) of a request."""

Released = Callable[[str, str], RecipeValues | None]
"""Returns the released recipe of (station, operation), None = the operation has none."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the link remembers of a station between two looks at it.

    `answered_epoch` is the epoch that the answer on the station belongs to; None = not known yet.
    """

    answered_epoch: int | None = None
    answer: AnswerOut | None = None
    answer_key: Key | None = None
    download_key: Key | None = None
    download_count: int = 0
    downloaded_s: float = 0.0

    def seen(self, snapshot: Snapshot) -> "Memory":
        """Take the epoch found at the first look as the one that was answered."""
        if self.answered_epoch is not None:
            return self
        return msgspec.structs.replace(self, answered_epoch=snapshot.epoch)

    def downloaded(self, key: Key, now_s: float) -> "Memory":
        """Count a download for this request."""
        count = self.download_count + 1 if self.download_key == key else 1
        return msgspec.structs.replace(self, download_key=key, download_count=count, downloaded_s=now_s)

    def decided(self, key: Key, answer: AnswerOut) -> "Memory":
        """Keep the answer until it is written."""
        return msgspec.structs.replace(self, answer=answer, answer_key=key)

    def answered(self, epoch: int) -> "Memory":
        """Forget everything about a request once its answer is written."""
        del self
        return Memory(answered_epoch=epoch)

    def resumed(self) -> "Memory":
        """Forget what a lost session left open: it is read, downloaded and asked anew."""
        return Memory(answered_epoch=self.answered_epoch)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient the link is with a recipe read-back."""

    readback_s: float = 2.0
    download_count_max: int = 3


PATIENT = Policy()


class Nothing(msgspec.Struct, frozen=True):
    """Wait for a change, at most `wake_after_s` seconds (None = without limit)."""

    wake_after_s: float | None = None


class DownloadRecipe(msgspec.Struct, frozen=True):
    """Write the released recipe to Recipe/Set; repeating it does no harm."""

    key: Key
    recipe: RecipeValues


class Ask(msgspec.Struct, frozen=True):
    """Put the request before the gate, with the digest of the recipe read back ("" = none)."""

    key: Key
    request: Request
    recipe_digest: str


class WriteAnswer(msgspec.Struct, frozen=True):
    """Write the answer; Answer/Sequence goes last."""

    key: Key
    answer: AnswerOut


Action = Nothing | DownloadRecipe | Ask | WriteAnswer


def is_open(sequence: int | None, epoch: int | None, answered: int | None, memory: Memory) -> bool:
    """Tell whether a request waits for an answer: not answered yet, or the answer is of another epoch."""
    if not sequence or sequence < 0 or epoch is None:
        return False
    return sequence != answered or memory.answered_epoch not in (None, epoch)


def next_action(
    snapshot: Snapshot, memory: Memory, *, released: Released, now_s: float, policy: Policy = PATIENT
) -> Action:
    """Return the one thing to do next; `now_s` is monotonic time."""
    request = snapshot.request
    if request is None or not is_open(snapshot.sequence, snapshot.epoch, snapshot.answered, memory):
        return Nothing()
    key = (request.epoch, request.sequence)
    if memory.answer is not None and memory.answer_key == key:
        return WriteAnswer(key, memory.answer)
    if request.problems:
        return Ask(key, request, "")
    return _recipe_step(snapshot, memory, released, now_s, policy) or _ask(key, request, snapshot.active)


def _ask(key: Key, request: Request, active: RecipeValues | None) -> Ask:
    return Ask(key, request, "" if active is None or not active.code else active.digest)


def _recipe_step(snapshot: Snapshot, memory: Memory, released: Released, now_s: float, policy: Policy) -> Action | None:
    request = snapshot.request
    if request is None or request.kind != Kind.CHECK_IN:
        return None
    recipe = released(request.station, request.operation)
    if recipe is None or (snapshot.active is not None and snapshot.active.digest == recipe.digest):
        return None
    return _download(recipe, (request.epoch, request.sequence), memory, now_s, policy)


def _download(recipe: RecipeValues, key: Key, memory: Memory, now_s: float, policy: Policy) -> Action | None:
    if memory.download_key != key:
        return DownloadRecipe(key, recipe)
    waited_s = now_s - memory.downloaded_s
    if waited_s < policy.readback_s:
        return Nothing(policy.readback_s - waited_s)
    # After the last try the gate is asked anyway: it refuses with the evidence, and the refusal is recorded.
    return DownloadRecipe(key, recipe) if memory.download_count < policy.download_count_max else None
