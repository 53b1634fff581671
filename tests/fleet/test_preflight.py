"""What stands in the way of measuring, where several names are one machine."""

from profiler.fleet.messages import CheckAnswer, Job, JobThere, ModelThere
from profiler.fleet.preflight import Ready, _with_free_machines, _with_same_models, machines

TAKEN = "the plan p of ann measures its cell c there since 2026-01-01T00:00:00Z"


OURS = [Job(plan="p-1", name="c.1"), Job(plan="p-2", name="c.2")]


def answered(
    host: str, boot_id: str | None, *, measuring: bool = True, jobs: tuple[str, ...] = (), job: Job | None = None
) -> Ready:
    answer = CheckAnswer(
        version="1",
        node=host,
        architecture="x86_64",
        boot_id=boot_id,
        free_disk_bytes=0,
        jobs={f"j{number}": JobThere(state=state) for number, state in enumerate(jobs)},  # type: ignore[arg-type]
        measuring=TAKEN if measuring else None,
        measured_job=job,
    )
    return Ready(host, answer, ())


def problems(*found: Ready) -> dict[str, tuple[str, ...]]:
    return {each.host: each.problems for each in _with_free_machines(found, OURS)}


def test_somebody_elses_measurement_is_in_the_way_of_every_name_of_its_machine() -> None:
    told = f"{TAKEN}. One measurement runs at a time on a machine: wait for it."
    found = problems(answered("a", "m"), answered("b", "m", jobs=("ended",)), answered("c", "other", measuring=False))
    assert found == {"a": (f"a: {told}",), "b": (f"b: {told}",), "c": ()}


def test_a_job_of_ours_under_another_name_of_the_machine_is_not() -> None:
    assert problems(answered("a", "m", jobs=("running",)), answered("b", "m")) == {"a": (), "b": ()}


def test_a_job_of_ours_that_has_ended_before_its_own_name_was_looked_at_is_not() -> None:
    found = answered("a", "m", job=OURS[1]), answered("b", "m", measuring=False, jobs=("ended",))
    assert problems(*found) == {"a": (), "b": ()}


def test_a_job_of_the_same_plan_carried_out_by_somebody_else_is() -> None:
    theirs = Job(plan="p-3", name="c.2")
    assert [bool(each) for each in problems(answered("a", "m", job=theirs)).values()] == [True]


def test_hosts_that_do_not_say_which_machine_they_are_are_one_each() -> None:
    found = [answered("a", None, jobs=("running",)), answered("b", None), Ready("c", None, ("gone",))]
    assert machines(found) == [["a"], ["b"], ["c"]]
    assert [bool(each) for each in problems(*found).values()] == [False, True, True]


def test_a_host_that_is_not_ready_does_not_say_which_file_of_a_model_is_the_right_one() -> None:
    def having(host: str, digest: str, *wrong: str) -> Ready:
        found = answered(host, None, measuring=False)
        assert found.answer is not None
        found.answer.models = {"m": ModelThere(sha256=digest)}
        return Ready(host, found.answer, wrong)

    told = _with_same_models([having("a", "old", "it has Aforo 0.0.9"), having("b", "new"), having("c", "new")])
    assert [each.host for each in told] == ["a", "b", "c"]
    assert [each.is_ready for each in told] == [False, True, True]
