"""`edge module run`: a module on recorded inputs, and whatever was evaluated once evaluated again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.cli.inputs import Data, data_options, read_inputs, read_module
from edge.cli.options import EXISTING_FILE, FILE, as_identity, as_json, load_identity, run
from edge.cli.output import plain, print_json, safe, time_text
from edge.cli.times import Time
from edge.errors import InvalidRequestError
from edge.sandbox.engine import conditions_of, limits_under
from edge.sandbox.evaluation import FaultCode
from edge.services.compare import Comparison, compare
from edge.services.record_file import Record, read_record
from edge.services.run_module import ModuleFile, run_module
from edge.settings import SandboxLimits
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient

if TYPE_CHECKING:
    from edge.sandbox.evaluation import MeasuredEvaluation
    from edge.services.subjects import Inputs, Subject
    from edge_sdk.wire.v1.operator_pb2 import ReplayEvaluationResponse

_AT_EDGE = re.compile(r"([^/@]+/[^/@]+)@(.+)")
_DIFFERENCES_SHOWN = 50


@click.command(name="run")
@click.argument("file", type=EXISTING_FILE, required=False)
@data_options
@click.option("--record", "record_to", type=FILE, help="Write inputs and what came of them there.")
@click.option("--replay", "replayed", help="A file that --record wrote, or ORGANIZATION/TRIGGER@TIME at an edge.")
@click.option("--interpreter", is_flag=True, help="Evaluate by the interpreter in place of native code.")
@click.option(
    "--fuel-max",
    type=click.IntRange(1),
    default=SandboxLimits().fuel_max,
    show_default=True,
    help="Of one evaluation. A replay has the limits that were recorded.",
)
@as_identity(required=False)
@as_json
def run_(
    file: Path | None,
    file_of_inputs: Path | None,
    record_to: Path | None,
    replayed: str | None,
    interpreter: bool,
    fuel_max: int,
    identity_folder: Path | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Evaluate the module in FILE on recorded inputs, or again what was evaluated before.

    A replay exits with 1 if an outcome, a fault or the fuel is another, or the module is.
    `docs/replay.md` says how inputs are written.
    """
    if (file_of_inputs is None) == (replayed is None):
        raise click.UsageError("Give either --inputs or --replay.")
    if record_to is not None and replayed is not None:
        raise click.UsageError("--record goes with --inputs.")
    if replayed is not None and file is None:
        _replay_at_edge(replayed, identity_folder, interpreter=interpreter, as_json=as_json)
        return
    if file is None:
        raise click.UsageError("Give the FILE of a module.")
    limits = SandboxLimits(fuel_max=fuel_max)
    module = read_module(file, limits)
    if replayed is not None:
        _replay(module, Path(replayed), interpreter=interpreter, as_json=as_json)
        return
    assert file_of_inputs is not None
    inputs = read_inputs(Data(file_of_inputs, **how), module)
    evaluation = run_module(module, inputs.block, limits, interpreter=interpreter)
    if record_to is not None:
        record_to.touch(mode=0o600)  # it holds readings
        record_to.write_bytes(_record(module, inputs, evaluation, limits).to_json())
    _show_run(module, inputs, evaluation, interpreter=interpreter, as_json=as_json)


def _record(module: ModuleFile, inputs: Inputs, evaluation: MeasuredEvaluation, limits: SandboxLimits) -> Record:
    return Record(
        module_digest=module.digest,
        manifest_digest=module.manifest_digest,
        trigger=module.manifest.trigger.name,
        version=module.manifest.trigger.version,
        conditions=conditions_of(limits),
        inputs=inputs,
        outcomes=evaluation.outcomes,
        faults=evaluation.faults,
        fuel_total=evaluation.fuel_total,
    )


def _show_run(
    module: ModuleFile, inputs: Inputs, evaluation: MeasuredEvaluation, *, interpreter: bool, as_json: bool
) -> None:
    rows = [
        {
            "household": subject.household,
            "slot_ms": subject.slot_ms,
            "outcome": int(evaluation.outcomes[row]),
            "action": module.action_name(int(evaluation.outcomes[row])),
            "fault": _fault_name(int(evaluation.faults[row])),
            "fuel": int(evaluation.fuel[row]),
        }
        for row, subject in enumerate(inputs.subjects)
    ]
    if as_json:
        print_json(
            {
                "module": module.digest,
                "trigger": module.manifest.trigger.name,
                "version": module.manifest.trigger.version,
                "interpreter": interpreter,
                "evaluations": rows,
                "fuel_total": evaluation.fuel_total,
            }
        )
        return
    for subject, row in zip(inputs.subjects, rows, strict=True):
        came = f"fault {row['fault']}" if row["fault"] else row["action"] or "nothing"
        click.echo(f"{_named(subject)}  {came:24} {row['fuel']:>12,} fuel")
    click.echo(f"{len(rows)} evaluations, {evaluation.fuel_total:,} fuel")


def _replay(module: ModuleFile, record_file: Path, *, interpreter: bool, as_json: bool) -> None:
    record = read_record(record_file)
    if record.inputs.block.shape[1] != module.manifest.samples:
        raise InvalidRequestError(
            f"The record's inputs have {record.inputs.block.shape[1]} samples, the module's {module.manifest.samples}.",
            advice=f"It is of {record.trigger} {record.version}, {record.module_digest}.",
            reason="RECORD_INVALID",
        )
    limits = limits_under(record.conditions, SandboxLimits())
    replayed = run_module(module, record.inputs.block, limits, interpreter=interpreter)
    comparison = compare(record, replayed)
    same_module = (record.module_digest, record.manifest_digest) == (module.digest, module.manifest_digest)
    differing = _differing(record, replayed, comparison)
    same = same_module and comparison.same
    answer = {
        "same": same,
        "same_module": same_module,
        "module_recorded": record.module_digest,
        "module": module.digest,
        "evaluations": comparison.evaluations,
        "differing": differing,
        "wall_clock": comparison.wall_clock,
        "fuel_same": comparison.fuel_same,
        "fuel_recorded": comparison.fuel_recorded,
        "fuel_replayed": comparison.fuel_replayed,
        "runtime_recorded": record.conditions.runtime,
        "runtime_replayed": conditions_of(limits).runtime,
        "interpreter": interpreter,
    }
    if as_json:
        print_json(answer)
    else:
        _show_replay(answer)
    if not same:
        raise SystemExit(1)


def _differing(record: Record, replayed: MeasuredEvaluation, comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "row": row + 1,
            "household": record.inputs.subjects[row].household,
            "slot_ms": record.inputs.subjects[row].slot_ms,
            "outcome_recorded": int(record.outcomes[row]),
            "outcome": int(replayed.outcomes[row]),
            "fault_recorded": _fault_name(int(record.faults[row])),
            "fault": _fault_name(int(replayed.faults[row])),
        }
        for row in sorted({*comparison.outcomes_differ, *comparison.faults_differ})
    ]


def _show_replay(answer: dict[str, Any]) -> None:
    if not answer["same_module"]:
        click.echo(safe(f"another module: recorded {answer['module_recorded']}, replayed {answer['module']}"))
    for item in answer["differing"][:_DIFFERENCES_SHOWN]:
        when = "" if item["slot_ms"] is None else f" at {time_text(item['slot_ms'])}"
        was = item["fault_recorded"] or f"outcome {item['outcome_recorded']}"
        now = item["fault"] or f"outcome {item['outcome']}"
        click.echo(safe(f"row {item['row']}, {item['household'] or 'the neighbourhood'}{when}: was {was}, is {now}"))
    if len(answer["differing"]) > _DIFFERENCES_SHOWN:
        click.echo(f"... and {len(answer['differing']) - _DIFFERENCES_SHOWN} more; --json has them all")
    if answer["fuel_same"] is False:
        click.echo(f"fuel: was {answer['fuel_recorded']:,}, is {answer['fuel_replayed']:,}")
    if answer["wall_clock"]:
        click.echo(f"not compared: {answer['wall_clock']} stopped by the wall clock, and with them the sum of fuel")
    if answer["runtime_recorded"] != answer["runtime_replayed"]:
        click.echo(safe(f"recorded under {answer['runtime_recorded']}, replayed under {answer['runtime_replayed']}"))
    click.echo(f"{'same' if answer['same'] else 'NOT THE SAME'}: {answer['evaluations']} evaluations")


def _replay_at_edge(named: str, identity_folder: Path | None, *, interpreter: bool, as_json: bool) -> None:
    found = _AT_EDGE.fullmatch(named)
    if found is None:
        raise click.UsageError("--replay without FILE names ORGANIZATION/TRIGGER@TIME, as the audit log has it.")
    if identity_folder is None:
        raise click.UsageError("Give the operator's identity with --as.")
    slot_ms = Time().convert(found[2], None, None)
    answer = run(_ask(load_identity(identity_folder, Role.OPERATOR), found[1], slot_ms, interpreter=interpreter))
    if as_json:
        print_json(plain(answer))
    else:
        _show_answer(answer)
    if not answer.same:
        raise SystemExit(1)


async def _ask(identity: Identity, trigger: str, slot_ms: int, *, interpreter: bool) -> ReplayEvaluationResponse:
    async with OperatorClient(identity) as client:
        return await client.replay(trigger, slot_ms, interpreter=interpreter)


def _show_answer(answer: ReplayEvaluationResponse) -> None:
    click.echo(safe(f"module {answer.module_digest}"))
    fuel = "not compared" if not answer.HasField("fuel_same") else "the same" if answer.fuel_same else "ANOTHER"
    click.echo(
        f"{answer.evaluations} evaluations: {answer.outcomes_differ} with another outcome, "
        f"{answer.faults_differ} with another fault, {answer.wall_clock} not compared; fuel {fuel}"
    )
    proven = "are those of the audit log" if answer.inputs_proven else "are NOT those of the audit log"
    click.echo(f"the recorded inputs {proven}")
    click.echo(safe(f"recorded under {answer.runtime_recorded}, replayed under {answer.runtime_replayed}"))
    click.echo("same" if answer.same else "NOT THE SAME")


def _named(subject: Subject) -> str:
    name = safe(subject.household) or "(neighbourhood)"
    return f"{name:20}" if subject.slot_ms is None else f"{time_text(subject.slot_ms)}  {name:20}"


def _fault_name(fault: int) -> str:
    return FaultCode(fault).name.lower() if fault else ""
