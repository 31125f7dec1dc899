"""Making a BMS ready: identify, flash, configure, give the pack's code, reset, read all back and compare."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cellwright.links.uds.contract import BmsContract, Parameter
from cellwright.links.uds.failures import Failure, FailureCode, UdsError
from cellwright.links.uds.flash import check_image, flash
from cellwright.links.uds.outcome import FLASH_STATES, Check, Identity, Job, Outcome, Step
from cellwright.links.uds.session import EXTENDED_SESSION, Session
from cellwright.links.uds.values import ValueRefusedError, decode, encode
from cellwright.model.codes import parse_code
from cellwright.model.ids import CODE_LENGTH, UnitKind

Wanted = tuple[Parameter, bytes]


def identify(session: Session) -> Identity:
    """Return what a BMS says about itself. Raises UdsError."""
    contract = session.contract
    session.change(EXTENDED_SESSION, step="identify")
    parameters = (contract.part_number, contract.software_id, contract.software_hash, contract.flash_state)
    part, software, digest, state = (decode(each, session.read(each, step="identify")) for each in parameters)
    return Identity(part_number=part, software_id=software, software_hash=digest, flash_state=state)


def commission(session: Session, job: Job) -> Outcome:
    """Do a job and say what became of it; never raises for what a BMS does or a job asks."""
    run = _Run(session, job)
    try:
        run.go()
    except UdsError as error:
        run.failure = error.failure
        run.look_again()
    return run.outcome()


class _Run:
    """A job under way: what is known so far."""

    def __init__(self, session: Session, job: Job) -> None:
        self.session, self.job, self.contract = session, job, session.contract
        self.failure: Failure | None = None
        self.before: Identity | None = None
        self.after: Identity | None = None
        self.block_count = 0
        self.checks: tuple[Check, ...] = ()
        self.steps: list[Step] = []
        self._began_s, self._repeated_before = time.monotonic(), session.repeated_count

    def go(self) -> None:
        with self._step("job"):
            wanted = _wanted(self.job, self.contract)
        with self._step("identify"):
            self.before = identify(self.session)
            self._expect_part(self.before)
        if self._needs_flash(self.before):
            self._flash()
        if wanted:
            self._configure(wanted)
        with self._step("read back"):
            self.after = identify(self.session)
            self._expect_part(self.after)
            self.checks = (*self._identity_checks(self.after), *(self._check(*each) for each in wanted))
            self._expect_equal()

    def look_again(self) -> None:
        """After a failure: say in which state the BMS is left, when it still answers."""
        self.session.is_stopped = lambda: False
        if self.before is not None and self.after is None:
            with suppress(UdsError):
                self.after = identify(self.session)

    def outcome(self) -> Outcome:
        return Outcome(
            ok=self.failure is None,
            failure=self.failure,
            before=self.before,
            after=self.after,
            block_count=self.block_count,
            repeated_count=self.session.repeated_count - self._repeated_before,
            checks=self.checks,
            steps=tuple(self.steps),
            duration_ms=round((time.monotonic() - self._began_s) * 1000, 1),
        )

    def _flash(self) -> None:
        if self.job.image is not None:
            with self._step("flash"):
                self.block_count = flash(self.session, self.job.image)
                self.session.reset(step="reset after flash")

    def _configure(self, wanted: tuple[Wanted, ...]) -> None:
        with self._step("configure"):
            self.session.change(EXTENDED_SESSION, step="configure")
            self.session.unlock(step="security access")
            for parameter, raw in wanted:
                self.session.write(parameter, raw, step="configure")
            self.session.reset(step="reset after configuration")

    def _needs_flash(self, found: Identity) -> bool:
        image = self.job.image
        if image is None:
            return False
        is_there = (found.software_id, found.software_hash) == (image.software_id, image.sha256.lower())
        return self.job.flashes_again or not is_there or FLASH_STATES.get(found.flash_state) != "complete"

    def _expect_part(self, found: Identity) -> None:
        if found.part_number != self.job.part_number:
            text = f"the BMS is part {found.part_number!r}, the pack needs {self.job.part_number!r}; "
            text += "nothing was written; put the right one in"
            raise UdsError(Failure(code=FailureCode.WRONG_PART, step="identify", text=text))

    def _identity_checks(self, found: Identity) -> Iterator[Check]:
        image = self.job.image
        if image is not None:
            yield _compared("software_id", image.software_id, found.software_id)
            yield _compared("software_hash", image.sha256.lower(), found.software_hash)
        yield _compared("flash_state", "1", found.flash_state)

    def _check(self, parameter: Parameter, raw: bytes) -> Check:
        found = self.session.read(parameter, step="read back")
        return Check(
            name=parameter.name,
            unit=parameter.unit,
            expected=decode(parameter, raw),
            found=decode(parameter, found),
            equal=found == raw,
        )

    def _expect_equal(self) -> None:
        wrong = [each for each in self.checks if not each.equal]
        if wrong:
            shown = "; ".join(f"{each.name} is {each.found}, expected {each.expected}" for each in wrong)
            is_software = wrong[0].name in {"software_id", "software_hash", "flash_state"}
            code = FailureCode.WRONG_SOFTWARE if is_software else FailureCode.NOT_EQUAL
            text = f"read back: {shown}; do it again, and if it stays so take the BMS out"
            raise UdsError(Failure(code=code, step="read back", text=text))

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began_s, ok = time.monotonic(), False
        try:
            yield
            ok = True
        finally:
            self.steps.append(Step(name=name, ok=ok, duration_ms=round((time.monotonic() - began_s) * 1000, 1)))


def _wanted(job: Job, contract: BmsContract) -> tuple[Wanted, ...]:
    """Return what is to be written, as bytes, before anything is touched. Raises UdsError for what cannot be."""
    failure = None if job.image is None else check_image(job.image, contract)
    if failure is not None:
        raise UdsError(failure)
    _expect_pack_code(job.pack_code)
    known = {each.name: each for each in contract.configuration}
    unknown = sorted(set(job.configuration) - set(known))
    if unknown:
        raise _refusal(f"the contract has no {', '.join(unknown)}; it has {', '.join(known)}")
    try:
        values = [(known[name], encode(known[name], value)) for name, value in job.configuration.items()]
        codes = [(contract.pack_code, encode(contract.pack_code, job.pack_code))] if job.pack_code else []
    except ValueRefusedError as error:
        raise _refusal(str(error)) from error
    return (*values, *codes)


def _expect_pack_code(text: str) -> None:
    reading = parse_code(text) if text else None
    if reading is None:
        return
    if reading.problems:
        raise _refusal(f"pack code {text!r}: {'; '.join(each.text for each in reading.problems)}")
    if reading.code is None or reading.code.kind is not UnitKind.PACK or len(text) != CODE_LENGTH:
        raise _refusal(f"pack code {text!r} is not a pack's of {CODE_LENGTH} characters (P as character 4)")


def _refusal(text: str) -> UdsError:
    return UdsError(Failure(code=FailureCode.BAD_VALUE, step="job", text=f"{text}; nothing was written"))


def _compared(name: str, expected: str, found: str) -> Check:
    return Check(name=name, unit="", expected=expected, found=found, equal=expected == found)
