"""Where a machine is rented: what its firmware says, and the answer of the provider's metadata service.

Nobody is asked unless the firmware names the provider, or the user wants it: elsewhere the address
169.254.169.254 belongs to nobody, and a packet to it would be traffic that nobody expects.
"""

import http.client
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import urlsplit

from profiler.hosts.tree import Tree
from profiler.results.host_facts import CloudFacts

Provider = Literal["aws", "gcp", "azure"]

Purchase = Literal["on-demand", "spot"]

_DMI = "sys/devices/virtual/dmi/id"
_AZURE_CHASSIS = "7783-7084-3265-9085-8269-3286-77"  # of every Azure guest; a Hyper-V elsewhere has another
_ADDRESS = "http://169.254.169.254"
_IN_ALL_S = 1.0
_PURCHASES: dict[str, Purchase] = {
    # What AWS (instance-life-cycle), Google (preemptible) and Azure (priority) call it.
    "spot": "spot",
    "TRUE": "spot",
    "Spot": "spot",
    "Low": "spot",  # of older scale sets
    "on-demand": "on-demand",
    "FALSE": "on-demand",
    "Regular": "on-demand",
}
_MOST_BYTES = 64 * 1024


def by_dmi(tree: Tree) -> CloudFacts:
    """Tell the provider from the firmware's tables, and on EC2 the instance type."""
    vendor, product = tree.text(f"{_DMI}/sys_vendor"), tree.text(f"{_DMI}/product_name")
    if vendor == "Amazon EC2":
        return CloudFacts(provider="aws", instance_type=product, source="dmi")
    if "amazon" in (tree.text(f"{_DMI}/bios_version") or ""):  # the older guests, on Xen
        return CloudFacts(provider="aws", source="dmi")
    if vendor == "Google" and product == "Google Compute Engine":
        return CloudFacts(provider="gcp", source="dmi")
    if tree.text(f"{_DMI}/chassis_asset_tag") == _AZURE_CHASSIS:
        return CloudFacts(provider="azure", source="dmi")
    return CloudFacts()


def ask(
    known: CloudFacts,
    *,
    everyone: bool = False,
    endpoints: Mapping[Provider, str] | None = None,
    limit_s: float = _IN_ALL_S,
) -> CloudFacts:
    """Complete what the firmware says with the provider's own answer; `everyone`: ask all where it says nothing.

    All are asked at once, and the whole takes no longer than `limit_s`. `endpoints` are the addresses, those of
    the environment by default. Never raises: without an answer, `note` says why.
    """
    asked: list[Provider] = [known.provider] if known.provider else [*_ASK] if everyone else []
    where = endpoints_of(os.environ) if endpoints is None else endpoints
    answers: queue.SimpleQueue[CloudFacts] = queue.SimpleQueue()
    for provider in asked:
        # Daemons: a service that never ends its answer, or a name that never resolves, holds nothing up.
        arguments = (provider, where.get(provider), limit_s, answers)
        threading.Thread(target=_ask, args=arguments, daemon=True).start()
    return _first_good(known, asked, answers, time.monotonic() + limit_s)


def endpoints_of(environment: Mapping[str, str]) -> dict[Provider, str]:
    """Return the address of each service, as the providers' own tools let a user change it."""
    found: dict[Provider, str] = {"gcp": _ADDRESS, "azure": _ADDRESS}
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
        found["aws"] = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _ADDRESS
    if host := environment.get("GCE_METADATA_HOST"):
        found["gcp"] = f"http://{host}"
    return found


def _first_good(
    known: CloudFacts, asked: list[Provider], answers: "queue.SimpleQueue[CloudFacts]", end_s: float
) -> CloudFacts:
    notes = []
    for _ in asked:
        try:
            answer = answers.get(timeout=max(0.0, end_s - time.monotonic()))
        except queue.Empty:
            notes.append("no answer in time from the metadata service")
            break
        if answer.instance_type:
            return answer
        notes.append(answer.note or "")
    return known.model_copy(update={"note": "; ".join(sorted(notes)) or None})


def _ask(provider: Provider, endpoint: str | None, limit_s: float, answers: "queue.SimpleQueue[CloudFacts]") -> None:
    if endpoint is None:
        answers.put(CloudFacts(note=f"{provider}: AWS_EC2_METADATA_DISABLED forbids to ask"))
        return
    try:
        answers.put(_ASK[provider](_Service(endpoint, limit_s)))
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError) as error:
        answers.put(CloudFacts(note=f"{provider}: {error or type(error).__name__}"))


class _Service:
    """One metadata service; no proxy and no redirection is followed."""

    def __init__(self, endpoint: str, limit_s: float) -> None:
        address = urlsplit(endpoint)
        if address.scheme != "http" or not address.hostname:
            raise ValueError(f"the endpoint {endpoint!r} is not an http:// address")
        self._host, self._port, self._limit_s = address.hostname, address.port, limit_s

    def get(self, path: str, headers: dict[str, str], method: str = "GET", proof: str | None = None) -> str:
        """Return the answer's text; `proof` is a header that only the real service sends."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._limit_s)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            text = response.read(_MOST_BYTES).decode("utf-8")
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ValueError(f"{method} {path} was answered with {response.status}, expected 200")
        if proof and response.getheader(proof) is None:
            raise ValueError(f"{method} {path} was answered without the header {proof}")
        return text


def _ask_aws(service: _Service) -> CloudFacts:
    """IMDSv2: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html ."""
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = {"X-aws-ec2-metadata-token": service.get("/latest/api/token", lifetime, method="PUT")}
    document = json.loads(service.get("/latest/dynamic/instance-identity/document", token))
    life_cycle = _optional(lambda: service.get("/latest/meta-data/instance-life-cycle", token))
    return CloudFacts(
        provider="aws",
        instance_type=_text(document["instanceType"]),
        region=_text(document["region"]),
        zone=_text(document["availabilityZone"]),
        purchase=_PURCHASES.get((life_cycle or "").strip()),
        source="metadata",
    )


def _ask_gcp(service: _Service) -> CloudFacts:
    """Compute Engine: https://cloud.google.com/compute/docs/metadata/querying-metadata ."""
    flavor = {"Metadata-Flavor": "Google"}

    def value(key: str) -> str:
        return service.get(f"/computeMetadata/v1/instance/{key}", flavor, proof="Metadata-Flavor").strip()

    # projects/123/machineTypes/c4a-standard-4 and projects/123/zones/us-central1-a
    machine_type, zone = value("machine-type").rpartition("/")[2], value("zone").rpartition("/")[2]
    preemptible = _optional(lambda: value("scheduling/preemptible"))
    return CloudFacts(
        provider="gcp",
        instance_type=machine_type,
        region=zone.rpartition("-")[0],
        zone=zone,
        purchase=_PURCHASES.get(preemptible or ""),
        source="metadata",
    )


def _ask_azure(service: _Service) -> CloudFacts:
    """Azure: https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service ."""
    answer = json.loads(service.get("/metadata/instance?api-version=2021-02-01", {"Metadata": "true"}))
    compute = answer["compute"]
    return CloudFacts(
        provider="azure",
        instance_type=_text(compute["vmSize"]),
        region=_text(compute["location"]),
        zone=_text(compute.get("zone") or "") or None,
        purchase=_PURCHASES.get(_text(compute.get("priority") or "")),
        source="metadata",
    )


_ASK: dict[Provider, Callable[[_Service], CloudFacts]] = {"aws": _ask_aws, "gcp": _ask_gcp, "azure": _ask_azure}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a name was expected, the service says {value!r}")
    return value


def _optional(ask_for: Callable[[], str]) -> str | None:
    try:
        return ask_for()
    except ValueError:
        return None
