"""The commands `mockserver` and `labelbox-mockserver`, and `python -m labelbox_mockserver`."""

from __future__ import annotations

import sys

from . import describe_foreign_module


def main() -> None:
    """Runs the command line, or says which module has taken its name."""
    if (foreign := describe_foreign_module()) is not None:
        print(f"mockserver: {foreign}", file=sys.stderr)  # noqa: T201  click may be missing, too
        raise SystemExit(2)
    from mockserver.__main__ import main as run  # noqa: PLC0415  only after the check

    run()


if __name__ == "__main__":
    main()
