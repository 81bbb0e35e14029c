"""Carrying alerts to people: a signed webhook and e-mail. What is sent, to whom and when is `dispatch.alerting`'s."""

from tranship.connectors.alerts.mail import send_email
from tranship.connectors.alerts.model import NotDeliveredError
from tranship.connectors.alerts.sending import send
from tranship.connectors.alerts.webhook import post_webhook, signature

__all__ = ["NotDeliveredError", "post_webhook", "send", "send_email", "signature"]
