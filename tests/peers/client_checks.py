"""What the Python test clients share: one printed line a step, and the end at the first answer that is wrong."""


class Steps:
    """Prints `ok client: step (detail)`; the first step that does not hold ends the process with status 1."""

    def __init__(self, who: str):
        self.who = who

    def check(self, step: str, holds: bool, detail: object) -> None:
        """Print the step, or stop with what came instead."""
        shown = str(detail)
        if not holds:
            raise SystemExit(f"FAILED {self.who}: {step}: {shown[:2000]}")
        print(f"ok {self.who}: {step} ({shown[:100]!r})" if len(shown) > 60 else f"ok {self.who}: {step} ({shown})")


def prompt_arguments(prompt) -> dict[str, str]:
    """A text for each argument that the prompt requires."""
    return {argument.name: "Paris" for argument in prompt.arguments or [] if argument.required}
