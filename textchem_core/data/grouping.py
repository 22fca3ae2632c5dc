"""Sources of like lengths brought together under a budget: little is padded, and memory is bounded."""

from collections.abc import Sequence


def group_by_length(lengths: Sequence[int], most_tokens: int) -> list[list[int]]:
    """Cut sources into batches of like lengths, the longest first.

    Long ones first, because a batch that does not fit into memory then fails at once and not in the end.

    Args:
        lengths: Of the sources, in tokens, >= 1.
        most_tokens: Of a batch, padding included; a longer source makes a batch alone.

    Returns:
        Indices of the sources, batch after batch; each stands in one batch. They depend on nothing else, so
        the same sources make the same batches again.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        # The first of a batch is its longest, to whose length the others are padded.
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= most_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
