"""A run from one end to the other: start the server, warm up, measure, stop, summarise, report."""

import platform
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext, suppress
from dataclasses import replace
from typing import Any

from profiler import __version__
from profiler.cache import cache_folder
from profiler.cost.facts import resolve
from profiler.cost.prices import REFRESHED
from profiler.energy.meters import AUTO, NONE, Meters
from profiler.errors import AforoError, InterruptedRunError, RecordError, ServerError
from profiler.hosts.detect import this_host
from profiler.hosts.facts import HostFacts
from profiler.hosts.roofline import measure_and_keep
from profiler.progress import Progress
from profiler.results.folder import Journal, RunFolder
from profiler.results.manifest import ClientFacts, EnergyFacts, EngineFacts, Manifest, Point, Status
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.results.summary import PointSummary, Summary
from profiler.run.calibrate import calibrate
from profiler.run.cpus import format_cpus
from profiler.run.interrupt import Interrupt
from profiler.run.jobs import Asked, Layout, bounded, spool_requests
from profiler.run.load_progress import LoadProgress
from profiler.run.options import Options
from profiler.run.phases import LoadPhases, PhaseBlock
from profiler.run.plan import Plan, load_per_core, make_plan
from profiler.run.precision import Precision
from profiler.run.recompute import recompute, summaries_of, summary_of
from profiler.run.sampling import SAMPLES_PER_S, Sampler
from profiler.search.strategy import is_one_point, most_in_flight, search_for
from profiler.servers.body import BodyChanges
from profiler.servers.engines import slow_build
from profiler.servers.openai_api import is_same_model, other_model
from profiler.servers.probe import make_probe
from profiler.servers.secrets import hide_arguments
from profiler.timing.clock import Clock, sample_wall_offset
from profiler.timing.driver_client import LoadDriver, load_driver
from profiler.timing.interpret import to_record
from profiler.timing.messages import BlockBegan, Exchange, Hello, Job, JobDone, Message
from profiler.units import s_to_ns
from profiler.wire_audit.control import require_capture, wire_capture
from profiler.wire_audit.wire_file import WIRE_FILE
from profiler.workloads.messages import Prompt
from profiler.workloads.phases import IDLE
from profiler.workloads.prompts import make_prompts
from profiler.workloads.sizes import prompt_warnings

_ISO = "%Y-%m-%dT%H:%M:%SZ"
_DYING_S = 0.5  # a server that hangs up gets this long to show whether it has died
_MOST_OTHER_MODELS = 3  # named in warnings; a router may answer as any number
_BUSY_LOAD_PER_CORE = 0.5
_GONE = {Outcome.RESET, Outcome.TRUNCATED, Outcome.CONNECT_REFUSED}


class Finished:
    """What a run leaves behind: its folder, its summary, and the error that ended it, if one did."""

    def __init__(self, folder: RunFolder, manifest: Manifest, summary: Summary, error: AforoError | None) -> None:
        """Collect the parts."""
        self.folder = folder
        self.manifest = manifest
        self.summary = summary
        self.error = error


def profile(options: Options, progress: Progress, clock: Clock) -> Finished:
    """Carry out a run. Raises `UsageError` before anything has started; afterwards errors are in the result."""
    if options.wire_audit:
        require_capture(options.url)
    with Interrupt() as interrupt:
        plan = make_plan(options, progress, clock, interrupt.check)
        interrupt.check()
        plan = replace(plan, folder=plan.folder.create())
        run = _Run(plan, progress, clock, interrupt)
        error = run.carry_out()
        plan.folder.check_is_there()
        progress.stage("Writing the report")
        try:
            manifest, summary = recompute(plan.folder)
        except RecordError as unwritten:
            error = error or unwritten
            manifest, summary = summary_of(plan.folder)
        return Finished(plan.folder, manifest, summary, error)


class _RefusedError(Exception):
    """An endpoint has refused the first request that it was sent, perhaps for one of its fields; how it said so."""


class _Run:
    """The state of a run while it is carried out."""

    def __init__(self, plan: Plan, progress: Progress, clock: Clock, interrupt: Interrupt) -> None:
        self._plan = plan
        self._endpoint = plan.endpoint
        self._server = plan.server  # None: it runs already
        self._progress = progress
        self._clock = clock
        self._interrupt = interrupt
        self._precision = Precision(plan.workload.until)
        self._has_begun = False
        self._is_probed = False  # whether it is known that the endpoint takes what is sent
        self._other_models: set[str] = set()
        self._untaken: deque[Message] = deque()
        self._journals = ExitStack()
        self._manifest: Manifest
        self._requests: Journal
        self._samples: Journal
        self._meters: Meters

    def carry_out(self) -> AforoError | None:
        """Do it all; return what ended it early. The folder says the same, unless not even `run.json` was written."""
        try:
            options = self._plan.options
            with (
                load_driver(options.client_workers, self._plan.cpus.client, realtime=options.realtime_client) as driver,
                Meters(self._meters_wanted(), self._clock, gpus=options.gpus) as self._meters,
            ):
                self._begin(driver)
                with self._wire_audit():
                    try:
                        self._measure(driver)
                    finally:
                        self._stop_server()
        except BaseException as ended:
            error = _as_ours(ended)
            if not self._has_begun:
                self._plan.folder.discard()
                raise error or ended from ended
            self._end("interrupted" if isinstance(ended, InterruptedRunError) else "failed", str(error or repr(ended)))
            if error is None:  # a defect of Aforo: run.json says so, and it goes on to whoever can mend it
                raise
            return error
        self._end("complete", None)
        return None

    def _begin(self, driver: LoadDriver) -> None:
        plan, hello, described = self._plan, driver.hello, self._host()
        host = described.model_dump(mode="json")
        self._manifest = Manifest(
            tool_version=__version__,
            run_id=plan.folder.path.name,
            status="running",
            started_utc=self._clock.utc().strftime(_ISO),
            command_line=plan.command_line(),
            seed=plan.options.seed,
            nonce=plan.nonce,
            prompts_are_new=plan.nonce is not None and plan.options.nonce is None,
            workload=plan.workload.model_dump(mode="json"),
            overrides=plan.overridden,
            limits=dict(plan.limits),
            body=plan.body.facts(),
            model=plan.model,
            lora=plan.lora,
            engine=self._engine_facts(),
            host=host,
            client=ClientFacts(
                python=platform.python_version(),
                stamp_source="kernel" if hello.kernel_stamps else "user",
                stamp_note=hello.note,
                is_realtime=hello.is_realtime,
                workers=len(driver.pids),
                cpus=format_cpus(plan.cpus.client) or None,
                cpus_reason=plan.cpus.reason,
            ),
            energy=self._energy_facts(host),
            cost=resolve(plan.said, {} if self._is_elsewhere else host, cache_folder() / REFRESHED),
            wall_offset_ns=sample_wall_offset().offset_ns,
            warnings=_warnings(plan, hello, described),
        )
        plan.folder.write_manifest(self._manifest)
        self._has_begun = True
        self._requests = self._journals.enter_context(closing(Journal(plan.folder.requests)))
        self._samples = self._journals.enter_context(closing(Journal(plan.folder.samples)))

    @property
    def _is_elsewhere(self) -> bool:
        """Whether the server runs on another machine, about which ours says nothing."""
        return self._endpoint.describe().is_elsewhere

    def _meters_wanted(self) -> str:
        """Of a server elsewhere only what was named is read: whoever names a meter knows what it measures."""
        wanted = self._plan.options.meters
        return NONE if self._is_elsewhere and wanted == AUTO else wanted

    def _energy_facts(self, host: Mapping[str, Any]) -> EnergyFacts:
        """Describe meters and models of the machine that serves."""
        if not self._is_elsewhere:
            return self._meters.facts(host)
        if self._plan.options.meters == AUTO:
            return EnergyFacts(reason="the server runs on another machine, whose meters cannot be read from here")
        return self._meters.facts({})

    def _engine_facts(self) -> EngineFacts:
        """What the server says of itself, and the processors that it was put on; no secret of its command line."""
        facts = self._endpoint.describe()
        cpus = format_cpus(self._plan.cpus.server) or None
        return facts.model_copy(update={"cpus": cpus, "command": hide_arguments(facts.command)})

    def _host(self) -> HostFacts:
        """Describe this host; its limits are measured where that was asked for and none are kept."""
        host = this_host(self._plan.options.cloud)
        if host.roofline is None and self._plan.options.roofline:
            found = measure_and_keep(host, self._progress, self._clock)
            host = host.model_copy(update={"roofline": found})
        return host

    def _measure(self, driver: LoadDriver) -> None:
        """Start the server, make the prompts, then warm-up and repeats."""
        workload = self._plan.workload
        self._calibrate(driver)
        if self._server is not None:
            self._progress.stage("Starting the model server")
            with self._phase("start-server"):
                self._server.start(self._plan.folder.server_log, self._tick)
                self._check_body()
        sampler = Sampler(self._clock, self._server.pid if self._server else None, driver.pids)
        self._idle_baseline(sampler)
        search, first = search_for(workload.load, workload.repeats), 0
        while (point := search.next_point(self._measured())) is not None:
            first = self._measure_point(driver, sampler, point, first)
            if is_one_point(workload):
                return

    def _check_body(self) -> None:
        """Ask a server that was started here once, where the user has changed what is sent. Raises `UsageError`."""
        plan = self._plan
        if plan.body != BodyChanges():
            make_probe(self._endpoint, plan.workload, plan.options.seed, tick=self._tick).carry_out(plan.body)

    def _idle_baseline(self, sampler: Sampler) -> None:
        """Meter the machine with the server up and no request in flight, where that was asked for."""
        length_s = self._plan.options.idle_baseline_s
        if not length_s:
            return
        self._progress.stage("Metering the idle machine")
        with self._phase(IDLE):
            self._read_meters()
            deadline_ns = self._clock.monotonic_ns() + s_to_ns(length_s)
            while self._clock.monotonic_ns() < deadline_ns:
                self._sample(sampler)
                self._tick()
                self._check_alive()
                self._clock.sleep(1 / SAMPLES_PER_S / 2)
            self._read_meters()

    def _sample(self, sampler: Sampler) -> None:
        if sample := sampler.take_if_due():
            sample.energy = self._meters.read()
            self._samples.append(sample)

    def _read_meters(self) -> None:
        """Read the meters now, where a stretch that is measured begins or ends; without any, do nothing."""
        readings = self._meters.read()
        if readings:
            self._samples.append(Sample(t_ns=self._clock.monotonic_ns(), energy=readings))

    def _measured(self) -> list[PointSummary]:
        """Return what has been measured so far, for a search to go on from."""
        return summaries_of(self._plan.folder, self._manifest) if self._manifest.points else []

    def _measure_point(self, driver: LoadDriver, sampler: Sampler, point: Point, first: int) -> int:
        """Warm up and measure every repeat at one load; return the index after its last request."""
        workload = self._plan.workload
        self._manifest.points.append(point)
        self._precision = Precision(workload.until)
        layout = Layout(self._plan, point, first)
        asked = self._write_requests(driver, layout.rooms, first)
        begun = len(self._manifest.phases)
        for job in layout.jobs():
            if not self._precision.is_reached:
                try:
                    self._drive(driver, sampler, point, asked, bounded(job, asked))
                except _RefusedError as refused:
                    self._drop_rest(driver)
                    del self._manifest.phases[begun:], self._manifest.points[-1:]
                    self._change_requests(str(refused))
                    return self._measure_point(driver, sampler, point, first)
                except AforoError:
                    self._take_rest(driver, asked, job)
                    raise
        return first + sum(layout.rooms)

    def _wire_audit(self) -> AbstractContextManager[None]:
        plan = self._plan
        if not plan.options.wire_audit:
            return nullcontext()
        address = plan.endpoint.address
        return wire_capture(address.host, address.port, plan.folder.path / WIRE_FILE)

    def _calibrate(self, driver: LoadDriver) -> None:
        self._progress.stage("Calibrating the client")
        with self._phase("calibrate"):
            self._manifest.calibration = calibrate(driver, most_in_flight(self._plan.workload), self._tick)

    def _write_requests(self, driver: LoadDriver, blocks: list[int], first: int) -> Asked:
        """Make the prompts and write the requests that send them; return what to remember of them."""
        self._progress.stage("Making prompts", total=sum(blocks))
        with self._phase("make-prompts"):
            return spool_requests(driver, self._plan, self._prompts(blocks, first), first)

    def _prompts(self, blocks: list[int], first: int) -> Iterator[Prompt]:
        def count_tokens(text: str) -> int:
            self._tick()
            self._check_alive()
            try:
                return self._endpoint.count_tokens(text)
            except ServerError:
                self._find_out_whether_it_died()
                raise

        counter = count_tokens if self._endpoint.counts_tokens else None
        plan = self._plan
        prompts = make_prompts(
            plan.workload,
            plan.data_dir,
            blocks,
            plan.options.seed,
            counter,
            plan.trace,
            first=first,
            nonce=plan.nonce or "",
        )
        for made, prompt in enumerate(prompts, start=1):
            self._tick()
            self._check_alive()
            self._progress.advance(made)
            yield prompt

    def _drive(self, driver: LoadDriver, sampler: Sampler, point: Point, asked: Asked, job: Job) -> None:
        """Carry out a job and journal what comes back."""
        point_name = None if is_one_point(self._plan.workload) else point.name
        self._read_meters()
        with LoadPhases(self._manifest, self._plan.folder, self._clock, job, point_name, self._counters()) as phases:
            driver.start(job)
            shown, is_done = LoadProgress(self._progress, self._plan.workload, point), False
            while not is_done:
                for message in self._received(driver, 1 / SAMPLES_PER_S / 2):
                    if isinstance(message, Exchange):
                        self._take(message, asked, message.index - job.first_index + job.first_in_spool)
                        shown.finished(message)
                        if self._precision.is_reached and not phases.is_stopped:
                            driver.stop()
                            phases.is_stopped = True
                    elif isinstance(message, BlockBegan):
                        self._read_meters()
                        shown.begin(phases.begin(message, self._counters() if message.number else phases.counted))
                    elif isinstance(message, JobDone):
                        self._read_meters()
                        phases.end(message, self._counters())
                        is_done = True
                self._sample(sampler)
                self._tick()
                self._check_alive()

    def _check_alive(self) -> None:
        """Raise `ServerDiedError` when a server that was started here has ended.

        An endpoint that has gone shows in the outcomes of its requests.
        """
        if self._server is not None:
            self._server.check_alive()

    def _counters(self) -> Mapping[str, float]:
        """What the server has counted; a metrics page that fails leaves a run without its second opinion, no more."""
        try:
            return self._endpoint.counters()
        except ServerError:
            return {}

    def _received(self, driver: LoadDriver, timeout_s: float) -> Iterator[Message]:
        """Yield what the driver has sent; what an error keeps from being taken stays there for `_take_rest`."""
        self._untaken += driver.receive(timeout_s)
        while self._untaken:
            yield self._untaken.popleft()

    def _take_rest(self, driver: LoadDriver, asked: Asked, job: Job) -> None:
        """Journal what had finished when a job was interrupted; a second signal, or a driver that is gone, ends it."""
        with suppress(AforoError):
            driver.abandon()
            is_done = False
            while not is_done:
                for message in self._received(driver, 1.0):
                    if isinstance(message, Exchange):
                        self._journal(message, asked, message.index - job.first_index + job.first_in_spool)
                    is_done = is_done or isinstance(message, JobDone)

    def _drop_rest(self, driver: LoadDriver) -> None:
        """End a job of which nothing is kept."""
        driver.abandon()
        while not any(isinstance(message, JobDone) for message in self._received(driver, 1.0)):
            self._tick()
        self._untaken.clear()

    def _change_requests(self, refusal: str) -> None:
        """Find the fields that an endpoint refuses, and leave them out of all that is sent. Raises `UsageError`."""
        endpoint = self._plan.external
        assert endpoint is not None  # noqa: S101 - only an endpoint's refusal leads here
        self._is_probed = True
        known = len(endpoint.warnings)
        changes = endpoint.probe(self._plan.workload, self._plan.options.seed, self._plan.body)
        if changes == self._plan.body:
            self._manifest.warnings.append(f"The first request failed, and the load was begun anew: {refusal}")
        self._plan = replace(self._plan, body=changes)
        self._manifest.body = changes.facts()
        self._manifest.engine = self._engine_facts()
        self._manifest.command_line = self._plan.command_line()
        self._manifest.warnings += endpoint.warnings[known:]

    def _journal(self, exchange: Exchange, asked: Asked, position: int) -> RequestRecord:
        record = self._read(exchange, asked, position)
        self._requests.append(record)
        return record

    def _read(self, exchange: Exchange, asked: Asked, position: int) -> RequestRecord:
        hide = self._plan.credentials.mask
        return to_record(exchange, asked.output_tokens(position), asked.prompt_tokens(position), hide)

    def _take(self, exchange: Exchange, asked: Asked, position: int) -> None:
        """Journal one finished request; if it was hung up on, find out whether the server has died."""
        record = self._read(exchange, asked, position)
        endpoint, plan = self._plan.external, self._plan
        if endpoint and not self._is_probed and endpoint.may_have_refused(record, plan.workload, plan.body):
            raise _RefusedError(record.detail)
        self._is_probed = True  # what the endpoint serves once, it does not refuse for its fields
        self._requests.append(record)
        self._precision.take(record)
        self._check_model(record)
        if record.outcome in _GONE and self._server is not None:
            self._find_out_whether_it_died()

    def _find_out_whether_it_died(self) -> None:
        """Raise `ServerDiedError` if the server ends within a moment."""
        deadline_ns = self._clock.monotonic_ns() + s_to_ns(_DYING_S)
        while self._clock.monotonic_ns() < deadline_ns:
            self._tick()
            self._check_alive()
            self._clock.sleep(0.02)

    def _check_model(self, record: RequestRecord) -> None:
        """Warn where an endpoint answers as another model, which an alias does too; end a run whose own server does.

        Aforo names the model of a server that it starts, so another name there is that of another program.
        """
        asked, answered = self._endpoint.model_name, record.served_model
        if answered is None or is_same_model(asked, answered):
            return
        if self._server is not None:
            raise ServerError(
                f"The server was asked for the model {asked!r} and answered as {answered!r}: another program answers "
                f"on its port {self._server.address.port}. Try again."
            )
        warning = other_model(self._plan.credentials.mask(asked), answered)
        if warning not in self._manifest.warnings and len(self._other_models) < _MOST_OTHER_MODELS:
            self._other_models.add(answered)
            self._manifest.warnings.append(warning)
            self._manifest.engine.response_model = answered

    def _phase(self, name: str) -> PhaseBlock:
        return PhaseBlock(self._manifest, self._plan.folder, self._clock, name)

    def _tick(self) -> None:
        self._interrupt.check()

    def _stop_server(self) -> None:
        """Stop it whatever happens, even if the disk is too full to write down when."""
        if self._server is None:
            return
        self._progress.stage("Stopping the model server")
        try:
            with self._phase("stop-server"):
                self._server.stop()
        finally:
            self._server.stop()

    def _end(self, status: Status, reason: str | None) -> None:
        """Write down how it ended, as far as the disk allows."""
        self._manifest.status = status
        self._manifest.status_reason = reason
        self._manifest.ended_utc = self._clock.utc().strftime(_ISO)
        with suppress(AforoError):
            self._plan.folder.write_manifest(self._manifest)
        self._journals.close()


def _as_ours(error: BaseException) -> AforoError | None:
    """Return what ended a run as a sentence: the one boundary where the system's errors become ours."""
    if isinstance(error, AforoError):
        return error
    if isinstance(error, OSError):
        subject = f"{error.filename}: " if error.filename else ""
        return RecordError(
            f"The run could not go on: {subject}{error.strerror or error}. Free what is short (disk, memory, open "
            "files), or pass --out and TMPDIR with other folders; what was measured so far is kept."
        )
    return None


def _warnings(plan: Plan, hello: Hello, host: HostFacts) -> list[str]:
    """Say what a reader of the numbers must know from the start."""
    warnings = []
    if plan.model.is_synthetic:
        warnings.append("Synthetic weights: the speed is that of the real model's shape, the text means nothing.")
    if plan.lora is not None:
        weights = "synthetic weights" if plan.lora.is_synthetic else "not the model alone"
        warnings.append(f"Measured with the LoRA adapter {plan.lora.name}, rank {plan.lora.rank}: {weights}.")
    if plan.model.changed_from is not None:
        warnings.append(
            f"{plan.model.source} is not the model that the last run under this name measured: its SHA-256 began with "
            f"{plan.model.changed_from[:12]}, now with {(plan.model.sha256 or '')[:12]}. Do not compare the two."
        )
    if not hello.kernel_stamps:
        warnings.append(f"Arrivals are stamped in user space: {hello.note}. A busy host makes them late.")
    if plan.tls is not None and plan.tls.is_insecure:
        warnings.append("The endpoint's certificate was not checked (--insecure): any server could have answered.")
    slow = slow_build(plan.endpoint.describe(), host.cpu.isa_features)
    warnings += [slow] if slow else []
    warnings += plan.cpus.warnings
    if host.roofline is not None:
        warnings += [f"Roofline: {note}" for note in host.roofline.notes]
    warnings += plan.warnings
    warnings += prompt_warnings(plan.workload, plan.trace)
    load = load_per_core()
    if load is not None and load > _BUSY_LOAD_PER_CORE:
        warnings.append(
            f"The host was busy before the run: load average {load:.2f} per core, expected below "
            f"{_BUSY_LOAD_PER_CORE}. Stop other work and repeat."
        )
    return warnings
