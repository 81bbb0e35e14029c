"""Who is woken by what, and when not: the settings of alerts. No address, URL or secret is in here, only where each lies."""

import msgspec


class Contact(msgspec.Struct, frozen=True):
    """Somebody who can be told. `webhook`, `secret` and `email` are references: `env:NAME` or `file:PATH`."""

    code: str
    webhook: str = ""  # where its URL lies
    secret: str = ""  # where the key lies that webhooks are signed with
    email: str = ""  # where the address lies


class Alerts(msgspec.Struct, frozen=True):
    """When alerts go out. Contacts stand in the order of escalation; without one, alerts are only kept and shown."""

    contacts: tuple[Contact, ...] = ()
    dedupe_min: int = 30  # minutes in which the same thing about the same subject is one alert with a count
    escalate_min: int = 15  # minutes unacknowledged after which the next contact is told; 0: never
    per_hour: int = 20  # messages an hour to one contact; the rest becomes "and N more"
    quiet_from_min: int = 0  # minutes after local midnight; quiet hours from ...
    quiet_until_min: int = 0  # ... until; the same twice: none
    zone: str = "UTC"  # IANA time zone of the quiet hours
    smtp_host: str = ""  # where e-mail is handed in; empty: none is sent
    smtp_port: int = 587
    smtp_starttls: bool = True
    smtp_sender: str = ""  # reference: where the sender's address lies
    smtp_user: str = ""  # reference
    smtp_password: str = ""  # reference
