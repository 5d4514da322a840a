"""What the grammar refuses (RFC 3501 section 7.1.3): the one exception that becomes a tagged BAD."""


class ImapSyntaxError(ValueError):
    """The command does not follow the grammar; the text is a sentence for the person who reads a protocol log."""


class UnknownCharset(ValueError):
    """SEARCH names a CHARSET that we do not read (RFC 3501 section 6.4.4): NO [BADCHARSET …].

    `was_to_be_saved`: the command asked for SAVE, so that `$` is empty now (RFC 5182 section 2.1).
    """

    was_to_be_saved = False
