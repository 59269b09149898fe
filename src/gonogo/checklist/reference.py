"""The reference of the YAML form, field by field, as Markdown: the part of `docs/reference/checklist.md` between marks.

`python -m gonogo.checklist.reference docs/reference/checklist.md` writes it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gonogo.checklist import fields as form
from gonogo.checklist.schema import of_form, schema
from gonogo.text.form import Form

BEGIN = "<!-- fields: begin (python -m gonogo.checklist.reference docs/reference/checklist.md) -->"
END = "<!-- fields: end -->"


def reference() -> str:
    """Every form with its fields, from `schema()`."""
    whole = schema()
    found = [_form(form.CHECKLIST, whole)]
    for one in form.FORMS[1:]:
        key = f"call.{form.DEFAULT_KIND}" if one is form.CALL else one.name.replace(" ", "_")
        found.append(_form(one, of_form(one) if one in (form.TARGET, form.NOTICE) else whole["$defs"][key]))
    return "\n".join(found)


def _form(one: Form, schema_of: dict[str, Any]) -> str:
    lines = [f"### {one.name[0].upper()}{one.name[1:]}", "", one.doc]
    if one.short:
        lines += ["", f"Plain text in its place is {one.short}."]
    if one is form.CALL:
        lines += ["", f"The fields of every call, then the params of the kind `{form.DEFAULT_KIND}`."]
    lines += ["", "| Field | Takes | Means |", "|---|---|---|"]
    shapes = {field.name: str(field.shape) for field in one.fields}
    required = set(schema_of["required"])
    for name, about in schema_of["properties"].items():
        takes = shapes.get(name) or _type(about)
        if "enum" in about:
            takes = "one of " + ", ".join(f"`{choice}`" for choice in about["enum"] if choice)
        must = "**Required.** " if name in required else ""
        meaning = about.get("description") or next(f.doc for f in one.fields if f.name == name)
        lines.append(f"| `{name}` | {takes} | {must}{meaning} |".replace("||", "\\|\\|"))
    return "\n".join([*lines, ""])


def _type(about: dict[str, Any]) -> str:
    names = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}
    if about.get("type") == "array":
        return "list"
    return "mapping" if about.get("type") == "object" else names.get(str(about.get("type")), "text")


def rewritten(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(rewritten(target.read_text(encoding="utf-8")), encoding="utf-8")
