"""`tranship proxy`: for software that speaks to a network itself. Orders leave masked, answers come back unmasked."""

import asyncio
import logging
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint, say, write_json
from tranship.core.errors import InputError
from tranship.wire.loop import loop_factory

if TYPE_CHECKING:
    from tranship.connectors.http import Auth
    from tranship.proxy.settings import ProxySettings

Flag = Annotated[bool, Parameter(negative=())]
LOGIN_SECRETS = {
    "client_id": "LWA_CLIENT_ID",
    "client_secret": "LWA_CLIENT_SECRET",
    "refresh_token": "LWA_REFRESH_TOKEN",
}
"""Where the proxy's own credentials are, with `--login`: the name of each variable of the environment."""


def proxy(
    folder: Path | None = None,
    *,
    upstream: str,
    kind: str,
    engine: str = "",
    network: str = "AMZ",
    host: str = "127.0.0.1",
    port: int = 8100,
    policy: Path | None = None,
    login: str = "",
    certificate: str = "",
    certificate_key: str = "",
    document_host: Annotated[list[str] | None, Parameter(negative=())] = None,
    limit: Annotated[list[str] | None, Parameter(negative=())] = None,
    tell_personal: Flag = False,
    dry_run: Flag = False,
    json: Json = False,
) -> None:
    """Mask what software sends to a network, and unmask what comes back. Ctrl-C ends it; HUP takes the policy file anew.

    Point the software's endpoint at this address; everything that its policy does not know is refused, and nothing can turn that off.

    Args:
        folder: the proxy's own store: tokens, keys, sent bytes, audit; made where there is none; left out with --engine
        upstream: the network's endpoint, the only one that is talked to, such as https://sellingpartnerapi-na.amazon.com
        kind: amazon_mcf_2020 or amazon_mcf (version 2026-07-04)
        engine: address of a running service (tranship serve) that masks and keeps what has to be kept; its token is read from
            $TRANSHIP_TOKEN or the file that $TRANSHIP_TOKEN_FILE names
        network: short name of the network in tokens and audit; with --engine one of its network file; two networks never share a token
        host: address to listen on; other than this machine's own only with a token in $TRANSHIP_PROXY_TOKEN
        port: port to listen on; 0 takes a free one
        policy: a policy file of your own, or what it changes in ours
        login: the proxy logs in itself at this address (https://api.amazon.com), with $LWA_CLIENT_ID, $LWA_CLIENT_SECRET and
            $LWA_REFRESH_TOKEN; clients then need no credentials of the network
        certificate: PEM file of the proxy's certificate, for TLS towards clients
        certificate_key: PEM file of its key
        document_host: a further host that the documents of reports may be fetched from, over https; may be given again
        limit: NAME=VALUE of a documented limit, such as body_bytes_max=65536; may be given again
        tell_personal: clients get what the network tells of people (who signed for a parcel); otherwise its token
        dry_run: nothing is sent anywhere: requests are masked and end in this process
    """
    from tranship.proxy.run import KINDS, Plan, serve
    from tranship.proxy.settings import DOCUMENT_HOSTS, TOKEN, ProxySettings

    if kind not in KINDS:
        raise InputError(f"is none of {', '.join(KINDS)}", where="--kind")
    if (folder is None) == (not engine):
        raise InputError("name a folder, or a service with --engine", hint="One of them keeps the tokens, not both.")
    if engine and policy is not None:
        raise InputError(
            "counts for a store of the proxy's own", where="--policy", hint="With --engine the service's policy does."
        )
    more = {"document_hosts": (*DOCUMENT_HOSTS, *(document_host or ())), **_limits(limit or [], ProxySettings)}
    settings = ProxySettings(upstream, host, port, TOKEN.read(), certificate, certificate_key, **more)
    plan = Plan(folder, settings, kind, network, policy, _auth(login), dry_run, tell_personal, *_engine(engine))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")

    async def ready(url: str) -> None:
        if json:
            write_json({"url": url, "kind": kind, "network": network, "upstream": "" if dry_run else upstream})
            return
        say(f"{url} masks {kind} for {'nobody: a dry run' if dry_run else upstream}; Ctrl-C stops it")
        hint(f"counters: {url}/metrics")

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(plan, ready))


def _limits(given: list[str], settings: type["ProxySettings"]) -> dict[str, Any]:
    kinds = {
        field.name: field.type for field in fields(settings) if field.name.endswith(("_max", "_s", "_cached", "_days"))
    }
    found: dict[str, Any] = {}
    for text in given:
        name, _, value = text.partition("=")
        if name not in kinds:
            raise InputError(f"{name[:40]} is no limit", where="--limit", hint=f"One of {', '.join(sorted(kinds))}.")
        try:
            found[name] = int(value) if kinds[name] in {int, "int"} else float(value)
        except ValueError:
            raise InputError(f"{name} is not a number", where="--limit") from None
    return found


def _engine(address: str) -> tuple[str, str]:
    """The service's address, and where its token is: read when it is needed, and anew when it is refused."""
    from tranship.api.settings import TOKEN
    from tranship.proxy.settings import check_address

    if not address:
        return "", ""
    check_address(address, "--engine")
    return address.rstrip("/"), TOKEN.reference()


def _auth(address: str) -> "Auth | None":
    if not address:
        return None
    from tranship.connectors.http import Lwa
    from tranship.connectors.secrets import secret
    from tranship.proxy.settings import check_address

    check_address(address, "--login")
    references = {name: f"env:{variable}" for name, variable in LOGIN_SECRETS.items()}
    for name, reference in references.items():
        secret(reference, f"--login {name}")
    return Lwa(address.rstrip("/"), references, "--login")
