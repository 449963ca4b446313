"""The child's end of its connection to the main process."""

import os
import select
import time

from leapfrog.intake.folder.conversation import MAIN_MESSAGE, Alive, ChildMessage, MainMessage
from leapfrog.processes.channel import ChannelClosed, LineChannel

BEAT_SECONDS = 1.0  # between two signs of life


class MainLine:
    """Every method but `wake` raises ChannelClosed when the main process wants no more."""

    def __init__(self, channel: LineChannel) -> None:
        """Speak over `channel`."""
        self._channel = channel
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._next_beat = 0.0

    def receive(self) -> MainMessage:
        """The next message."""
        line = self._channel.receive()
        if line is None:  # impossible without a timeout
            raise ChannelClosed
        return MAIN_MESSAGE.validate_json(line)

    def tell(self, message: ChildMessage) -> None:
        """Send a message that needs no answer."""
        self._channel.send(message.model_dump_json())
        self._next_beat = time.monotonic() + BEAT_SECONDS

    def ask(self, message: ChildMessage) -> MainMessage:
        """Send a message and wait for its answer."""
        self.tell(message)
        return self.receive()

    def beat(self) -> bool:
        """Give a sign of life, if the last one was a while ago. Always returns True: whoever asks may go on."""
        if time.monotonic() >= self._next_beat:
            self.tell(Alive())
        return True

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until `wake`."""
        if seconds > 0:
            self.tell(Alive(seconds=seconds))
            ready, _, _ = select.select([self._channel.fileno(), self._woken], [], [], seconds)
            if self._channel.fileno() in ready:
                self.receive()  # nothing comes unasked: it can only be the end
        try:
            os.eventfd_read(self._woken)
        except BlockingIOError:
            return

    def wake(self) -> None:
        """End `sleep`, from any thread."""
        os.eventfd_write(self._woken, 1)
