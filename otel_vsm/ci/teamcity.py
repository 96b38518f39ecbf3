"""TeamCity, which tells most in files of properties:
https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html"""

import functools
import re

from otel_vsm import semconv
from otel_vsm.ci.source import MAX_EVENT_BYTES, JobEnvironment, System, Text
from otel_vsm.text import sendable


class Parameter:
    """A configuration parameter of the build, of the file that the file of its properties names."""

    def __init__(self, name: str, pattern: str = r"^(?P<value>.+)$") -> None:
        self._name, self._pattern = name, pattern

    def read(self, job: JobEnvironment) -> str | None:
        properties = _properties(job.env.get("TEAMCITY_BUILD_PROPERTIES_FILE", ""))
        parameters = _properties(properties.get("teamcity.configuration.properties.file", ""))
        value = parameters.get(self._name) or properties.get(self._name)
        match = re.search(self._pattern, sendable(value)) if value else None
        return match["value"] if match else None


@functools.cache
def _properties(path: str) -> dict[str, str]:
    """What a file of Java's properties says; nothing where it cannot be read."""
    try:
        with open(path, encoding="latin-1") as file:  # noqa: PTH123 -- pathlib costs more
            text = file.read(MAX_EVENT_BYTES)
    except (OSError, ValueError):
        return {}
    pairs = re.findall(
        r"^\s*((?:[^\\:=\s#!]|\\.)(?:[^\\:=\s]|\\.)*)[ \t]*[:=][ \t]*(.*)$", text, re.MULTILINE
    )
    return {_unescaped(key): _unescaped(value) for key, value in pairs}


def _unescaped(text: str) -> str:
    named = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|(.))",
        lambda match: chr(int(match[1], 16)) if match[1] else named.get(match[2], match[2]),
        text,
    )


SYSTEM = System(
    name="TeamCity",
    repository=(Parameter("vcsroot.url"),),
    request=(Parameter("teamcity.pullRequest.number"),),
    revision=(Text("{BUILD_VCS_NUMBER}"),),
    branch=(
        Parameter("teamcity.pullRequest.source.branch", r"^(?:refs/heads/)?(?P<value>.+)$"),
        Parameter("teamcity.build.branch", r"^(?!<default>$|pull/\d)(?:refs/heads/)?(?P<value>.+)$"),
    ),
    whole_history="the parameter teamcity.git.shallowClone=false",
    base_branch=(Parameter("teamcity.pullRequest.target.branch"),),
    job=(Parameter("teamcity.build.id"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{TEAMCITY_PROJECT_NAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Parameter("teamcity.build.id"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{BUILD_URL}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{TEAMCITY_BUILDCONF_NAME}"),
        semconv.CICD_WORKER_NAME: Parameter("teamcity.agent.name"),
    },
)
