"""Proving who one is: a code sent to the mailbox together with the date of birth, or a password.

A wrong answer is counted for every person it could have opened, on their rows: another browser, another link or
another address does not give new tries. Nothing here says whether a mailbox, a person or a date is known.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator, NumericPasswordValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import open_people, record_keys
from apps.contacts.services import contacts_change, mailbox_prove
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.inbox.services import tasks_create
from apps.organizations import selectors as organizations
from apps.portal import notices, policy, selectors
from apps.portal.models import (
    AccessCode,
    NoticeLink,
    PortalAccount,
    PortalSession,
    SecureMessage,
)
from apps.portal.policy import NOT_ME, EndedWhy
from apps.portal.services import throttles
from apps.portal.services.sessions import guardian_replaced, session_begin, sessions_end
from apps.vault import tokens

PURPOSE = "portal sign-in"


class Asked(StrEnum):
    """What came of asking for a code."""

    SENT = "sent"
    LOCKED = "locked"
    OFTEN = "often"
    GONE = "gone"


class State(StrEnum):
    """What came of an answer."""

    IN = "in"
    WRONG = "wrong"
    EXPIRED = "expired"
    LOCKED = "locked"
    WHICH = "which"  # right, but two people fit: last digits decide
    CALL = "call"  # right, but nothing we know tells them apart


@dataclass(frozen=True)
class SignInOutcome:
    """``token`` and ``browser`` are the fresh secrets of a session when the state is IN."""

    state: State
    person_id: int = 0
    token: str = field(default="", repr=False)
    browser: str = field(default="", repr=False)
    until: datetime | None = None
    tries_left: int = 0


# -- One-time code and date of birth ---------------------------------------------------------------------------


@transaction.atomic
def code_ask(*, link: NoticeLink, browser: str, ip: str, language: str) -> Asked:
    """Send a code to the mailbox of ``link``; it works only in the browser with secret ``browser``.

    An older code of this browser ends, so that one mail is the right one.
    """
    mailbox = bytes(link.mailbox)
    now = clock.now()
    accounts = list(selectors.accounts_of_mailbox(mailbox))
    if not accounts:
        return Asked.GONE
    if all(account.is_locked(now) for account in accounts):
        return Asked.LOCKED
    within = throttles.allowed("code", mailbox)
    if not throttles.allowed("code.ip", throttles.address_token(ip)) or not within:
        return Asked.OFTEN
    owner = owner_of(accounts, mailbox)
    if owner is None:
        return Asked.GONE
    AccessCode.objects.filter(mailbox=mailbox, browser=policy.hashed(browser), used_at__isnull=True).update(used_at=now)
    code = policy.new_code()
    AccessCode.objects.create(
        mailbox=mailbox,
        browser=policy.hashed(browser),
        code=_code_hash(mailbox, browser, code),
        created_at=now,
        expires_at=now + policy.CODE_LIFE,
    )
    notices.send_code(person=owner, code=code, language=language)
    record(
        actor=actors.STRANGER,
        action=Action.PORTAL_ASK_CODE,
        kind="mailbox",
        people=[account.person_id for account in accounts],
    )
    return Asked.SENT


@transaction.atomic
def code_prove(
    *,
    link: NoticeLink,
    browser: str,
    code: str,
    birth_date: date | None,
    digits: str = "",
    old_token: str = "",
) -> SignInOutcome:
    """Check a code and a date of birth together; both right opens a session for the one person they fit.

    Which of the two was wrong is not said. ``digits`` (last four of phone or record number) tell apart people who
    share mailbox and birthday. Five wrong answers lock everybody the mailbox could have opened.
    """
    mailbox = bytes(link.mailbox)
    now = clock.now()
    accounts = list(selectors.accounts_of_mailbox(mailbox).select_for_update(of=("self",)))
    free = [account for account in accounts if not account.is_locked(now)]
    if not free:
        return SignInOutcome(State.LOCKED, until=_latest(accounts))
    given = (
        AccessCode.objects.select_for_update()
        .filter(mailbox=mailbox, browser=policy.hashed(browser), used_at__isnull=True)
        .order_by("-id")
        .first()
    )
    expected = bytes(given.code) if given else b"\0" * 16
    right = hmac.compare_digest(expected, _code_hash(mailbox, browser, policy.bare_code(code))) and given is not None
    born = selectors.born_on([account.person_id for account in accounts], birth_date)
    matches = [account for account in accounts if account.person_id in born]
    if right and given is not None and now >= given.expires_at:
        record(
            actor=actors.STRANGER,
            action=Action.PORTAL_SIGN_IN_FAILED,
            kind="mailbox",
            people=[account.person_id for account in free],
            codes={"why": "expired"},
        )
        return SignInOutcome(State.EXPIRED)
    if not right or not matches:
        return _wrong(free, mailbox, now, "code")
    assert given is not None
    if len(matches) > 1:
        found = _told_apart(matches, digits)
        if found is State.WRONG:
            return _wrong(free, mailbox, now, "digits")
        if isinstance(found, State):
            return SignInOutcome(found)
        matches = [found]
    account = matches[0]
    if account.is_locked(now):
        return SignInOutcome(State.LOCKED, until=account.locked_until)
    AccessCode.objects.filter(mailbox=mailbox, used_at__isnull=True).update(used_at=now)
    if _is_no_longer_theirs(account, mailbox):
        return SignInOutcome(State.CALL)
    # Who reads there and knows the date of birth is the person; a password alone would not show who reads there.
    mailbox_prove(actor=actors.patient(account.person_id), person_id=account.person_id, mailbox=mailbox)
    return _enter(account, "code", old_token)


def _told_apart(matches: list[PortalAccount], digits: str) -> PortalAccount | State:
    people = open_people(
        actor=actors.STRANGER,
        purpose=PURPOSE,
        ids=[account.person_id for account in matches],
        with_consents=False,
    )
    ends = [
        frozenset(
            end
            for end in (
                policy.last_digits(str(people[account.person_id].profile.get(name) or "")) for name in ("phone", "mrn")
            )
            if end
        )
        for account in matches
    ]
    if not policy.told_apart(ends):
        return State.CALL
    if not digits:
        return State.WHICH
    for account, own in zip(matches, ends, strict=True):
        if policy.last_digits(digits) in own:
            return account
    return State.WRONG


# -- Password --------------------------------------------------------------------------------------------------


@transaction.atomic
def password_sign_in(
    *, address: str, birth_date: date | None, password: str, ip: str, old_token: str = ""
) -> SignInOutcome:
    """Sign in with address, date of birth and password.

    Unknown address, other birthday, no password, wrong password and locked cost one password hash each and answer
    alike; the lock belongs to the typed address, known or not. Only who typed the right password hears of the
    person's own lock.
    """
    mailbox = search_values.mailbox(address)
    now = clock.now()
    often = not throttles.allowed("password.ip", throttles.address_token(ip))
    accounts = list(selectors.accounts_of_mailbox(mailbox).select_for_update(of=("self",)))
    # After the accounts, as everywhere: tries from many places at once wait for each other, and five are five.
    held = throttles.locked("password", mailbox)
    born = selectors.born_on([account.person_id for account in accounts], birth_date)
    matches = [account for account in accounts if account.person_id in born and _has_password(account, mailbox)]
    account = matches[0] if len(matches) == 1 else None
    right = check_password(password, account.password if account else _nobodys_password())
    if held is not None or often:
        return SignInOutcome(State.LOCKED, until=held.locked_until if held else None)
    if account is None or not right:
        row = throttles.failed("password", mailbox)
        people = [account.person_id] if account else []
        record(
            actor=actors.STRANGER,
            action=Action.PORTAL_SIGN_IN_FAILED,
            kind="mailbox",
            people=people,
            codes={"why": "password"},
        )
        if row.locked_until is not None and row.locked_until > now:
            record(actor=actors.STRANGER, action=Action.PORTAL_LOCK, kind="mailbox", people=people)
            return SignInOutcome(State.LOCKED, until=row.locked_until)
        return SignInOutcome(State.WRONG, tries_left=policy.TRIES - row.count)
    if account.is_locked(now):
        return SignInOutcome(State.LOCKED, until=account.locked_until)
    if _is_no_longer_theirs(account, mailbox):
        return SignInOutcome(State.CALL)
    throttles.forget("password", mailbox)
    if account.password_mailbox is None:
        account.password_mailbox = mailbox
        account.save(update_fields=["password_mailbox"])
    return _enter(account, "password", old_token)


def _has_password(account: PortalAccount, mailbox: bytes) -> bool:
    """Whether there is a password that was set through this mailbox: who had the old one may know it, and the new
    address too.
    """
    return bool(account.password) and (account.password_mailbox is None or bytes(account.password_mailbox) == mailbox)


@transaction.atomic
def password_set(
    *, actor: Actor, person_id: int, session_id: int, password: str, language: str, current: str | None = None
) -> str:
    """Set the password of a signed-in patient; other sessions end and the mailbox is told (ASVS 6.2.3, 6.3.7).

    ``current`` is asked of whoever signed in by password. Returns "" or the code word of what is wrong: ``short``,
    ``long``, ``common``, or ``wrong`` (the current one; counted like a wrong sign-in).
    """
    if len(password) < policy.PASSWORD_LENGTH:
        return "short"
    if len(password) > 256:
        return "long"
    try:
        CommonPasswordValidator().validate(password)
        NumericPasswordValidator().validate(password)
    except ValidationError:
        return "common"
    account = PortalAccount.objects.select_for_update().get(person_id=person_id)
    if current is not None:
        mailbox = bytes(account.mailbox)
        held = throttles.locked("password", mailbox)
        if not check_password(current, account.password) or held is not None:
            throttles.failed("password", mailbox)
            record(
                actor=actor,
                action=Action.PORTAL_SIGN_IN_FAILED,
                kind="person",
                subject=person_id,
                people=[person_id],
                codes={"why": "current"},
            )
            return "wrong"
    found = open_people(actor=actor, purpose="tell of a new password", ids=[person_id], with_consents=False)
    email = found[person_id].email if person_id in found else ""
    own = account.guardian_id is None and bool(email)
    account.password, account.password_since = make_password(password), clock.now()
    account.password_mailbox = search_values.mailbox(email) if own else bytes(account.mailbox)
    account.save(update_fields=["password", "password_since", "password_mailbox"])
    sessions_end(actor=actor, person_id=person_id, why=EndedWhy.PASSWORD, keep=session_id)
    record(actor=actor, action=Action.PORTAL_SET_PASSWORD, kind="person", subject=person_id, people=[person_id])
    if email:
        notices.send_password_changed(person=found[person_id], language=language)
    return ""


@lru_cache(maxsize=1)
def _nobodys_password() -> str:
    return make_password(policy.new_secret())


# -- Links -------------------------------------------------------------------------------------------------------


def link_create(*, mailbox: bytes, message_id: int | None, expires_at: datetime) -> str:
    """A new link for a notice; returns its token. Caller's transaction and entry."""
    token = policy.new_secret()
    NoticeLink.objects.create(
        token=policy.hashed(token),
        mailbox=mailbox,
        message_id=message_id,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    return token


@transaction.atomic
def link_again(*, actor: Actor, person_id: int, message: SecureMessage | None) -> str:
    """A link for a browser whose session just ran out, so that coming back needs no search in the mailbox.

    It proves nothing, like every link: a code and the date of birth do. Returns "" when there is no way.
    """
    account = PortalAccount.objects.filter(person_id=person_id, state=PortalAccount.State.OPEN).first()
    if account is None:
        return ""
    token = link_create(
        mailbox=bytes(account.mailbox),
        message_id=message.pk if message else None,
        expires_at=clock.now() + policy.DRAFT_GRACE,
    )
    record(actor=actor, action=Action.PORTAL_SEND_LINK, kind="person", subject=person_id, people=[person_id])
    return token


# -- Not me, unlock --------------------------------------------------------------------------------------------


@transaction.atomic
def not_me(*, actor: Actor, link: NoticeLink) -> None:
    """Whoever reads this mailbox says that the notice is not for them.

    Mail to that mailbox stops for the person (the address leaves the record, so that no route finds it), their
    sessions end, and staff get a task that holds the address. A link without a message concerns everybody the
    mailbox could open. Nobody else of a shared mailbox is touched.
    """
    mailbox = bytes(link.mailbox)
    accounts = list(selectors.accounts_of_mailbox(mailbox).select_for_update(of=("self",)))
    if link.message is not None:
        accounts = [account for account in accounts if account.person_id == link.message.person_id]
    ids = [account.person_id for account in accounts]
    people = open_people(actor=actor, purpose="not me", ids=ids, with_consents=False)
    owner = owner_of(accounts, mailbox) if accounts else None
    for account in accounts:
        person = people.get(account.person_id)
        if person is None:
            continue
        account.refused_mailbox = mailbox
        account.save(update_fields=["refused_mailbox"])
        if person.email and search_values.mailbox(person.email) == mailbox:
            profile = {name: value for name, value in person.profile.items() if name != "email"}
            contacts_change(actor=actor, profiles={person.id: profile})
        PortalSession.objects.filter(person_id=person.id, ended_at__isnull=True).update(
            ended_at=clock.now(), ended_why=EndedWhy.NOT_ME
        )
    facts = {"address": owner.email if owner else ""}
    tasks_create(kind=NOT_ME, about=dict.fromkeys(people, facts), keys=record_keys(ids))
    AccessCode.objects.filter(mailbox=mailbox, used_at__isnull=True).update(used_at=clock.now())
    record(actor=actor, action=Action.PORTAL_NOT_ME, kind="mailbox", people=ids)


@transaction.atomic
def unlock(*, actor: Actor, person_id: int) -> None:
    """Staff let a locked person try again now. Raises ``Refused`` when there is no account."""
    account = PortalAccount.objects.select_for_update().filter(person_id=person_id).first()
    if account is None:
        raise Refused(
            "portal.without_account", "This person has no portal account yet. It comes with the first portal message."
        )
    account.failed_tries, account.locks, account.locked_until, account.last_failed_at = 0, 0, None, None
    account.save(update_fields=["failed_tries", "locks", "locked_until", "last_failed_at"])
    throttles.forget("password", bytes(account.mailbox))
    throttles.forget("code", bytes(account.mailbox))
    record(actor=actor, action=Action.PORTAL_UNLOCK, kind="person", subject=person_id, people=[person_id])


@transaction.atomic
def access_set(*, actor: Actor, person_id: int, is_open: bool) -> None:
    """Staff close a person's portal access (sessions end at once), or open it again. Raises ``Refused``."""
    account = PortalAccount.objects.select_for_update().filter(person_id=person_id).first()
    if account is None:
        raise Refused(
            "portal.without_account", "This person has no portal account yet. It comes with the first portal message."
        )
    account.state = PortalAccount.State.OPEN if is_open else PortalAccount.State.CLOSED
    account.save(update_fields=["state"])
    if not is_open:
        sessions_end(actor=actor, person_id=person_id)
    record(
        actor=actor,
        action=Action.PORTAL_OPEN if is_open else Action.PORTAL_CLOSE,
        kind="person",
        subject=person_id,
        people=[person_id],
    )


# -- Together --------------------------------------------------------------------------------------------------


def _enter(account: PortalAccount, way: str, old_token: str) -> SignInOutcome:
    account.failed_tries, account.locks, account.locked_until, account.last_failed_at = 0, 0, None, None
    account.save(update_fields=["failed_tries", "locks", "locked_until", "last_failed_at"])
    browser = policy.new_secret()
    token = session_begin(person_id=account.person_id, browser=browser, way=way, old_token=old_token)
    return SignInOutcome(State.IN, person_id=account.person_id, token=token, browser=browser)


def _wrong(free: list[PortalAccount], mailbox: bytes, now: datetime, why: str) -> SignInOutcome:
    people = [account.person_id for account in free]
    record(
        actor=actors.STRANGER, action=Action.PORTAL_SIGN_IN_FAILED, kind="mailbox", people=people, codes={"why": why}
    )
    locked = []
    for account in free:
        account.failed_tries = policy.tries_so_far(account.failed_tries, account.last_failed_at, now) + 1
        account.last_failed_at = now
        if account.failed_tries >= policy.TRIES:
            account.failed_tries, account.locked_until = 0, now + policy.lock_length(account.locks)
            account.locks += 1
            locked.append(account.person_id)
        account.save(update_fields=["failed_tries", "last_failed_at", "locks", "locked_until"])
    if locked:
        AccessCode.objects.filter(mailbox=mailbox, used_at__isnull=True).update(used_at=now)
        record(actor=actors.STRANGER, action=Action.PORTAL_LOCK, kind="mailbox", people=locked, codes={"why": why})
    if len(locked) == len(free):
        return SignInOutcome(State.LOCKED, until=_latest(free))
    return SignInOutcome(
        State.WRONG, tries_left=policy.TRIES - max(a.failed_tries for a in free if a.person_id not in locked)
    )


def _latest(accounts: list[PortalAccount]) -> datetime | None:
    return max((account.locked_until for account in accounts if account.locked_until), default=None)


def _code_hash(mailbox: bytes, browser: str, code: str) -> bytes:
    # Keyed: a stolen table cannot be searched for the eight digits.
    return tokens.token128("portal.code", f"{mailbox.hex()}|{policy.hashed(browser).hex()}|{code}")


def owner_of(accounts: list[PortalAccount], mailbox: bytes) -> PersonRecord | None:
    """The person (or guardian) whose address this mailbox is: mail goes to what is on record, not to what is typed."""
    ids = [account.person_id for account in accounts] + [a.guardian_id for a in accounts if a.guardian_id is not None]
    people = open_people(actor=actors.system("portal"), purpose="address of a notice", ids=ids, with_consents=False)
    mine = {person.id for person in people.values() if person.email and search_values.mailbox(person.email) == mailbox}
    for account in accounts:
        person = people.get(account.person_id)
        if person is not None and person.id in mine:
            return person
        if person is not None and account.guardian_id in mine and not guardian_replaced(account, person):
            return people[account.guardian_id]
    return None


def _is_no_longer_theirs(account: PortalAccount, mailbox: bytes) -> bool:
    """Whether a guardian's mailbox asks for somebody who is of age by now, or whose guardian is somebody else."""
    if account.guardian_id is None:
        return False
    person = open_people(
        actor=actors.system("portal"), purpose=PURPOSE, ids=[account.person_id], with_consents=False
    ).get(account.person_id)
    if person is None or (person.email and search_values.mailbox(person.email) == mailbox):
        return False
    return guardian_replaced(account, person) or not person.is_minor(clock.today(organizations.current().zone))
