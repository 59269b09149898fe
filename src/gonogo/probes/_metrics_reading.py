"""Stored facts of Prometheus -> observations: what a query answers, and whether the new release shows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.probes import _release
from gonogo.probes._api import clock_text, moment
from gonogo.probes._prometheus import Sample, samples, seconds_of, shown_labels, unusable
from gonogo.probes._promql import name_of, selectors

FACTS = "facts.json"
SKEW = 5.0
"""Seconds by which the clocks of two machines may differ before a process counts as older than the deploy."""


def seen(name: str, value: bool | float | str) -> Observation:
    """An observation of the stored facts."""
    return Observation(name, value, FACTS)


def unknown(slug: str, message: str, mend: str = "") -> Trouble:
    """Why nothing was seen."""
    return Trouble(Outcome.UNKNOWN, slug, message, mend)


def of_targets(targets: Sequence[Mapping[str, str]], job: str) -> tuple[list[Observation], list[Trouble]]:
    """How the scrape targets are; none at all, and one that was never scraped, say nothing."""
    mine = [target for target in targets if not job or target["job"] == job]
    if not mine:
        what = f"no scrape target of job `{job}`" if job else "no scrape target"
        return [], [unknown("no-targets", f"Prometheus has {what}", "mend its `scrape_configs`")]
    fresh = [target["instance"] for target in mine if target["health"] not in {"up", "down"}]
    down = sum(target["health"] == "down" for target in mine)
    troubles = []
    if fresh:
        shown = ", ".join(sorted(fresh)[:5])
        troubles.append(unknown("target-unknown", f"not scraped yet: {shown}", "wait for a scrape, or raise `wait`"))
    return [seen("metrics.targets", len(mine)), seen("metrics.targets_down", down)], troubles


def of_rules(rules: Sequence[Mapping[str, Any]]) -> tuple[list[Observation], list[Finding]]:
    """How many rules are loaded, and those that cannot be evaluated: they look inactive, and are not."""
    broken = [rule for rule in rules if rule["health"] == "err"]
    findings = [Finding("prometheus", str(rule["name"]), "broken", _why_broken(rule)) for rule in broken]
    return [seen("prometheus.rules", len(rules)), seen("prometheus.rules_broken", len(broken))], findings


def _why_broken(rule: Mapping[str, Any]) -> str:
    return f"rule `{rule['name']}` in `{rule['file']}` cannot be evaluated: {rule['error']}"


def oldest_allowed(facts: Mapping[str, Any], given: float) -> float:
    """Seconds that a sample may be old: as given, else two scrapes of the slowest target and a little."""
    every = [seconds_of(target["every"]) for target in facts["targets"]]
    return given or 2 * max(every, default=60.0) + SKEW


# --- one query -----------------------------------------------------------------------------------------------


def of_query(facts: Mapping[str, Any], query: str, oldest: float) -> Reading:
    """The value of a query; empty, NaN, infinite, stale or built on a broken rule, it has none."""
    found = samples(facts["answer"])
    trouble = _why_no_value(facts, query, found, oldest)
    notes = tuple(str(text) for key in ("warnings", "infos") for text in facts["answer"].get(key, ()))
    if trouble is not None or not found:
        return Reading(troubles=(trouble,) if trouble else (), notes=notes)
    values = [sample.value for sample in found]
    observations = [seen("prometheus.series", len(values))]
    observations += [seen("prometheus.min", min(values)), seen("prometheus.max", max(values))]
    if len(values) == 1:
        observations.append(seen("prometheus.value", values[0]))
    else:
        notes += (f"{len(values)} series: ask `prometheus.max` or `prometheus.min`, or aggregate to one value",)
    return Reading(tuple(observations), notes=notes)


def _why_no_value(
    facts: Mapping[str, Any], query: str, found: Sequence[Sample] | None, oldest: float
) -> Trouble | None:
    broken = {rule["name"]: rule for rule in facts["rules"] if rule["health"] == "err"}
    named = [name for name in map(name_of, selectors(query)) if name in broken]
    if named:
        return unknown("rule-broken", _why_broken(broken[named[0]]), f"mend rule `{named[0]}`")
    if found is None:
        return unknown("not-instant", "the query gives no instant numbers", "write a query that gives a vector")
    if not found:
        mend = "correct the query; say `or vector(0)` only where nothing means zero"
        return unknown("no-data", f"`{query}` finds nothing: that is not zero", mend)
    odd = unusable(found)
    if odd:
        return unknown("not-a-number", f"`{query}`: {odd}", "see that there is traffic to divide by")
    return _why_stale(facts["ages"], oldest)


def _why_stale(ages: Mapping[str, float], oldest: float) -> Trouble | None:
    for selector, age in ages.items():
        if age > oldest:
            message = f"the newest sample of `{selector}` is {age:.0f} s old, more than {oldest:.0f} s"
            return unknown("stale-series", message, "see why it is not scraped any more")
    return None


# --- the release ---------------------------------------------------------------------------------------------


def of_release(facts: Mapping[str, Any], params: Any) -> Reading:
    """Whether every scraped instance names the subject, and was started after the deploy."""
    found = samples(facts["answer"]) or []
    trouble = _why_no_release(facts, params, found)
    if trouble is not None:
        return Reading(troubles=(trouble,))
    findings = [*_other_releases(facts, params, found), *_silent_instances(facts, found)]
    late, findings_late = _started(facts, found)
    if isinstance(late, Trouble):
        return Reading(troubles=(late,))
    observations = [seen("metrics.version_matches", not findings and late is not False)]
    if late is not None:
        observations.append(seen("metrics.started_after_deploy", late))
    releases = sorted({_release.named(sample.labels, params.release_label) for sample in found})
    many = "1 instance names" if len(found) == 1 else f"{len(found)} instances name"
    notes = [f"{many} release {', '.join(f'`{name}`' for name in releases)}"]
    if late is None:
        notes.append("not compared with the moment of the deploy, which is not known: `deployed_at` is not set")
    return Reading(tuple(observations), (*findings, *findings_late), tuple(notes))


def _why_no_release(facts: Mapping[str, Any], params: Any, found: Sequence[Sample]) -> Trouble | None:
    if not found:
        message = f"Prometheus has no series `{params.metric}`"
        return unknown("no-series", message, "expose it, or name your build-info metric as `metric`")
    stale = _why_stale(facts["ages"], oldest_allowed(facts, params.oldest))
    if stale is not None:
        return stale
    for sample in found:
        name = _release.named(sample.labels, params.release_label)
        if _release.matches(name, params.expect, facts["commit"]) is None:
            said = f"names release `{name}`, which is no commit to compare" if name else "names no release"
            mend = "name the label with the commit as `release_label`, or the release as `expect`"
            return unknown("release-unclear", f"`{shown_labels(sample.labels)}` {said}", mend)
    jobs = {sample.labels.get("job") for sample in found}
    down = [t["instance"] for t in facts["targets"] if t["job"] in jobs and t["health"] == "down"]
    if down:
        message = f"target {', '.join(sorted(down))} is down: what runs there is not known"
        return unknown("target-down", message, "see why it cannot be scraped")
    return None


def _other_releases(facts: Mapping[str, Any], params: Any, found: Sequence[Sample]) -> Iterator[Finding]:
    for sample in found:
        name = _release.named(sample.labels, params.release_label)
        if not _release.matches(name, params.expect, facts["commit"]):
            wanted = params.expect or facts["commit"][:12]
            place = sample.labels.get("instance") or shown_labels(sample.labels)
            yield Finding("metrics", f"release:{place}", "failed", f"{place} runs `{name}`, not `{wanted}`")


def _silent_instances(facts: Mapping[str, Any], found: Sequence[Sample]) -> Iterator[Finding]:
    """Instances of the same job that are up and expose no build information: what runs there is not known."""
    pairs = {(sample.labels.get("job"), sample.labels.get("instance")) for sample in found}
    jobs = {job for job, _ in pairs}
    for target in facts["targets"]:
        if target["job"] in jobs and target["health"] == "up" and (target["job"], target["instance"]) not in pairs:
            place = target["instance"]
            yield Finding("metrics", f"silent:{place}", "failed", f"{place} is up and names no release")


def _started(facts: Mapping[str, Any], found: Sequence[Sample]) -> tuple[bool | Trouble | None, tuple[Finding, ...]]:
    """Whether the processes started after the deploy began; None where its moment is not known."""
    deployed = moment(facts["deployed_at"])
    if deployed is None:
        return None, ()
    starts = {
        (sample.labels.get("job"), sample.labels.get("instance")): sample.value
        for sample in samples(facts["starts"]) or ()
    }
    findings = []
    for sample in found:
        place = sample.labels.get("instance", "")
        start = starts.get((sample.labels.get("job"), place))
        if start is None:
            mend = "expose `process_start_time_seconds`, as the client libraries do"
            return unknown("no-process-start", f"`{place}` does not say when its process started", mend), ()
        if start < deployed - SKEW:
            message = f"{place} runs since {clock_text(start)}, before the deploy at {clock_text(deployed)}"
            findings.append(Finding("metrics", f"started:{place}", "failed", message))
    return not findings, tuple(findings)
