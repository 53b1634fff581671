"""Every kind of meter, in the order in which they are opened. A new one is a module with a `KIND`, and a name here."""

from profiler.energy import amdsmi, apple, codecarbon, hwmon, nvml, rapl

KINDS = (nvml.KIND, rapl.KIND, amdsmi.KIND, apple.KIND, hwmon.KIND, codecarbon.KIND)
