"""Why something does not count in a figure."""

from enum import StrEnum

from otel_vsm_collector.derive.rules import deliveries


class Reason(StrEnum):
    """In a duration: why it is left out. In a share: why it is in neither part, or was not found to be in the
    part that is counted above the line."""

    UNSUCCESSFUL = "unsuccessful"
    CLOCK_SKEW = deliveries.CLOCK_SKEW
    NO_START = deliveries.NO_START
    NOT_FIRST_DELIVERY = "not_first_delivery"
    FIRST_DEPLOYMENT = "first_deployment"
    NO_REQUEST = "no_request"
    OTHER_OF_ARTIFACT = "other_of_artifact"
    METHOD_NOT_USED = "method_not_used"
    BETTER_METHOD = "better_method"
    NOT_DELIVERED = "not_delivered"
    ABANDONED = "abandoned"
    OUTSIDE_WINDOW = "outside_window"
    NOT_RECOVERED = "not_recovered"
    UNRESOLVED = "unresolved"
    NOT_DETECTED = "not_detected"
    START_NOT_TOLD = "start_not_told"
    SEVERITY = "severity"
    TOO_LONG_AFTER = "too_long_after"
    OTHER_SERVICE = "other_service"
    NO_DEPLOYMENT = "no_deployment"
    QUARANTINED = "quarantined"
    WENT_WRONG = "went_wrong"
    SKIPPED = "skipped"
    NO_RUN = "no_run"
    NOWHERE_BEFORE = "nowhere_before"
    NOBODY_WAITED = "nobody_waited"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Reason.UNSUCCESSFUL: "the deployment did not succeed, so it never reached users",
    Reason.CLOCK_SKEW: "it would have ended before it began: the clocks disagree",
    Reason.NO_START: "nothing of what the profile lets it begin with is known",
    Reason.NOT_FIRST_DELIVERY: "another deployment had brought the change before",
    Reason.FIRST_DEPLOYMENT: "the first deployment of a service does not bring it, by the profile",
    Reason.NO_REQUEST: "the profile counts merged requests alone",
    Reason.OTHER_OF_ARTIFACT: "another change of the same artifact, which began earlier, stands for it",
    Reason.METHOD_NOT_USED: "it was found by a method that the profile does not use",
    Reason.BETTER_METHOD: "a better method tells of another change",
    Reason.NOT_DELIVERED: "the change was merged and not delivered there",
    Reason.ABANDONED: "the change was given up",
    Reason.OUTSIDE_WINDOW: "what decides its place in time lies outside the window",
    Reason.NOT_RECOVERED: "nothing is known to have mended it yet",
    Reason.UNRESOLVED: "the incident is not resolved",
    Reason.NOT_DETECTED: "nobody said when the incident was detected",
    Reason.START_NOT_TOLD: "nobody said when users began to suffer",
    Reason.SEVERITY: "the profile does not count incidents of this severity",
    Reason.TOO_LONG_AFTER: "the last deployment before it is too long ago to be the cause",
    Reason.OTHER_SERVICE: "only other services were deployed there before it",
    Reason.NO_DEPLOYMENT: "nothing had been deployed there before it",
    Reason.QUARANTINED: "the stage is in quarantine",
    Reason.WENT_WRONG: "the stage that is named did not succeed",
    Reason.SKIPPED: "all of its stages were skipped",
    Reason.NO_RUN: "no run of a stage that took time was told of it, so its active time is not known",
    Reason.NOWHERE_BEFORE: "the artifact had not run anywhere else before",
    Reason.NOBODY_WAITED: "there was no request before the answer, so nobody waited",
}
