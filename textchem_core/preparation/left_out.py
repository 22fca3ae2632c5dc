"""Why a line gives no row."""


class LeftOut(Exception):  # noqa: N818 - not an error: bad lines are what preparation is for
    """A line gives no row, which is counted and listed.

    Args:
        reason: One of few, because they are counted.
        value: What of the line is at fault; the whole line where it is empty.
    """

    def __init__(self, reason: str, value: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value
