"""Every kind of meter, in the order in which they are opened. A new one is a module with a `KIND`, and a name here."""

from profiler.energy import codecarbon, hwmon, nvml, rapl

KINDS = (nvml.KIND, rapl.KIND, hwmon.KIND, codecarbon.KIND)
