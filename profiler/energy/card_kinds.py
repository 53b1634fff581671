"""Every source of what GPUs show. A new one is a module with a `CARDS`, and a name here."""

from profiler.energy import nvml_cards

CARD_KINDS = (nvml_cards.CARDS,)
