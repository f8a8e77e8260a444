"""What the sink did not take is counted, and told once it takes lines again."""

from oomwatchd.alerts.sinks import Sink
from oomwatchd.alerts.vocabulary import Entry


class Courier:
    """Hands events to a sink."""

    def __init__(self, sink: Sink) -> None:
        """Nothing is lost yet."""
        self.sink = sink
        self.lost = 0
        self.untold = 0
        """How many of the lost ones no line has told of."""
        self._is_failing = False

    def deliver(self, entry: Entry) -> bool:
        """Send an event, or count it as lost."""
        taken = self.offer(entry)
        if not taken:
            self.lose()
        return taken

    def offer(self, entry: Entry) -> bool:
        """Send a line that can wait; whether it was taken."""
        taken = self.sink.send(entry)
        self._is_failing = not taken
        return taken

    def lose(self) -> None:
        """Count an event that did not even come so far."""
        self.lost += 1
        self.untold += 1

    @property
    def trouble(self) -> str | None:
        """Why lines are being lost now; None where none are."""
        if not self._is_failing and self.sink.is_there:
            return None
        return f"{self.sink.where} does not take lines; {self.untold} lost"
