"""Facts of rented machines, as run.json has them."""

from typing import Any

GIB = 2**30


def instance(machine: str, design: str, model: str | None, threads_per_core: int) -> dict[str, Any]:
    return {
        "machine": machine,
        "cloud": {"provider": "aws", "region": "us-east-1"},
        "cpu": {
            "logical_cpus": 16,
            "microarchitecture": design,
            "model_name": model,
            "threads_per_core": threads_per_core,
        },
        "memory": {"total_bytes": 32 * GIB},
    }


C7G = instance("aarch64", "neoverse_v1", "AWS Graviton3 (Neoverse-V1)", 1)
C7I = instance("x86_64", "sapphirerapids", "Intel(R) Xeon(R) Platinum 8488C", 2)
