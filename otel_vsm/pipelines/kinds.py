"""Which work a command does, by the names of well-known tools. What is not known is nobody's stage."""

import re
from typing import NamedTuple


class Kind(NamedTuple):
    stage: str
    type: str | None = None
    """None: the stage is called as its type."""


_RUN = r"(?:npm|yarn|pnpm|bun)(?: run)? "
_GRADLE = r"(?:\./gradlew|gradle)\b.* "
_MAVEN = r"(?:mvn|\./mvnw)\b.* "
_MAKE = r"(?:make|just|task)\b.* "
DEPLOY = Kind("deploy")
# The first that fits counts.
_KINDS = (
    (rf"kubectl (?!get|describe|logs|config|version|wait)|{_MAKE}deploy\b|ansible-playbook\b", DEPLOY),
    (r"helm (?:upgrade|install|rollback)\b|argocd app sync\b|(?:terraform|tofu) apply\b", DEPLOY),
    (r"aws ecs update-service\b|gcloud (?:beta )?run deploy\b|(?:\./|sh |bash )\S*deploy\S*", DEPLOY),
    (r"(?:fly|flyctl|vercel|serverless|cdk|sam|netlify) deploy\b", DEPLOY),
    (r"trivy|grype|snyk|bandit|semgrep|pip-audit|govulncheck", Kind("security")),
    (r"(?:npm|yarn|pnpm|cargo) audit", Kind("security")),
    (rf"ruff|flake8|mypy|black --check|eslint|{_RUN}lint|golangci-lint|cargo clippy", Kind("lint", "test")),
    (rf"pre-commit|{_MAKE}lint\b", Kind("lint", "test")),
    (r"(?:python3? -m )?(?:pytest|tox|nox|unittest)\b|go test|cargo (?:test|nextest)", Kind("test")),
    (rf"ctest|dotnet test|phpunit|(?:bundle exec )?(?:rspec|rake test)|{_RUN}(?:test|t)\b", Kind("test")),
    (rf"{_MAVEN}(?:test|verify)\b|{_GRADLE}(?:test|check)\b|{_MAKE}(?:test|check)\b", Kind("test")),
    (r"docker (?:buildx build|build|push|compose build)|podman (?:build|push)|buildah", Kind("package")),
    (rf"python3? -m build|twine|(?:npm|cargo|yarn|pnpm) publish|{_MAKE}(?:package|dist)\b", Kind("package")),
    (rf"go build|cargo build|dotnet build|cmake --build|{_RUN}build\b", Kind("build")),
    (rf"{_MAVEN}(?:compile|package|install)\b|{_GRADLE}(?:build|assemble)\b", Kind("build")),
    (rf"{_MAKE}(?:build|all)\b|make(?: -j\d*)?$", Kind("build")),
)


def kind_of(command: str) -> Kind | None:
    """What a line of a script does; None where that is not known, as of installing and setting up."""
    plain = re.sub(r"^(?:\w+=\S* )*(?:sudo |uv run |poetry run |npx )?", "", command.strip())
    return next((kind for pattern, kind in _KINDS if re.match(pattern, plain)), None)


def kinds_in(script: str) -> set[Kind]:
    """The kinds of work that the commands of a script do."""
    parts = re.split(r"&&|[|;&\n(]", script)
    return {kind for part in parts if (kind := kind_of(part))}


def is_simple(command: str) -> bool:
    """Whether it is one command, without anything that only a shell understands."""
    return not re.search(r"[|&;<>()`\n]|\$\(|^\s*\w+=|^\s*(?:cd|if|for|set|export)\b", command)
