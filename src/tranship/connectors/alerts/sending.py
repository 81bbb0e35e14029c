"""One message to one contact, by every way the contact has."""

from tranship.connectors.alerts.mail import Server, send_email
from tranship.connectors.alerts.model import NotDeliveredError
from tranship.connectors.alerts.webhook import post_webhook
from tranship.connectors.secrets import secret
from tranship.core.alerts import Alerts
from tranship.core.errors import InputError
from tranship.core.secret import Pii
from tranship.dispatch.alerting import Message


def server_of(settings: Alerts) -> Server:
    """The SMTP server of the settings, its secrets read. Raises InputError where one of them is not there."""
    user = secret(settings.smtp_user, "[alerts] smtp_user") if settings.smtp_user else ""
    password = secret(settings.smtp_password, "[alerts] smtp_password") if settings.smtp_password else ""
    sender = Pii(secret(settings.smtp_sender, "[alerts] smtp_sender").reveal())
    return Server(settings.smtp_host, settings.smtp_port, sender, user, password, settings.smtp_starttls)


async def send(settings: Alerts, party: str, message: Message, at: int) -> None:
    """Send a message by webhook and by e-mail, as its contact has them: one way that works is a delivery.

    Raises NotDeliveredError where none works; the caller tells `Desk.failed`, which decides when to try again.
    """
    contact = next(one for one in settings.contacts if one.code == message.contact)
    problems, delivered = [], False
    try:
        if contact.webhook:
            url, key = secret(contact.webhook, "webhook"), secret(contact.secret, "webhook secret")
            await post_webhook(url, key, message, party, at)
            delivered = True
    except (NotDeliveredError, InputError) as error:
        problems.append(str(error))
    try:
        if contact.email:
            await send_email(server_of(settings), Pii(secret(contact.email, "e-mail").reveal()), message, party, at)
            delivered = True
    except (NotDeliveredError, InputError) as error:
        problems.append(str(error))
    if not delivered:
        raise NotDeliveredError("; ".join(problems) or "the contact has no address")
