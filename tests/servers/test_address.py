import pytest

from profiler.errors import UsageError
from profiler.servers.address import Address, parse_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://h:8000", Address("h", 8000)),
        ("h:8000", Address("h", 8000)),
        ("http://h", Address("h", 80)),
        ("https://h/", Address("h", 443, scheme="https")),
        ("http://h:1/v1/", Address("h", 1)),
        ("http://h:1/v1/chat/completions", Address("h", 1)),
        ("http://h:1/v1/completions/", Address("h", 1)),
        ("http://h:1/v1/embeddings", Address("h", 1)),
        ("http://h:1/v1/models", Address("h", 1)),
        ("http://h:1/v1/responses", Address("h", 1)),
        ("http://h:1/gate/openai", Address("h", 1, "/gate/openai")),
        ("http://h:1/chat/completions", Address("h", 1)),
        # Gemini's and Azure's forms
        ("https://h/v1beta/openai/", Address("h", 443, "/v1beta/openai", scheme="https")),
        (
            "https://h/openai/deployments/d/chat/completions?api-version=2024-02-01",
            Address("h", 443, "/openai/deployments/d", "api-version=2024-02-01", "https"),
        ),
        ("http://[::1]:8000", Address("::1", 8000)),
        ("http://bücher.example:80", Address("xn--bcher-kva.example", 80)),
    ],
)
def test_addresses_of_real_endpoints(url: str, address: Address) -> None:
    assert parse_url(url) == address
    assert parse_url(address.url) == address


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        (Address("h", 8000), "h:8000"),
        (Address("h", 80), "h"),  # as other clients: some gateways compare the whole header
        (Address("h", 443, scheme="https"), "h"),
        (Address("h", 80, scheme="https"), "h:80"),
        (Address("::1", 8000), "[::1]:8000"),
        (Address("::1", 80), "[::1]"),
        (Address("fe80::1%eth0", 1), "[fe80::1]:1"),  # a zone means nothing to the server, RFC 6874 §4
    ],
)
def test_the_host_header(address: Address, authority: str) -> None:
    assert address.authority == authority


def test_the_query_goes_with_every_path() -> None:
    address = parse_url("http://h:1/openai/deployments/d?api-version=2024-02-01")
    assert address.target("/models") == "/openai/deployments/d/models?api-version=2024-02-01"
    assert Address("h", 1).target("/models") == "/v1/models"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http://:8000",
        "http://[::1",
        "http://[zz]:1",
        "http://h:port",
        "http:/h:80",
        "https:h",
        "http://h:99999",
        "http://h:0",
        "http://h:-1",
        "ftp://h",
        "http://h:1/a b",
        "http://h:1/v1\r\nX: y",
        "http://h h:1",
        "http://h:1/ü",
        "http://" + "a" * 70 + "ü:1",
        "http://h:1/#part",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_address_is_one_sentence(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(url)
    assert "expected" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\r" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cr3t@h:1",
        "http://user:s3/cr3t@h:1",  # which a parser takes for host `user` and port `s3`
        "http://user:12/s3cr3t@h:1",
        "http://user:s3@cr3t@h:1",
        "http://s3cr3t@h:port",
        "http://h:1/v1?key=s3cr3t",
        "http://h:1/v1?api-version=1&sig=s3cr3t",
        "http://h:port/v1?api_key=s3cr3t",
        "http://h:port/v1?code=s3cr3t",
        "http://h:1/#s3cr3t",
    ],
)
def test_what_may_be_a_secret_is_refused_unseen(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(url)
    assert "s3" not in str(caught.value)
    assert "cr3t" not in str(caught.value)
