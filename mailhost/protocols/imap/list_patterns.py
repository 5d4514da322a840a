"""LIST and LSUB patterns (RFC 3501 section 6.3.8): `*` matches anything, `%` anything within one level."""


def matches(pattern: str, name: str, *, separator: str = "/") -> bool:
    """Whether `name` is one that `pattern` asks for; INBOX is compared in any case.

    Follows all places in the pattern at once instead of backtracking: `*%*%*%…` costs no more than its length
    times the name's.
    """
    if pattern in ("*", "%"):
        return pattern == "*" or separator not in name
    if name.upper() == "INBOX":
        pattern, name = pattern.upper(), "INBOX"
    elif name[:6].upper() == "INBOX" + separator and pattern[:6].upper() == "INBOX" + separator:
        pattern, name = pattern[6:], name[6:]
    places = _with_wildcards_skipped(pattern, {0})
    for character in name:
        reached = set()
        for place in places:
            if place == len(pattern):
                continue
            wanted = pattern[place]
            if wanted == "*" or (wanted == "%" and character != separator):
                reached.add(place)
            elif wanted == character and wanted not in "*%":
                reached.add(place + 1)
        if not reached:
            return False
        places = _with_wildcards_skipped(pattern, reached)
    return len(pattern) in places


def _with_wildcards_skipped(pattern: str, places: set[int]) -> set[int]:
    """The places reachable when wildcards match nothing."""
    reached = set()
    for place in places:
        reached.add(place)
        while place < len(pattern) and pattern[place] in "*%":
            place += 1
            reached.add(place)
    return reached
