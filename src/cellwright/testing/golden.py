"""Golden files: facts that must decode for ever, answers of refusals, and JSON Schemas of the wire."""

from typing import Any, get_args

import msgspec
from msgspec import structs

from cellwright.model.answers import Answer
from cellwright.model.commands import (
    AbortOperation,
    AssignCode,
    CloseOrder,
    DisablePerson,
    Disposition,
    DispositionAction,
    HoldSubject,
    InstallPack,
    Marks,
    PlaceHold,
    Profile,
    ReleaseHold,
    ReleaseLot,
    ReleaseOrder,
    RemovePack,
    ReplaceMember,
    ReplaceTool,
    ReturnUnits,
    ShipUnits,
    Submission,
    UnloadMaterial,
)
from cellwright.model.correction_facts import PartsCorrected, RunsCorrected
from cellwright.model.corrections import CorrectionReleased
from cellwright.model.facts import (
    CodesAssigned,
    Envelope,
    Fact,
    OperationCompleted,
    PackInstalled,
    PackRemoved,
    RouteReleased,
    UnitsReturned,
    UnitsShipped,
)
from cellwright.model.job_commands import (
    AbortJob,
    AmendJob,
    ClearCall,
    DispatchJobs,
    MatchEvidence,
    ProveJob,
    job_digest,
)
from cellwright.model.job_facts import CallCleared, CallRaised, JobAmended, JobEnded, JobProved, JobsDispatched
from cellwright.model.sample_facts import SampleRecorded
from cellwright.testing.ageing_plant import aged, ageing_plant
from cellwright.testing.flow import Driver, results
from cellwright.testing.provocations import PROVOCATIONS
from cellwright.testing.stories_correct import cans, coated, parts, wrong_cans
from cellwright.testing.stories_corrections import RELEASE, correcting_plant, signers
from cellwright.testing.stories_import import sample_import
from cellwright.testing.stories_jobs import CALL, cells_and_job
from cellwright.testing.stories_samples import pulled, sampled_plant
from cellwright.testing.stories_whereabouts import SECOND_LIFE, VINS, packs

FACT_TYPES: tuple[type[Any], ...] = get_args(Fact)


def sample_envelopes() -> dict[str, Envelope]:
    """Return one envelope per fact type, from a tour through the tiny plant."""
    driver = Driver()
    driver.receive("PRIMER-1", "primer", 5000, certificate_sha256="", expires_us=driver.now_us + 10**12)
    driver.must(ReleaseLot(lot="PRIMER-1", certificate_sha256="d" * 64))
    driver.supply()
    seen = Profile(characteristic="areal_weight_gsm", lane=1, step=1000, values=(201.5, None, 199.25))
    bare = Marks(defects=("missing_coat",), outputs=(0,), starts=(1200,), ends=(1450,), lanes=(1,))
    driver.coat(3000, results=results(areal_weight_gsm=[200.25]), profiles=(seen,), marks=bare)
    driver.person("QA1", "quality")
    driver.person("QA2", "quality", qualification="hv_work")
    _go_wrong(driver)
    module, cells = driver.module()
    _repair(driver, module, cells[1])
    driver.must(UnloadMaterial(station="MOD-01", position="kit"))
    driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
    driver.submit(driver.ask("TEST-01", units=(module,), person="EVE"))
    samples = _richest(driver.envelopes)
    for story in (_travelled(), _dispatched(), _corrected(), _graded(), _aged(), _sampled()):
        samples |= _richest(story)
    return {kind.__name__: samples[kind] for kind in FACT_TYPES if kind in samples}


def _go_wrong(driver: Driver) -> None:
    units = driver.check_in("WIND-01", count=3).units
    driver.check_out(
        "WIND-01",
        units=units,
        verdicts=(True, False, True),
        defects=("", "overhang", ""),
        results=results(overhang_mm=[0.5, 3.25, None]),
        consumed=driver.takes("WIND-01", 3),
        person="QA1",
    )
    again = driver.check_in("WIND-01", count=1).units
    driver.must(AbortOperation(station="WIND-01", units=again, reason="spindle broke"), actor="QA1")
    codes = units[:1]
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=codes, reason="dropped"), actor="QA1")
    driver.must(ReleaseHold(hold=1, reason="looked at", second_person="QA2"), actor="QA1")
    driver.must(Disposition(units=codes, action=DispositionAction.SCRAP, reason="dented"), actor="QA1")
    driver.submit(driver.ask("ASM-01", units=codes))
    driver.must(DisablePerson(person="QA1"))
    driver.must(ReleaseOrder(order="WO-1", product="module", quantity=3, due_us=driver.now_us + 10**12), actor="PLAN")
    driver.must(CloseOrder(order="WO-1", reason="made elsewhere"), actor="PLAN")
    driver.must(sample_import(driver.now_us), actor="PLAN")


def _repair(driver: Driver, module: str, old: str) -> None:
    driver.person("MEND", "maintenance")
    new = driver.graded(1, "TRAY-2")
    command = ReplaceMember(parent=module, members=(old,), replacements=new, operation="", reason="voltage drops")
    driver.must(command, actor="MEND")


def _travelled() -> list[Envelope]:
    """Return the facts of packs that left, in a plant of their own."""
    driver = Driver()
    first, second = packs(driver)
    driver.must(ShipUnits(units=(first,), partner="OEM-1", reference="DN-7"))
    driver.must(
        InstallPack(packs=(first, second), vehicles=VINS[:2], positions=("1", ""), times_us=(driver.now_us,) * 2)
    )
    driver.wait(60)
    driver.must(RemovePack(packs=(first, second), times_us=(driver.now_us,) * 2, reason="swap"))
    driver.must(ReturnUnits(units=(first,), reason="second use"))
    driver.must(AssignCode(units=(first,), codes=(SECOND_LIFE,), reason="second use"))
    kinds = (UnitsShipped, UnitsReturned, PackInstalled, PackRemoved, CodesAssigned)
    return [each for each in driver.envelopes if isinstance(each.fact, kinds)]


def _dispatched() -> list[Envelope]:
    """Return the facts of a line that runs by itself, in a plant of its own."""
    driver = Driver()
    cells, spares, job = cells_and_job(driver)
    driver.must(ReleaseOrder(order="WO-1", product="module", quantity=1))
    job = structs.replace(job, order="WO-1")
    evidence = MatchEvidence(policy="default", stock_count=6, placed_ratio=0.5, bound_ratio=1.0, gap_ratio=0.5)
    driver.must(DispatchJobs(jobs=(job,), evidence=evidence), actor="LINE-1")
    driver.must(ProveJob(job="J-1", digest=job_digest(job)), actor="LINE-1")
    driver.must(AmendJob(job="J-1", members=cells[:1], replacements=spares[:1], reason="dented"), actor="LINE-1")
    driver.must(AbortJob(job="J-1", reason="order withdrawn"), actor="LINE-1")
    driver.must(CALL, actor="LINE-1")
    driver.must(ClearCall(call="CALL-1", reason="6 cells came"), actor="LINE-1")
    kinds = (JobsDispatched, JobProved, JobAmended, JobEnded, CallRaised, CallCleared)
    return [each for each in driver.envelopes if isinstance(each.fact, kinds)]


def _corrected() -> list[Envelope]:
    """Return the facts of corrections, in a plant of their own."""
    driver = Driver()
    driver.must(cans(wrong_cans(driver)), actor="QA1")
    other = Driver()
    other.must(parts(coated(other), tolerances=(80, 80)), actor="QA1")
    kinds = (RunsCorrected, PartsCorrected)
    return [each for each in (*driver.envelopes, *other.envelopes) if isinstance(each.fact, kinds)]


def _graded() -> list[Envelope]:
    """Return the facts of a page that is corrected by released effects, in a plant of their own."""
    driver = signers(Driver(correcting_plant()))
    driver.supply()
    driver.must(RELEASE, actor="QA1")
    gauges: dict[str, list[float | None]] = {
        "chamber_c": [24.0, 24.0, None],
        "chamber_no": [1.0, 1.0, 1.0],
        "channel_no": [0.0, 7.0, 2.0],
    }
    driver.graded(3, results=results(capacity_ah=[6.2, 6.25, 6.5], **gauges))
    released = [each for each in driver.envelopes if isinstance(each.fact, CorrectionReleased)]
    return [*released, next(each for each in reversed(driver.envelopes) if isinstance(each.fact, OperationCompleted))]


def _aged() -> list[Envelope]:
    """Return the facts of a page whose self-discharge is known of some, and of the route that says how, in a plant of their own."""
    driver = Driver(ageing_plant())
    driver.supply()
    driver.graded(3, results=aged([0.1, 0.2, 0.1], rest_h=[36.0, 36.0, 12.0]))
    routes = [each for each in driver.envelopes if isinstance(each.fact, RouteReleased)]
    return [*routes, next(each for each in reversed(driver.envelopes) if isinstance(each.fact, OperationCompleted))]


def _sampled() -> list[Envelope]:
    """Return the facts of a sample that failed, in a plant of its own."""
    driver = Driver(sampled_plant())
    driver.supply()
    cells = driver.wind(2)
    sample = structs.replace(pulled(80.5, None, units=cells[1:]), person="B-17", reason="report 12")
    driver.must(sample, actor="B-17")
    return [each for each in driver.envelopes if isinstance(each.fact, SampleRecorded)]


def _richest(envelopes: list[Envelope]) -> dict[type[Any], Envelope]:
    """Return the longest envelope of each fact type: the one that uses most fields."""
    found: dict[type[Any], Envelope] = {}
    for envelope in sorted(envelopes, key=lambda each: len(msgspec.json.encode(each))):
        found[type(envelope.fact)] = envelope
    return found


def refusal_lines() -> list[bytes]:
    """Return one JSON line per story of a refusal: its code, its name and the whole answer."""
    lines = []
    for story in PROVOCATIONS:
        answer = story.run(Driver())
        lines.append(msgspec.json.encode({"code": story.code, "story": story.name, "answer": answer}))
    return lines


def schemas() -> dict[str, bytes]:
    """Return the JSON Schemas of submissions, envelopes of facts, and answers by file name."""
    kinds: dict[str, Any] = {"submission": Submission, "fact": Envelope, "answer": Answer}
    return {
        f"{name}.schema.json": msgspec.json.format(msgspec.json.encode(msgspec.json.schema(kind)), indent=1) + b"\n"
        for name, kind in kinds.items()
    }
