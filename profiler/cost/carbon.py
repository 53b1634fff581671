"""Carbon per token: Software Carbon Intensity, SCI = (E · I + M) / R, with E the energy at the grid's side.

ISO/IEC 21031:2024 (Green Software Foundation, "Software Carbon Intensity Specification"). R is a million tokens;
E = energy of the machine × PUE; I the intensity of the grid; M the share of embodied carbon, by reserved resources
and by time: M = TE × (time reserved / life) × (resources reserved / resources of the machine). Pure.
"""

from profiler.stats.ranges import Range
from profiler.units import S_PER_H, j_to_kwh

_MILLION = 1e6
_G_PER_KG = 1_000.0


def operational_g(energy_j: Range, gco2e_per_kwh: Range, pue: float) -> Range:
    """Return the gCO2e of this energy (J, at the machine) from this grid."""
    return (energy_j * gco2e_per_kwh).times(j_to_kwh(1.0) * pue)


def embodied_g(reserved_kgco2e: Range, life_h: float, duration_s: float) -> Range:
    """Return the gCO2e of making the reserved part of a machine that falls to this time of its life."""
    return reserved_kgco2e.times(_G_PER_KG * duration_s / (life_h * S_PER_H))


def per_million(carbon_g: Range, units: float) -> Range:
    """Return gCO2e per million units (tokens). Raises `ValueError` unless there are some."""
    if units <= 0:
        raise ValueError(f"{units:g} tokens: expected more than 0")
    return carbon_g.times(_MILLION / units)
