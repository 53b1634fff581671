"""Every error that Aforo raises on purpose, in one tree.

    AforoError                      exit code 1
    ├── UsageError                  exit code 2: what the user wrote cannot be carried out
    │   ├── DefinitionError         a YAML definition is wrong (file, line, key)
    │   │   ├── WorkloadError       of a workload
    │   │   ├── ClaimError          of a claim
    │   │   ├── FactsError          of stated facts about models
    │   │   ├── FleetError          of a plan for several hosts
    │   │   └── ProfileError        of a profile
    │   ├── ModelError              a model file is missing, unreadable or unsuitable
    │   ├── RunFolderError          a folder is not a run that this version can read
    │   ├── MissingExtraError       an optional part is not installed
    │   └── MissingEngineError      an engine is not on this machine
    ├── ServerError                 a model server failed
    │   ├── ServerStartError        it never became ready
    │   └── ServerDiedError         it ended while it was needed
    ├── HostError                   a host of a fleet cannot be used
    │   ├── HostLostError           it is not reached, its connection has ended, or nothing comes from it
    │   └── HostRefusedError        it will not have us, or not our command
    ├── EngineBuildError            an engine could not be built
    ├── DriverError                 the load driver process failed
    ├── RecordError                 results could not be written (a full disk, say)
    ├── OutputError                 standard output takes no more
    ├── UnfinishedFleetError        a plan for several hosts has come to its end, and not all of it was measured
    ├── InvalidRunError             exit code 3: a run came to its end but is not to be believed
    └── InterruptedRunError         a signal asked the run to stop; exit code 128 + signal

A message gives the value seen, the form expected and what to do next. Only `cli/` turns an error
into an exit code.
"""


class AforoError(Exception):
    """Base of the tree; `str(error)` is the sentence to show, without a traceback."""

    exit_code = 1


class UsageError(AforoError):
    """What the user asked for cannot be carried out as written."""

    exit_code = 2


class DefinitionError(UsageError):
    """A YAML definition cannot be used; the message names file, line and key."""


class WorkloadError(DefinitionError):
    """A workload definition cannot be used; the message names file, line and key."""


class ClaimError(DefinitionError):
    """A claim cannot be used; the message names file, line and key."""


class FactsError(DefinitionError):
    """Stated facts about models cannot be used; the message names file, line and key."""


class ProfileError(DefinitionError):
    """A profile cannot be used; the message names file, line and key."""


class FleetError(DefinitionError):
    """A plan for several hosts cannot be used; the message names file, line and key."""


class ModelError(UsageError):
    """A model cannot be found, read or served."""


class RunFolderError(UsageError):
    """A folder is not a run folder that this version can read."""


class MissingEngineError(UsageError):
    """An engine is not on this machine; one that was named wrongly is a plain `UsageError`."""


class MissingExtraError(UsageError):
    """An optional part of Aforo is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        """Name what is missing and the extra that provides it."""
        super().__init__(f"{what} is not installed. Install it with: pip install 'aforo[{extra}]'")


class ServerError(AforoError):
    """A model server failed."""


class ServerStartError(ServerError):
    """A model server never became ready."""


class ServerDiedError(ServerError):
    """A model server ended while it was still needed."""


class HostError(AforoError):
    """A host of a fleet cannot be used."""


class HostLostError(HostError):
    """A host is not reached, its connection has ended, or nothing comes from it; what it had begun may go on there."""


class HostRefusedError(HostError):
    """A host will not have us, or not our command: to try again without changing something is no use."""


class EngineBuildError(AforoError):
    """An engine could not be built from source; the message ends with the last lines of the log."""


class DriverError(AforoError):
    """The load driver process failed."""


class RecordError(AforoError):
    """Results could not be written."""


class OutputError(AforoError):
    """Standard output takes no more of what is printed."""


class UnfinishedFleetError(AforoError):
    """A plan for several hosts has come to its end, and not all of its cells were measured."""


class InvalidRunError(AforoError):
    """A run came to its end, but its own checks say that its numbers are not to be believed."""

    exit_code = 3


class InterruptedRunError(AforoError):
    """A signal asked the run to stop."""

    def __init__(self, signal_number: int) -> None:
        """Remember which signal it was: the exit code is 128 + its number."""
        super().__init__(f"Interrupted by signal {signal_number}.")
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
