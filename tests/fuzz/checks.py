"""What schemathesis does not check of itself; it loads this file by SCHEMATHESIS_HOOKS."""

import schemathesis

SHAPE = ("urn:bandeng:problem:invalid-request", "urn:bandeng:problem:malformed")


@schemathesis.check
def what_the_document_allows_is_understood(ctx, response, case):
    """A request that the document allows may be refused for what it says, but not for its shape.

    Its own check of this kind cannot tell the two apart: an unknown page token is a 400 as well.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    problem = response.json()
    if problem["type"] not in SHAPE:
        return
    # It fills If-Match with values that its own reading of the pattern would refuse.
    fields = [field for field in problem.get("fields", []) if field["field"] != "ifMatch"]
    if fields or "fields" not in problem:
        raise AssertionError(f"the document allows what is refused as {problem}")
