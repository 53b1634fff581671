"""Where a machine is rented, asked of real HTTP services on loopback."""

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

import pytest
from support.metadata_service import AWS_PAGES, AZURE_PATH, DOCUMENT, GCP_PAGES, metadata_service
from support.recorded_host import Recording

from profiler.hosts import cloud
from profiler.hosts.cloud import Provider
from profiler.hosts.tree import Tree
from profiler.results.host_facts import CloudFacts

DMI = "sys/devices/virtual/dmi/id"
AWS, GCP, AZURE = CloudFacts(provider="aws"), CloudFacts(provider="gcp"), CloudFacts(provider="azure")


def ask(known: CloudFacts, **more: Any) -> CloudFacts:
    """Ask with patience: on a busy machine a service may take more than its second."""
    return cloud.ask(known, **{"limit_s": 60.0, **more})


@pytest.fixture
def nobody() -> str:
    """The address of a port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


class TestByDmi:
    @pytest.mark.parametrize(
        ("files", "provider", "instance_type"),
        [
            ({"sys_vendor": "Amazon EC2", "product_name": "c7g.4xlarge"}, "aws", "c7g.4xlarge"),
            ({"sys_vendor": "Xen", "product_name": "HVM domU", "bios_version": "4.11.amazon"}, "aws", None),
            ({"sys_vendor": "Google", "product_name": "Google Compute Engine"}, "gcp", None),
            ({"sys_vendor": "Google", "product_name": "Google Pixelbook"}, None, None),
            ({"chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}, "azure", None),
            ({"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}, None, None),  # Hyper-V at home
            ({}, None, None),
        ],
    )
    def test_it_names_the_provider(
        self, files: Mapping[str, str], provider: str | None, instance_type: str | None, empty: Recording
    ) -> None:
        for name, text in files.items():
            empty.write(f"{DMI}/{name}", f"{text}\n")

        found = cloud.by_dmi(Tree(empty.root))

        assert (found.provider, found.instance_type) == (provider, instance_type)


def test_aws_answers_with_a_token_only() -> None:
    with metadata_service("aws") as address:
        found = ask(AWS, endpoints={"aws": address})

    assert found == CloudFacts(
        provider="aws",
        instance_type="c7g.xlarge",
        region="us-east-1",
        zone="us-east-1a",
        purchase="spot",
        source="metadata",
    )


def test_google() -> None:
    with metadata_service("gcp") as address:
        found = ask(GCP, endpoints={"gcp": address})

    assert found == CloudFacts(
        provider="gcp",
        instance_type="c4a-standard-4",
        region="us-central1",
        zone="us-central1-a",
        purchase="on-demand",
        source="metadata",
    )


def test_azure() -> None:
    with metadata_service("azure") as address:
        found = ask(AZURE, endpoints={"azure": address})

    assert found == CloudFacts(
        provider="azure",
        instance_type="Standard_D4ps_v6",
        region="eastus",
        zone="2",
        purchase="on-demand",
        source="metadata",
    )


def test_what_a_service_does_not_say_is_unknown() -> None:
    pages = {path: text for path, text in AWS_PAGES.items() if "life-cycle" not in path}
    with metadata_service("aws", pages) as address:
        assert ask(AWS, endpoints={"aws": address}).purchase is None
    gcp_pages = {path: text for path, text in GCP_PAGES.items() if "preemptible" not in path}
    with metadata_service("gcp", gcp_pages) as address:
        assert ask(GCP, endpoints={"gcp": address}).purchase is None


def test_everyone_is_asked_only_on_request() -> None:
    with metadata_service("azure") as address, metadata_service("aws", {"/": ""}) as wrong:
        endpoints: dict[Provider, str] = {"azure": address, "aws": wrong, "gcp": wrong}

        assert ask(CloudFacts(), endpoints=endpoints) == CloudFacts()
        assert ask(CloudFacts(), everyone=True, endpoints=endpoints).provider == "azure"


def test_nobody_is_asked_where_the_firmware_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("a connection was made")

    monkeypatch.setattr("profiler.hosts.cloud.http.client.HTTPConnection", forbidden)

    assert ask(CloudFacts()) == CloudFacts()


def test_a_silent_service_takes_no_longer_than_allowed_and_what_dmi_said_stays() -> None:
    known = CloudFacts(provider="aws", instance_type="c7g.xlarge", source="dmi")
    with metadata_service("aws", silent=True) as address:
        start_s = time.monotonic()
        found = ask(known, endpoints={"aws": address}, limit_s=0.3)
        took_s = time.monotonic() - start_s

    assert 0.3 <= took_s < 30  # without a limit it would be for ever
    assert (found.instance_type, found.source) == ("c7g.xlarge", "dmi")
    assert found.note


def test_one_silent_service_does_not_hold_up_another() -> None:
    with metadata_service("gcp", silent=True) as silent, metadata_service("azure") as address:
        endpoints: dict[Provider, str] = {"aws": silent, "gcp": silent, "azure": address}
        start_s = time.monotonic()
        found = ask(CloudFacts(), everyone=True, endpoints=endpoints, limit_s=120.0)

    assert found.provider == "azure"
    assert time.monotonic() - start_s < 60


def test_offline_is_a_note(nobody: str) -> None:
    found = ask(AWS, endpoints={"aws": nobody})

    assert found.provider == "aws"
    assert "refused" in (found.note or "")


@pytest.mark.parametrize(
    ("provider", "pages", "sign"),
    [
        ("aws", {"/nothing": ""}, "404"),
        ("aws", {"/latest/dynamic/instance-identity/document": "not JSON"}, "Expecting"),
        ("aws", {"/latest/dynamic/instance-identity/document": "[1]"}, "aws"),
        ("aws", {"/latest/dynamic/instance-identity/document": json.dumps({**DOCUMENT, "region": 7})}, "7"),
        ("azure", {AZURE_PATH: '{"compute": null}'}, "azure"),
        ("azure", {AZURE_PATH: "{}"}, "compute"),
    ],
)
def test_a_strange_answer_is_a_note(provider: Provider, pages: dict[str, str], sign: str) -> None:
    with metadata_service(provider, pages) as address:
        found = ask(CloudFacts(provider=provider), endpoints={provider: address})

    assert found.instance_type is None
    assert sign in (found.note or "")


def test_who_is_not_google_is_not_believed() -> None:
    """A captive portal answers anything; only the real service sends its header back."""
    with metadata_service("azure", {**GCP_PAGES}) as portal:
        found = ask(GCP, endpoints={"gcp": portal})

    assert found.instance_type is None


class TestEndpoints:
    def test_the_link_local_address_is_the_default(self) -> None:
        assert cloud.endpoints_of({}) == dict.fromkeys(("gcp", "azure", "aws"), "http://169.254.169.254")

    def test_the_environment_of_the_providers_tools_is_honoured(self) -> None:
        found = cloud.endpoints_of(
            {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1", "GCE_METADATA_HOST": "127.0.0.1:2"}
        )

        assert (found["aws"], found["gcp"]) == ("http://127.0.0.1:1", "http://127.0.0.1:2")

    def test_aws_can_be_forbidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

        assert "AWS_EC2_METADATA_DISABLED" in (ask(AWS).note or "")

    def test_an_address_that_is_none_is_a_note(self) -> None:
        assert "ftp://x" in (ask(AWS, endpoints={"aws": "ftp://x"}).note or "")
