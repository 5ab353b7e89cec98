"""Asking the app for one answer: at once, in a thread of its own, or again when it has waited."""

from collections.abc import Callable
from threading import Thread

from .delivery import KEY, Delivery, nobody
from .gateway import Gateway, Outgoing
from .loop import Loop, Timer
from .reader import Incoming


class Asking:
    """One request, until the app has answered it. All but `wake` happens in the loop's thread.

    `answer` is what the app said last, and `wish` what is to become of it.
    """

    def __init__(self, request: Incoming, gateway: Gateway, loop: Loop, answered: Callable[[], object]) -> None:
        """`answered` is called when the app has answered, unless it does so at once."""
        self.request = request
        self.answer: Outgoing | None = None
        self.wish = request.environ[KEY] = Delivery(wake=self._wake)
        self._gateway = gateway
        self._loop = loop
        self._answered = answered
        self._timer: Timer | None = None  # while the app waits
        self._woken = False  # before it waited
        self._over = False

    def begin(self) -> bool:
        """Ask the app. Whether it has answered already."""
        if not self._gateway.blocks:
            return self._take(self._gateway(self.request.environ))
        self.request.environ["wsgi.multithread"] = True
        Thread(target=self._ask_in_thread, name="tiledesk-fake: a view", daemon=True).start()
        return False

    @property
    def waits(self) -> bool:
        """Whether the app waits to be asked again."""
        return self._timer is not None

    def give_up(self) -> None:
        """The client has gone."""
        self._end()
        self.wish.on_gone()

    def _ask_in_thread(self) -> None:
        answer = self._gateway(self.request.environ)
        self._loop.call(lambda: self._go_on(self._take(answer)))

    def _take(self, answer: Outgoing | None) -> bool:
        self.answer = answer
        if self._over or self.wish.wait_s <= 0:
            self._end()
            return True
        self._timer = self._loop.call_later(self.wish.wait_s, self._ask_again)
        if self._woken:
            self._loop.call_soon(self._ask_again)
        return False

    def _go_on(self, answered: bool) -> None:
        if answered:
            self._answered()

    def _wake(self) -> None:
        self._loop.call(self._ask_again)

    def _ask_again(self) -> None:
        if self._timer is None:
            self._woken = True
            return
        self._timer.cancel()
        self._timer, self._woken = None, False
        self.wish.wait_s = 0.0
        self.request.environ["wsgi.input"].seek(0)
        self._go_on(self.begin())

    def _end(self) -> None:
        self._over = True
        self.wish.wake = nobody  # it refers back
        if self._timer:
            self._timer.cancel()
            self._timer = None
