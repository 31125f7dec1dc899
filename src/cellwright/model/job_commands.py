"""Commands of dispatching: jobs for stations, and calls for somebody when a station cannot go on."""

from hashlib import sha256

from msgspec import Struct

from cellwright.model.wire import Code, CommandBase, Int64, Text


class Job(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job order: a station does one operation on named units, or joins named members in the order of their slots."""

    job: Code
    """Code of the job order, used once."""
    station: Code
    operation: Code
    units: tuple[Code, ...] = ()
    """Units to be worked on, in order; none where a unit is born of members."""
    members: tuple[Code, ...] = ()
    """Finished units to be joined, in the order of their slots; they are reserved until the job ends."""
    serves: Code = ""
    """Job whose reserved members this one prepares; "" = none."""
    order: Code = ""
    """Work order that it is done for; "" = none."""


class MatchEvidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How members were chosen: the stock they came from, and how far the plan is from the proved bound."""

    policy: Code
    """Name or digest of the policy."""
    stock_count: Int64
    placed_ratio: float
    bound_ratio: float
    gap_ratio: float


class DispatchJobs(CommandBase, frozen=True, kw_only=True):
    """Order jobs of stations, all or none; the same again changes nothing."""

    jobs: tuple[Job, ...]
    evidence: MatchEvidence | None = None
    """How their members were matched; null = they were not."""


class ProveJob(CommandBase, frozen=True, kw_only=True):
    """The station has the job order: what was read back from it is what was ordered."""

    job: Code
    digest: Code
    """Digest of the job order as the station gives it back."""


class AmendJob(CommandBase, frozen=True, kw_only=True):
    """Put other finished units in the place of members of a job that has not begun."""

    job: Code
    members: tuple[Code, ...]
    """Codes of reserved members that are given up."""
    replacements: tuple[Code, ...]
    """Codes of the units that take their places, one per member."""
    reason: Text = ""


class AbortJob(CommandBase, frozen=True, kw_only=True):
    """Give up a job that has not begun; what it reserved is free again."""

    job: Code
    reason: Text = ""


class RaiseCall(CommandBase, frozen=True, kw_only=True):
    """A station cannot go on by itself and calls for somebody; the same call again changes nothing."""

    call: Code
    """Code of the call, used once."""
    station: Code
    kind: Code
    """What is missing or wrong, as one word: material, stock, repair, sample, machine, recipe, read_back, refused."""
    text: Text
    """What is wrong, and what to do about it."""


class ClearCall(CommandBase, frozen=True, kw_only=True):
    """What a call was raised for is over."""

    call: Code
    reason: Text = ""


def job_digest(job: Job) -> str:
    """Return what a station must give back of a job order: SHA-256 (hex) of its lines.

    The lines are the codes of job, station and operation, the units, an empty line, the members; each ended by a line feed.
    """
    lines = (job.job, job.station, job.operation, *job.units, "", *job.members)
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
