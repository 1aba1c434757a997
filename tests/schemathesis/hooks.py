"""What JSON Schema has no words for. A door refuses it, and the reference says so in sentences, so a
request that is meant to be good must not say it."""

import schemathesis

LEVELS = 6
EXACT_MAX = 2**53


def whole(value):
    """9.0 is an integer to JSON Schema; the doors want it written as one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value


def flat(value, levels):
    """No deeper than that, names with dots counted as what they stand for; no two comparisons of one
    capability, which may contradict one another; integers exact."""
    if isinstance(value, list):
        return [flat(item, levels - 1) for item in value if levels > 1 or not isinstance(item, (list, dict))]
    if not isinstance(value, dict):
        is_large = isinstance(value, int) and abs(value) > EXACT_MAX
        return float(value) if is_large else value
    told, said = {}, set()
    for name, item in value.items():
        parts = name.split(".")
        left = levels - len(parts)
        is_deep = left < 0 or (left == 0 and isinstance(item, (list, dict)))
        is_second = (parts[0] if not name.startswith("$") else "$") in said
        if not is_deep and not is_second:
            told[name] = flat(item, left)
            said.add("$" if name.startswith("$") else parts[0])
    return told


def agreeing(body):
    """Nothing that contradicts something else in it."""
    requirements = body.get("requirements")
    if isinstance(requirements, dict):
        sides = ("positive_requirements", "negative_requirements")
        if len(requirements) > 1:
            requirements = {name: item for name, item in requirements.items() if name not in sides}
        if "run_for_ms" in body:
            requirements = {name: item for name, item in requirements.items() if name != "timeout_minutes"}
        body["requirements"] = flat(requirements, LEVELS)
    if "not_before" in body:
        body.pop("start_by", None)
        body.pop("finish_by", None)
    capabilities = body.get("capabilities")
    if isinstance(capabilities, dict) and isinstance(capabilities.get("custom"), dict):
        capabilities["custom"] = flat(capabilities["custom"], LEVELS)
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    if not case.meta.generation.mode.is_positive or not isinstance(case.body, dict):
        return
    case.body = agreeing(whole(case.body))
    # A key stands in the header or in the body.
    if "idempotency_key" in case.body and case.headers:
        case.headers.pop("Idempotency-Key", None)
