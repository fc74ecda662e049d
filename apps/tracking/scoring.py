"""Which clicks were people: pure. Mail scanners open links before anybody reads (B-440).

A click of a machine is kept and never counted: it moves no journey and makes nobody engaged. In doubt it is a
machine; a person who clicks in the first seconds loses a count, a scanner that counts would move a patient along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TOO_SOON = timedelta(seconds=8)
"""Nobody reads and clicks within this time after the message was handed over."""
AT_ONCE = timedelta(seconds=5)
MANY = 3
"""This many different links of one message within ``AT_ONCE`` are a scanner's."""
NEAR_TRAP = timedelta(minutes=2)

_MACHINE = re.compile(
    r"(?<!cu)bot\b|(?<!cu)bot[/_;-]|crawl|spider|slurp|preview|(?<!cam)scan|proxy|fetch|monitor|check(?:er|s)?\b|validat|verif|archiv|"
    r"headless|phantomjs|selenium|puppeteer|playwright|lighthouse|pagespeed|"
    r"curl|wget|libwww|lwp|python|urllib|aiohttp|httpx|java/|jakarta|httpclient|okhttp|go-http|axios|node-fetch|"
    r"php/|guzzle|ruby|perl|winhttp|httprequest|http_request|restsharp|postman|apache-|http-client|"
    r"google-safety|google-read-aloud|googleimageproxy|ggpht|yahoomailproxy|bingpreview|skypeuri|facebookexternal|"
    r"barracuda|proofpoint|mimecast|symantec|messagelabs|forcepoint|fireeye|trendmicro|sophos|mcafee|ironport|"
    r"zscaler|cloudmark|urlscan|virustotal|safebrowsing|phish|netcraft|paloalto|palo alto|bitsight|censys|expanse|"
    r"office existence|ms-office|microsoft office|msoffice|https?://|@[\w-]+\.[a-z]{2}|\bfeed|\brss\b|"
    r"link ?check|survey|research|appengine|appinsights|datadog|uptime|pingdom|statuscake|catchpoint|"
    r"\(compatible; (?!msie|konqueror|opera)|inspectiontool|mediapartners|weblight|synthetic|\bptst\b|gomezagent|"
    r"wechatdevtools|pageburst|\bsplash\b|cloudflare|cypress|datanyze|burpcollaborator|transcoder|; ?bw/|"
    r"dejaclick|collapsify|dareboost",
    re.IGNORECASE,
)
# What people read web pages with begins like this.
_BROWSER = re.compile(r"^\s*(?:mozilla|opera|lynx|links|w3m|elinks|ucweb|blackberry|nokia|sonyericsson)", re.IGNORECASE)
# Apple's and other proxies say nothing but this.
_BARE = re.compile(r"^\s*mozilla/\d(?:\.\d+)?\s*(?:\(compatible;?\))?\s*$", re.IGNORECASE)


class Reason(StrEnum):
    """Why a click is a machine's."""

    AGENT = "agent"
    HEAD = "head"
    TRAP = "trap"
    TOO_SOON = "too_soon"
    AT_ONCE = "at_once"


@dataclass(frozen=True)
class Hit:
    """One request for a link of one message."""

    target: int
    at: datetime
    head: bool = False
    agent: bool = False
    trap: bool = False


def is_machine_agent(user_agent: str) -> bool:
    """Whether a User-Agent names a program that is no browser, or nothing at all."""
    agent = user_agent.strip()
    return not _BROWSER.match(agent) or bool(_BARE.match(agent)) or bool(_MACHINE.search(agent[:1000]))


def judge(hits: Sequence[Hit], sent: datetime) -> list[frozenset[Reason]]:
    """For each hit of one message why it is a machine's; empty for a person's. ``sent`` is when it was handed over."""
    traps = [hit.at for hit in hits if hit.trap]
    verdicts = []
    for hit in hits:
        reasons = set()
        if hit.agent:
            reasons.add(Reason.AGENT)
        if hit.head:
            reasons.add(Reason.HEAD)
        if hit.trap or any(abs(hit.at - trap) <= NEAR_TRAP for trap in traps):
            reasons.add(Reason.TRAP)
        if hit.at - sent < TOO_SOON:
            reasons.add(Reason.TOO_SOON)
        together = {other.target for other in hits if abs(other.at - hit.at) <= AT_ONCE}
        if len(together) >= MANY:
            reasons.add(Reason.AT_ONCE)
        verdicts.append(frozenset(reasons))
    return verdicts
