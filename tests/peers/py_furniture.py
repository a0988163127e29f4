"""What both Python test servers offer: the same tools, resources and prompts, on whichever SDK is handed in."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

# Calls of `append_note`. A generator that respects `readOnlyHint` must leave it at 0, and `notes://count` tells.
notes: list[str] = []


class Stop(BaseModel):
    """A nested object with bounds, so that made-up arguments have something to get wrong."""

    place: Annotated[str, Field(min_length=1, max_length=40)]
    nights: Annotated[int, Field(ge=1, le=30)]
    tags: Annotated[list[str], Field(max_length=5)] = []


class Trip(BaseModel):
    """Two levels deep: pydantic writes `$defs` and `$ref`, which a schema reader has to follow."""

    title: str
    stops: Annotated[list[Stop], Field(min_length=1, max_length=4)]
    mode: Literal["rail", "road", "sea"]
    budget: float | None = None


def furnish(server, read_only, writes, calls: str | None) -> None:
    """Register everything on `server`; `read_only` and `writes` are the SDK's own annotation objects.

    Into the file `calls` goes a line for each call of a tool, its name: what a load tool's report is held against.
    """
    # Line by line, so that a reader sees each call once its answer has come.
    log = open(calls, "a", buffering=1) if calls else None

    def note(tool: str) -> None:
        if log:
            log.write(f"{tool}\n")

    @server.tool(annotations=read_only)
    def echo(message: str) -> str:
        """Give back the message."""
        note("echo")
        return message

    @server.tool(annotations=read_only)
    def plan_trip(trip: Trip) -> dict[str, int]:
        """Count the nights of a trip (nested arguments)."""
        note("plan_trip")
        return {"stops": len(trip.stops), "nights": sum(stop.nights for stop in trip.stops)}

    @server.tool()
    def divide(a: float, b: float) -> float:
        """Divide a by b; no annotation at all, and b = 0 is a tool error (`isError`)."""
        note("divide")
        return a / b

    @server.tool(annotations=writes)
    def append_note(text: str) -> int:
        """Append a note: not read-only, so no load tool may call it unasked."""
        note("append_note")
        notes.append(text)
        return len(notes)

    @server.resource("notes://count")
    def note_count() -> str:
        """How many notes were appended."""
        return str(len(notes))

    @server.resource("text://greeting")
    def greeting() -> str:
        """A constant text."""
        return "hello"

    @server.resource("text://{name}/card")
    def card(name: str) -> str:
        """A resource template with one variable."""
        return f"card of {name}"

    @server.prompt()
    def summarize(text: str) -> str:
        """Ask for a summary of `text`."""
        return f"Summarize: {text}"
