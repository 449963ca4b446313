"""Tells systemd how the daemon is (sd_notify(3)); says nothing where no systemd asked for it."""

import os
import socket

SOCKET_VARIABLE = "NOTIFY_SOCKET"


def ready() -> None:
    """The daemon listens: `systemctl start` may return."""
    _send("READY=1")


def watchdog() -> None:
    """Every part has moved: the watchdog's time (WatchdogSec) begins anew."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """The daemon is on its way out and needs no watchdog any more."""
    _send("STOPPING=1")


def status(sentence: str) -> None:
    """One line for people, which `systemctl status` shows. It must hold nothing about a patient."""
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
