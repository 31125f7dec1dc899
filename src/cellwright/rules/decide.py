"""The one door: a submission and the state in, facts and an answer out. Nothing is changed here."""

from typing import assert_never

from cellwright.model.commands import (
    AbortOperation,
    AddPerson,
    AssignCode,
    CheckIn,
    CheckOut,
    CloseOrder,
    DisablePerson,
    Disassemble,
    Disposition,
    ImportLots,
    InstallPack,
    LoadCarrier,
    LoadMaterial,
    PlaceHold,
    PlaceRecall,
    QualifyPerson,
    ReceiveLot,
    RecordCalibration,
    ReleaseHold,
    ReleaseLot,
    ReleaseOrder,
    ReleasePlant,
    RemovePack,
    ReplaceMember,
    ReplaceTool,
    ReturnUnits,
    ShipUnits,
    Submission,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.model.corrections import ReleaseCorrection
from cellwright.model.job_commands import AbortJob, AmendJob, ClearCall, DispatchJobs, ProveJob, RaiseCall
from cellwright.model.sample_commands import RecordSample
from cellwright.rules import (
    abort,
    calls,
    carriers,
    checkin,
    checkout,
    corrected_parts,
    corrected_runs,
    corrections,
    holds,
    imports,
    jobs,
    materials,
    orders,
    people,
    recalls,
    repair,
    sampling,
    whereabouts,
)
from cellwright.rules.reasons import Decision
from cellwright.rules.state import State


def decide(state: State, submission: Submission, now_us: int) -> Decision:  # noqa: C901, PLR0911, PLR0912 one case each
    """Decide one submission at the plant's time `now_us` (UTC us)."""
    command = submission.command
    match command:
        case CheckIn():
            return checkin.check_in(state, submission, command, now_us)
        case CheckOut():
            return checkout.check_out(state, submission, command, now_us)
        case AbortOperation():
            return abort.abort_operation(state, submission, command)
        case ReceiveLot():
            return materials.receive_lot(state, command)
        case ReleaseLot():
            return materials.release_lot(state, command)
        case LoadMaterial():
            return materials.load_material(state, command, now_us)
        case UnloadMaterial():
            return materials.unload_material(state, command)
        case LoadCarrier():
            return carriers.load_carrier(state, command)
        case UnloadCarrier():
            return carriers.unload_carrier(state, command)
        case PlaceHold():
            return holds.place_hold(state, command)
        case PlaceRecall():
            return recalls.place_recall(state, command)
        case ReleaseHold():
            return holds.release_hold(state, submission, command)
        case Disposition():
            return holds.disposition(state, command)
        case ReplaceMember():
            return repair.replace_member(state, submission, command)
        case Disassemble():
            return repair.disassemble(state, submission, command)
        case ShipUnits() | ReturnUnits() | InstallPack() | RemovePack() | AssignCode():
            return whereabouts.move(state, command, now_us)
        case ReplaceTool() | RecordCalibration() | RecordSample():
            return _maintain(state, command)
        case AddPerson():
            return people.add_person(state, command)
        case DisablePerson():
            return people.disable_person(state, command)
        case QualifyPerson():
            return people.qualify_person(state, command)
        case ReleasePlant():
            return people.release_plant(state, command)
        case ReleaseOrder():
            return orders.release_order(state, command)
        case CloseOrder():
            return orders.close_order(state, command)
        case ImportLots():
            return imports.import_lots(state, command, now_us)
        case DispatchJobs() | ProveJob() | AmendJob() | AbortJob():
            return jobs.order_jobs(state, command)
        case RaiseCall() | ClearCall():
            return calls.call(state, command)
        case CorrectRuns() | CorrectParts() | ReleaseCorrection():
            return _correct(state, submission, command)
        case _:
            assert_never(command)


def _maintain(state: State, command: ReplaceTool | RecordCalibration | RecordSample) -> Decision:
    if isinstance(command, ReplaceTool):
        return people.replace_tool(state, command)
    if isinstance(command, RecordSample):
        return sampling.record_sample(state, command)
    return people.record_calibration(state, command)


def _correct(state: State, submission: Submission, command: CorrectRuns | CorrectParts | ReleaseCorrection) -> Decision:
    if isinstance(command, ReleaseCorrection):
        return corrections.release_correction(state, submission, command)
    if isinstance(command, CorrectRuns):
        return corrected_runs.correct_runs(state, submission, command)
    return corrected_parts.correct_parts(state, submission, command)
