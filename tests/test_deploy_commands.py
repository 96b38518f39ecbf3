"""What a command says of a deployment, and that nothing is guessed where it does not say it."""

import pytest

from otel_vsm.deploy_commands import Deployed, deployed, pushed

DIGEST = "sha256:" + "ab" * 32
IMAGE = f"ghcr.io/acme/shop:1.4.0@{DIGEST}"

TOLD = [
    ("kubectl rollout status deployment/shop -n prod --timeout=60s", Deployed("shop")),
    ("/usr/bin/kubectl --context blue rollout restart deploy shop", Deployed("shop")),
    ("kubectl rollout undo deployment.apps/shop --to-revision 3", Deployed("shop", rollback=True)),
    (f"kubectl set image deployment/shop web={IMAGE}", Deployed("shop", "1.4.0", IMAGE)),
    ("kubectl -n prod set image sts shop web=localhost:5000/acme/shop:1.4.0", Deployed("shop", "1.4.0")),
    ("kubectl set image deployment/shop web=acme/shop", Deployed("shop")),
    ("kubectl set image deployment/shop web=localhost:5000/acme/shop", Deployed("shop")),
    ("kubectl set image deployment/shop web=acme/shop:latest", Deployed("shop")),
    ("helm upgrade --install shop ./chart -f values.yaml --wait", Deployed("shop")),
    (
        "helm upgrade shop oci://r.example/chart --version 9.1 --set image.tag=1.4.0",
        Deployed("shop", "1.4.0"),
    ),
    (
        f"helm upgrade shop c --set a=b,image.tag=1.4 --set image.digest={DIGEST}",
        Deployed("shop", "1.4", DIGEST),
    ),
    ("helm rollback shop 3 --wait", Deployed("shop", rollback=True)),
    ("argocd app sync argocd/shop --prune --revision main", Deployed("shop")),
    ("argocd --server x app rollback shop 7", Deployed("shop", rollback=True)),
    (
        "aws --region eu-west-1 ecs update-service --cluster c --service shop --force-new-deployment",
        Deployed("shop"),
    ),
    ("aws ecs update-service --service=arn:aws:ecs:eu-west-1:1:service/c/shop", Deployed("shop")),
    (f"gcloud run deploy shop --image {IMAGE} --region europe-west1", Deployed("shop", "1.4.0", IMAGE)),
    ("gcloud beta run services update shop --image=gcr.io/acme/shop:2", Deployed("shop", "2")),
]
NOT_TOLD = [
    "",
    "./deploy.sh shop",
    "kubectl",
    "kubectl apply -f shop.yaml",
    "kubectl rollout status deployment",
    "kubectl rollout status deployment/shop deployment/cart",
    "kubectl rollout status -l app=shop",
    "kubectl rollout status deployment/shop --new-option value",
    "kubectl rollout status --new-option deployment/shop",
    "kubectl rollout status pod/shop",
    "kubectl rollout history deployment/shop",
    "helm template shop ./chart",
    "helm upgrade shop",
    "helm upgrade shop ./chart --dry-run",
    "helm upgrade shop ./chart --dry-run=server",
    "helm upgrade --new-option shop ./chart",
    "argocd app sync shop cart",
    "argocd app sync -l team=shop",
    "argocd app get shop",
    "aws ecs describe-services --service shop",
    "aws ecs update-service --cluster shop",
    "gcloud run deploy --image gcr.io/acme/shop",
    "gcloud run services list",
    "gcloud functions deploy shop",
    "sh -c 'kubectl rollout status deployment/shop'",
    "echo helm upgrade shop ./chart",
]


@pytest.mark.parametrize(("command", "expected"), TOLD, ids=[command for command, _ in TOLD])
def test_what_a_command_tells(command: str, expected: Deployed) -> None:
    assert deployed(command.split()) == expected


@pytest.mark.parametrize("command", NOT_TOLD)
def test_what_a_command_does_not_tell(command: str) -> None:
    assert deployed(command.split()) == Deployed()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("docker push ghcr.io/acme/shop:1.4.0", Deployed(version="1.4.0")),
        ("podman push -q --authfile a ghcr.io/acme/shop:1.4.0", Deployed(version="1.4.0")),
        (f"docker push {IMAGE}", Deployed(version="1.4.0", image=IMAGE)),
        ("docker push localhost:5000/shop", Deployed()),
        ("docker push --all-tags acme/shop", Deployed()),
        ("docker push acme/shop:latest", Deployed()),
        ("docker build -t acme/shop:1.4.0 .", Deployed()),
        ("make push", Deployed()),
    ],
)
def test_what_is_pushed(command: str, expected: Deployed) -> None:
    assert pushed(command.split()) == expected


def test_it_is_described() -> None:
    assert Deployed("shop", "1.4", rollback=True).described() == "service shop, version 1.4, a rollback"
    assert Deployed().described() == ""
