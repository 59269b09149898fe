"""Docker: which of its commands change something."""

from __future__ import annotations

from gonogo.model.checklist import Effect
from gonogo.plugins import Ask, Invocation, tool
from gonogo.tools import _options as options

_WITH_VALUE = options.words(
    "-f --file -p --project-name --project-directory --env-file --profile --ansi --parallel --progress "
    "--config -c --context -H --host -l --log-level"
)
_READS = options.words(
    "config events images logs ls port ps stats top version wait inspect info history search diff attach"
)
_PUBLISHES = frozenset({"push"})
_GROUPS = options.words(
    "compose buildx image container volume network system builder context manifest plugin secret service "
    "stack swarm node trust scout"
)
_READS_IN_GROUP = _READS | {"du", "df", "show", "imagetools", "tree"}


@tool(
    "docker",
    executables=("docker", "docker-compose"),
    wrap=(),
    exits={
        0: "clean",
        125: "Docker itself could not do it",
        126: "the program in the container cannot be executed",
        127: "the program in the container is not there",
    },
)
def docker(invocation: Invocation) -> Ask | None:
    """Docker and Compose: what reads, what writes, what publishes; nothing is asked, the exit code is all they say.

    `build`, `up`, `pull`, `run` and every command not known to read are writes; `push` publishes. Traps:
    `compose up --wait --wait-timeout` succeeds by chance; `stack deploy` exits 0 after a rollback of its own;
    `up --build` builds again what was tested before.

    Source: facts about Docker Engine 20.10 to 29 and Compose 2.21 to 5.5.
    """
    words = options.positionals(invocation.argv, _WITH_VALUE)
    if invocation.argv[0] == "docker-compose":
        words = ("compose", *words)
    if not words or options.has(invocation.argv, "--help"):
        return None
    verb = words[1] if words[0] in _GROUPS and len(words) > 1 else words[0]
    reads = _READS_IN_GROUP if words[0] in _GROUPS else _READS
    if verb in reads:
        return Ask(argv=invocation.argv)
    publishes = verb in _PUBLISHES or (verb in {"build", "bake"} and "--push" in invocation.argv)
    return Ask(
        argv=invocation.argv, effect=Effect.PUBLISH if publishes else Effect.WRITE, exclusive=True, notes=_traps(words)
    )


def _traps(words: tuple[str, ...]) -> tuple[str, ...]:
    if words[:2] == ("stack", "deploy"):
        return ("`docker stack deploy` exits 0 after it has rolled back by itself",)
    return ()
