"""Who may call what: the one table. A method that is not in it can be called by no one."""

from __future__ import annotations

from edge_sdk.identity import Role

EVERYONE = frozenset({Role.METER, Role.HOUSEHOLD, Role.ORGANIZATION, Role.OPERATOR})
"""Every role that a person or a machine outside the edge can have."""

_BY_SERVICE: dict[str, dict[str, frozenset[Role]]] = {
    "edge.v1.MeterService": dict.fromkeys(("ReportReadings", "ListGaps"), frozenset({Role.METER})),
    "edge.v1.HouseholdService": dict.fromkeys(
        (
            "ListOffers",
            "ListConsents",
            "GrantConsent",
            "RefuseConsent",
            "WithdrawConsent",
            "GetConsentReceipt",
            "StreamInbox",
            "AcknowledgeActions",
            # Readings, of the caller's own meters. No other method returns any, and no other role has these.
            "ReadSeries",
            "ListReadings",
            "StreamReadings",
        ),
        frozenset({Role.HOUSEHOLD}),
    ),
    "edge.v1.OrganizationService": dict.fromkeys(
        ("UploadModule", "GetModule", "ListModules"), frozenset({Role.ORGANIZATION})
    ),
    "edge.v1.OperatorService": dict.fromkeys(
        (
            "EnrolMeter",
            "RetireMeter",
            "ListMeters",
            "GetMeterRecord",
            "ListMeterGaps",
            "ListModules",
            "GetModule",
            "DownloadModule",
            "SubmitDocument",
            "GetDocument",
            "SuspendModule",
            "ResumeModule",
            "ListApprovals",
            "GetShadow",
            "ListOrganizations",
            "SuspendOrganization",
            "ResumeOrganization",
            "GetStatus",
            "ReplayEvaluation",
        ),
        frozenset({Role.OPERATOR}),
    ),
    "edge.v1.AuditService": dict.fromkeys(
        ("GetTreeHead", "ListEntries", "GetInclusionProof", "GetConsistencyProof"),
        # Not organizations: how much the log grows at a slot is how often their modules acted.
        frozenset({Role.HOUSEHOLD, Role.OPERATOR}),
    ),
    "grpc.health.v1.Health": dict.fromkeys(("Check", "Watch", "List"), EVERYONE),
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": EVERYONE},
}

ROLES: dict[str, frozenset[Role]] = {
    f"/{service}/{method}": roles for service, methods in _BY_SERVICE.items() for method, roles in methods.items()
}
"""Full method name, such as `/edge.v1.MeterService/ReportReadings`, to the roles that may call it."""
