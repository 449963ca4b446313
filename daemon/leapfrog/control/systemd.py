"""Tells systemd the state of the daemon (sd_notify(3)); does nothing when systemd did not start the daemon."""

import os
import socket

SOCKET_VARIABLE = "NOTIFY_SOCKET"


def starts_us_again() -> bool:
    """Whether systemd started the daemon: then it starts it again, however it ends (Restart=always)."""
    return bool(os.environ.get(SOCKET_VARIABLE, ""))


def ready() -> None:
    """The daemon is listening: `systemctl start` may return."""
    _send("READY=1")


def watchdog() -> None:
    """Every part shows signs of life: restart the watchdog's timer (WatchdogSec)."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """The daemon is stopping and needs no watchdog any more."""
    _send("STOPPING=1")


def status(sentence: str) -> None:
    """Set the line that `systemctl status` shows to people. It must contain nothing about a patient."""
    _send("STATUS=" + sentence.replace("\n", " "))


def _send(message: str) -> None:
    address = os.environ.get(SOCKET_VARIABLE, "")
    if not address:
        return
    if address.startswith("@"):  # a name in Linux's abstract namespace begins with a zero byte
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
        notifier.connect(address)
        notifier.send(message.encode())
