"""The words that the style check knows: what to avoid, what to write instead, and where that is checked."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A row of the table in docs/style.md."""

    avoid: str
    use: str
    pattern: re.Pattern[str] | None = None
    """None: a matter of judgement, listed for authors and not checked."""


def split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def phrase(avoid: str, use: str, pattern: str | None = None) -> Word:
    """A phrase that is found as it is written unless a pattern says more."""
    return Word(avoid, use, re.compile(pattern or rf"\b{re.escape(avoid)}\b", re.IGNORECASE))


PHRASES = (
    phrase("told, tells", "sent, reported, given, included, says", r"\b(told|tells)\b"),
    phrase("stands, stand (to be somewhere)", "is, are", r"\b(stands?)\b(?!-)"),
    phrase("is over, are over", "has expired, has ended", r"\b(is|are|was) over\b(?! \d)"),
    phrase("whoever", "a client, a caller, anyone who"),
    phrase("with us", "built-in, of this server"),
    phrase("of ours, ours", "the server's, our own", r"\bours\b"),
    phrase("none of this server's", "unknown"),
    phrase("asked for, asks for", "requested, requires", r"\b(asked|asks) for\b"),
    phrase("at once", "immediately; at the same time"),
    phrase("meanwhile", "in the meantime, during …"),
    phrase("there and then", "immediately"),
    phrase("stretch", "range, segment", r"\bstretch(es)?\b"),
    phrase("came, comes (of data)", "was received, is received", r"\bcame\b"),
    phrase("apart", "separately, separate", r"\bapart\b(?! from)"),
    phrase("a person", "a user", r"\ba person\b(?!'s body)"),
    phrase("likewise", "also, in the same way"),
    phrase("thereby, therein, thereof", "by this, in it, of it", r"\bthere(by|in|of|upon)\b"),
    phrase("once more", "again"),
    phrase("to be had", "available"),
)
"""Checked in docstrings, comments, messages of errors, and the prose of documents."""

JUDGED = (
    Word("behind, before (an order or a place)", "after, in front of"),
    Word("what is long, what was sent", "the noun: large values, the body"),
    Word("looks (at a task)", "polls (the public key stays `looks`)"),
    Word("piece", "batch (of rows), chunk (of bytes)"),
    Word("pace", "progression"),
    Word("made", "created, built"),
    Word("here, there", "the name of the place"),
    Word("moment (as a value)", "timestamp"),
    Word("life, lives", "lifecycle; generation of a workspace"),
    Word("door, house, room for bytes, shelf", "endpoint, project, space, cache"),
)
"""Not checked: whether these are wrong depends on the sentence."""

WORDS = PHRASES + JUDGED

OPENINGS = (
    *("Of", "Those", "As", "What", "So", "From", "Nothing", "Whoever", "Who", "Whose", "Whom", "Which", "That", "Why"),
    *("Where", "Let", "Such", "Likewise", "Than"),
)
"""First words that no docstring has: the sentence lacks its noun or its verb."""
OPENING_PHRASES = ("With the", "By the", "In the order", "On the way")

THIRD_PERSON = {
    **{
        verb: f"{verb}s" for verb in ("Add", "Append", "Begin", "Build", "Create", "Decode", "Delete", "Draw", "Encode")
    },
    **{verb: f"{verb}s" for verb in ("Execute", "Fill", "Find", "Forget", "Give", "Insert", "Join", "Keep", "Load")},
    **{verb: f"{verb}s" for verb in ("Make", "Move", "Open", "Parse", "Put", "Raise", "Read", "Refuse", "Remember")},
    **{verb: f"{verb}s" for verb in ("Remove", "Render", "Reserve", "Return", "Send", "Serve", "Stop", "Take", "Wait")},
    **{verb: f"{verb}s" for verb in ("Write", "Start", "Subscribe", "Accept", "Call", "Compare", "Prepare", "Update")},
    "Tell": "Reports",
    "Search": "Searches",
    "Fetch": "Fetches",
    "Finish": "Finishes",
    "Flush": "Flushes",
}
"""Imperatives that begin the docstring of a function, and how the sentence begins instead."""

IRREGULAR = split_words(
    "asked begun bound brought built caught chosen drawn driven fed felt found forgotten given gone got heard held kept"
    " known left lost made meant met paid said seen sent shown sold sought spent spoken spun struck stuck sworn taken"
    " taught thought thrown told understood unspoken won worn woven written"
)
ADVERBS = split_words(
    "about above again alone along among apart around aside at behind below beside between by elsewhere here in"
    " into just like merely near not of only over perhaps quite rightly slowly soon still than then there through"
    " together under until upon what where which while who whose why within"
)
NOT_PARTICIPLES = split_words(
    "bleed bounding embed embedding exceed feed heading labeling labelling listing need processing proceed red"
    " seed setting settings shed speed string succeed training bring ring wing ping thing"
)
"""Verbs and nouns that only look like participles."""

PARTICIPLE_HINTS = {
    "asked": "request, query",
    "found": "find",
    "given": "get, parse",
    "kept": "keep, cache",
    "made": "build, create",
    "named": "get_by_name",
    "shown": "render",
    "told": "report, format",
    "written": "format, write",
}
VARIABLES = split_words("asked came found given here kept made named shown standing there told written")
"""Names of variables that say that something happened and not which thing they hold."""


def is_participle(word: str) -> bool:
    regular = len(word) > 3 and word.endswith(("ed", "ing")) and word not in NOT_PARTICIPLES
    return regular or word in IRREGULAR


def render_table() -> str:
    """The table of docs/style.md."""
    rows = (f"| “{word.avoid}” | {word.use} | {'yes' if word.pattern else ''} |" for word in WORDS)
    return "\n".join(("| avoid | use | checked |", "|---|---|---|", *rows)) + "\n"
