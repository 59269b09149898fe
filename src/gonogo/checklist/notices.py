"""The `notify` of a checklist: who is told about a run, each by a kind of notice."""

from __future__ import annotations

from typing import Any

from gonogo.checklist import fields as form
from gonogo.checklist.params import kind_of, read_params
from gonogo.model.notice import OCCASIONS, NoticeSpec
from gonogo.plugins import Registry
from gonogo.text.raw import Raw
from gonogo.text.reader import Reader


def read_notices(reader: Reader, fields: dict[str, Raw], registry: Registry) -> tuple[NoticeSpec, ...]:
    """The notices under `notify`, in their order; mistakes go into the reader's problems."""
    found = [_notice(reader, raw, registry) for raw in reader.items(fields, "notify")]
    return tuple(notice for notice in found if notice is not None)


def _notice(reader: Reader, raw: Raw, registry: Registry) -> NoticeSpec | None:
    fields = reader.mapping(raw, form.NOTICE, open_fields=True)
    if fields is None:
        return None
    kind = kind_of(reader, fields, registry.notices, form.NOTICE)
    if kind is None:
        return None
    about = reader.texts(fields, "about")
    for unknown in [one for one in about if one not in OCCASIONS]:
        reader.problems.error(
            "unknown-occasion",
            f"nothing is told about `{unknown}`",
            fields["about"].span,
            help=f"use {' or '.join(f'`{name}`' for name in OCCASIONS)}",
        )
    return NoticeSpec(kind.name, read_params(reader, raw, kind, form.NOTICE), about or OCCASIONS)


def notice_data(notice: NoticeSpec) -> dict[str, Any]:
    """A notice in the YAML form."""
    about = {} if notice.about == OCCASIONS else {"about": list(notice.about)}
    return {"kind": notice.kind, **about, **notice.params}
