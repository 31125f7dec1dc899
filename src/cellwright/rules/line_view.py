"""What the supervisor of a line sees at one moment, and the acts it may choose from."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from cellwright.model.job_commands import MatchEvidence
from cellwright.model.plant import Plant
from cellwright.rules.job_rows import CallRow, JobRow


class Phase(StrEnum):
    """How far a station is with a job order that it holds."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    ABORTED = "aborted"


class Held(Struct, frozen=True):
    """A job order as a station gives it back."""

    job: str
    digest: str
    phase: Phase


class Sign(Struct, frozen=True):
    """What is known of a station: `is_lost` = it was not heard for so long that somebody has to look."""

    is_reachable: bool
    is_lost: bool = False
    held: tuple[Held, ...] = ()
    fault: str = ""
    """Why it is not reached."""


class Waiting(Struct, frozen=True):
    """A unit that waits for an operation of the line, since when (UTC us), and how many holds are on it."""

    unit: int
    code: str
    operation: str
    since_us: int
    holds: int = 0


class Want(Struct, frozen=True):
    """An open order, and how many units may still begin for it."""

    order: str
    product: str
    left_count: int


class Stock(Struct, frozen=True):
    """Members for a joining operation: usable now, and how many more are on their way."""

    usable_count: int = 0
    coming_count: int = 0


class Proposal(Struct, frozen=True):
    """Members that go together, in the order of their slots; `evidence` says how they were matched."""

    members: tuple[int, ...]
    evidence: MatchEvidence | None = None


class Denied(Struct, frozen=True):
    """The last check-in that a station was refused: when (UTC us), the codes, and what to do."""

    time_us: int
    codes: tuple[str, ...]
    text: str


class Resting(Struct, frozen=True):
    """An act that was refused or failed: it rests until it is due again; after some failures somebody is called."""

    station: str
    text: str
    count: int
    is_due: bool = False


class View(Struct, frozen=True, kw_only=True):
    """One snapshot of the line. Times in UTC us."""

    plant: Plant
    now_us: int
    token: str
    """A name never used before: for what is ordered or called next."""
    actor: str
    """Who the supervisor is in the record: it clears only its own calls."""
    signs: Mapping[str, Sign]
    """By dispatched station."""
    jobs: Mapping[str, JobRow]
    """Those that are not over, in the order of their dispatch, and those over that a station still holds."""
    waiting: tuple[Waiting, ...] = ()
    """The oldest first."""
    unfit: Mapping[int, str] = field(default_factory=dict)
    """Units of jobs that have not begun -> why they cannot be worked on any more."""
    brought: frozenset[str] = frozenset()
    """Jobs whose members are in one carrier, in the order of their slots."""
    wants: tuple[Want, ...] = ()
    """The oldest order first."""
    stock: Mapping[str, Stock] = field(default_factory=dict)
    """By joining operation."""
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    """By joining operation; none = nothing that is in stock goes together, or nobody asked."""
    loaded: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """What is free at each material position of a station, in the measure of its lot; none = empty."""
    denied: Mapping[str, Denied] = field(default_factory=dict)
    """By station."""
    resting: Mapping[str, Resting] = field(default_factory=dict)
    """By the subject of an act."""
    calls: tuple[CallRow, ...] = ()
    """Those that are open."""


# --- acts -------------------------------------------------------------------------------------------


class Wish(Struct, frozen=True, kw_only=True):
    """A job to be ordered, by the numbers of its units."""

    job: str
    station: str
    operation: str
    units: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    serves: str = ""
    order: str = ""


class Order(Struct, frozen=True):
    """Order jobs, all or none."""

    jobs: tuple[Wish, ...]
    evidence: MatchEvidence | None = None

    @property
    def station(self) -> str:
        """Station of the first job."""
        return self.jobs[0].station

    @property
    def subject(self) -> str:
        """What is tried: to join at a station, or to work on these units."""
        first = self.jobs[0]
        return order_subject(first.station, first.operation, first.units)


class Send(Struct, frozen=True):
    """Store a job order in its station, and let it begin."""

    station: str
    job: str

    @property
    def subject(self) -> str:
        """What is tried."""
        return f"send {self.job}"


class Withdraw(Struct, frozen=True):
    """Take a job order that has not begun back from its station."""

    station: str
    job: str

    @property
    def subject(self) -> str:
        """What is tried."""
        return f"withdraw {self.job}"


class Forget(Struct, frozen=True):
    """Let a station forget a job order that is over."""

    station: str
    job: str

    @property
    def subject(self) -> str:
        """What is tried."""
        return f"forget {self.job}"


class Prove(Struct, frozen=True):
    """Tell that a station gave a job order back."""

    station: str
    job: str
    digest: str

    @property
    def subject(self) -> str:
        """What is tried."""
        return f"prove {self.job}"


class Drop(Struct, frozen=True):
    """Give up a job that has not begun."""

    station: str
    job: str
    reason: str

    @property
    def subject(self) -> str:
        """What is tried."""
        return f"drop {self.job}"


class Raise(Struct, frozen=True):
    """Call somebody."""

    station: str
    call: str
    kind: str
    text: str

    @property
    def subject(self) -> str:
        """What is tried."""
        return f"call {key_of(self.call)}"


class Clear(Struct, frozen=True):
    """Say that what was called for is over."""

    station: str
    call: str
    reason: str

    @property
    def subject(self) -> str:
        """What is tried."""
        return f"clear {self.call}"


Act = Order | Send | Withdraw | Forget | Prove | Drop | Raise | Clear


def order_subject(station: str, operation: str, units: tuple[int, ...]) -> str:
    """Return what an order tries: to join at a station, or to work on these units."""
    return f"order {station} {operation} {units}"


def key_of(call: str) -> str:
    """Return what a call is about: its code without the name that makes it one of a kind."""
    return call.rpartition("/")[0]
