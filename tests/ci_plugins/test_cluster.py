"""Plugins of what runs in a cluster: their scripts and bodies, with placeholders filled in."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import yaml

from ci_plugins.conftest import PLUGINS, OpenShop, deployments, stages
from harness.shop import Shop

LABELS = {
    "metadata.labels['tekton.dev/pipeline']": "shop",
    "metadata.labels['tekton.dev/pipelineRun']": "shop-run-1",
    "metadata.labels['tekton.dev/pipelineRunUID']": "6f1c",
    "metadata.labels['tekton.dev/pipelineTask']": "test",
}


def tekton(task: str, **params: str) -> tuple[list[str], dict[str, str]]:
    tasks = {
        each["metadata"]["name"]: each
        for each in yaml.safe_load_all((PLUGINS / "tekton/task.yaml").read_text())
    }
    spec = tasks[task]["spec"]
    values = {
        f"params.{param['name']}": params.get(param["name"], param.get("default")) for param in spec["params"]
    }
    values |= {"context.taskRun.name": f"shop-run-1-{params['name']}", "context.task.retry-count": "0"}
    [step] = spec["steps"]
    env = {
        each["name"]: re.sub(r"\$\(([^)]+)\)", lambda match: values[match[1]] or "", each["value"])
        if "value" in each
        else LABELS[each["valueFrom"]["fieldRef"]["fieldPath"]]
        for each in step["env"]
    }
    return ["sh", "-c", step["script"]], env


def argo_workflows(**params: str) -> tuple[list[str], dict[str, str]]:
    [template] = yaml.safe_load((PLUGINS / "argo-workflows/template.yaml").read_text())["spec"]["templates"]
    values = {
        each["name"]: params.get(each["name"], each.get("value")) for each in template["inputs"]["parameters"]
    }
    container = template["container"]
    env = {
        each["name"]: re.sub(
            r"\{\{inputs\.parameters\.(\w+)\}\}", lambda match: values[match[1]] or "", each["value"]
        )
        for each in container["env"]
    }
    run = {"ARGO_WORKFLOW_NAME": "shop-x7k2p", "ARGO_NODE_ID": f"shop-x7k2p-{params['name']}"}
    return [*container["command"], *container["args"]], {**env, **run}


def run(shop: Shop, command: list[str], env: dict[str, str], *, code: int = 0) -> str:
    told = {**shop.env, **env, "OTEL_EXPORTER_OTLP_ENDPOINT": shop.env["OTEL_EXPORTER_OTLP_ENDPOINT"]}
    done = subprocess.run(command, cwd=shop.path, env=told, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert "otel-vsm: warning" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def test_tekton(open_shop: OpenShop) -> None:
    """A stage that succeeds, one that fails, and the one behind it, which is skipped."""
    shop = open_shop("github.com/acme/tekton")
    origin = {"repository": f"https://{shop.name}", "revision": shop.git("rev-parse", "HEAD"), "change": "12"}
    run(shop, *tekton("vsm-stage", name="test", script="echo 'it works'", **origin))
    run(shop, *tekton("vsm-stage", name="package", script="exit 3", **origin), code=3)
    run(shop, *tekton("vsm-skipped", name="test", status="Succeeded", **origin))
    run(shop, *tekton("vsm-skipped", name="verify", status="None", **origin))
    told = stages(shop)
    assert told == {"test": ("test", 1, 1), "package": ("package", 1, 0), "verify": ("verify", 1, None)}
    assert shop.change("#12")["id"] == f"{shop.name}#12"


def test_argo_workflows(open_shop: OpenShop) -> None:
    shop = open_shop("github.com/acme/argo")
    origin = {"repository": f"https://{shop.name}", "change": "12"}
    run(shop, *argo_workflows(name="unit tests", type="test", script="true", **origin))
    run(shop, *argo_workflows(name="package", script="false\ntrue", **origin), code=1)
    assert stages(shop) == {"unit tests": ("test", 1, 1), "package": ("package", 1, 0)}
    command, env = argo_workflows(name="test", script="echo ran", **origin)
    bare = run(shop, ["env", f"PATH={os.defpath}", *command], env)
    assert "ran" in bare and "not in this image" in bare


def test_the_pipeline_of_tekton_gives_its_tasks_what_they_take() -> None:
    tasks = {
        each["metadata"]["name"]: each
        for each in yaml.safe_load_all((PLUGINS / "tekton/task.yaml").read_text())
    }
    pipeline = yaml.safe_load((PLUGINS / "tekton/pipeline.yaml").read_text())["spec"]
    for step in [*pipeline["tasks"], *pipeline["finally"]]:
        if step["taskRef"]["name"] in tasks:
            taken = tasks[step["taskRef"]["name"]]["spec"]["params"]
            given = {param["name"] for param in step["params"]}
            assert {param["name"] for param in taken if "default" not in param} <= given
            assert given <= {param["name"] for param in taken}


def filled(template: str, app: dict[str, Any]) -> str:
    """A template of Argo CD with the expressions filled in that ours have; KeyError for any other."""
    state = app["status"]["operationState"]

    def epoch(time: str) -> str:
        return str(int(datetime.fromisoformat(time).timestamp()))

    def digest(kind: str, length: int) -> str:
        return sha256(f"{kind}:{app['metadata']['uid']}:{state['finishedAt']}".encode()).hexdigest()[:length]

    uid_and_end = '%s:%s" .app.metadata.uid .app.status.operationState.finishedAt)'
    to_date = '| toDate "2006-01-02T15:04:05Z07:00" | unixEpoch'
    values = {
        f'sha256sum (printf "vsm.argocd:{uid_and_end} | trunc 32': digest("vsm.argocd", 32),
        f'sha256sum (printf "vsm.argocd.span:{uid_and_end} | trunc 16': digest("vsm.argocd.span", 16),
        f".app.status.operationState.startedAt {to_date}": epoch(state["startedAt"]),
        f".app.status.operationState.finishedAt {to_date}": epoch(state["finishedAt"]),
        ".app.metadata.uid": app["metadata"]["uid"],
        ".app.metadata.name | toJson": json.dumps(app["metadata"]["name"]),
        ".app.status.operationState.finishedAt": state["finishedAt"],
        ".app.status.operationState.syncResult.revision": state["syncResult"]["revision"],
        ".app.spec.source.repoURL | toJson": json.dumps(app["spec"]["source"]["repoURL"]),
        ".context.environment | toJson": '"production"',
    }
    return re.sub(r"\{\{ (.*?) \}\}", lambda match: values[match[1]], template)


@pytest.mark.parametrize("result", ["success", "failure"])
def test_argo_cd(result: str, open_shop: OpenShop) -> None:
    shop = open_shop(f"github.com/acme/argo-cd-{result}")
    revision = shop.git("rev-parse", "HEAD")
    shop("stage", "build", "--", "true")
    data = yaml.safe_load((PLUGINS / "argo-cd/notifications.yaml").read_text())["data"]
    webhook = yaml.safe_load(data[f"template.otel-vsm-{result}"])["webhook"]["otel-vsm"]
    end = datetime.now(UTC).replace(microsecond=0)
    app = {
        "metadata": {"name": "shop", "uid": f"uid-{result}"},
        "spec": {"source": {"repoURL": f"https://{shop.name}.git"}},
        "status": {
            "operationState": {
                "startedAt": (end - timedelta(seconds=40)).isoformat(),
                "finishedAt": end.isoformat(),
                "syncResult": {"revision": revision},
            }
        },
    }
    body = filled(webhook["body"], app).encode()
    url = shop.env["OTEL_EXPORTER_OTLP_ENDPOINT"] + webhook["path"]
    request = urllib.request.Request(
        url, body, {"Content-Type": "application/json"}, method=webhook["method"]
    )
    with urllib.request.urlopen(request) as response:
        assert response.status == 200
    assert deployments(shop) == [("shop", "production", result)]
    [deployment] = shop.collector.get("/api/v1/deployments", repository=shop.name)["items"]
    assert deployment["change_ids"] == [f"{shop.name}@{revision}"]


@pytest.mark.skipif(shutil.which("ansible-playbook") is None, reason="ansible-playbook is missing")
def test_ansible(open_shop: OpenShop) -> None:
    """A playbook that succeeds, one that fails, one in check mode and one that otel-vsm runs."""
    shop = open_shop("github.com/acme/ansible")
    shutil.copytree(PLUGINS / "ansible/callback_plugins", shop.path / "callback_plugins")
    (shop.path / "shop.yml").write_text(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n"
        "    - command: \"test '{{ broken | default('') }}' = ''\"\n"
    )
    env = {"ANSIBLE_CALLBACKS_ENABLED": "otel_vsm", "VSM_ENVIRONMENT": "production", "VSM_VERSION": "1.4"}
    play = ["ansible-playbook", "shop.yml"]
    run(shop, play, env)
    run(shop, [*play, "-e", "broken=1"], {**env, "VSM_SERVICE": "cart"}, code=2)
    run(shop, [*play, "--check"], {**env, "VSM_SERVICE": "checked"})
    run(shop, ["otel-vsm", "deploy", "--service", "wrapped", "--environment", "production", "--", *play], env)
    told = [
        ("cart", "production", "failure"),
        ("shop", "production", "success"),
        ("wrapped", "production", "success"),
    ]
    assert deployments(shop) == told
