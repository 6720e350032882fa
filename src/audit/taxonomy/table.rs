//! The table itself: one entry per field, in the order in which an event has them.

use super::FieldKind::{self, Boolean, Number, Object, Open, Text, Time};
use super::{FieldDoc, RAW};

const fn field(
    path: &'static str,
    kind: FieldKind,
    source: &'static str,
    doc: &'static str,
) -> FieldDoc {
    FieldDoc { path, kind, source, doc, values: &[] }
}

const fn raw(path: &'static str, kind: FieldKind, doc: &'static str) -> FieldDoc {
    field(path, kind, RAW, doc)
}

const fn closed(field: FieldDoc, values: &'static [&'static str]) -> FieldDoc {
    FieldDoc { values, ..field }
}

const TRUTH: &[&str] = &["true", "false"];

/// What an API server writes as `verb`. Verbs of RBAC alone (`impersonate`, `bind`, `escalate`,
/// `approve`, `sign`, `use`) never appear: a refused impersonation carries the verb asked for.
const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "proxy",
    "post",
    "put",
    "head",
    "options",
    "trace",
    "connect",
];

/// Every field.
pub const FIELDS: &[FieldDoc] = &[
    closed(raw("kind", Text, "Always `Event`."), &["Event"]),
    closed(
        raw("apiVersion", Text, "Version of the event's own format."),
        &["audit.k8s.io/v1", "audit.k8s.io/v1beta1"],
    ),
    closed(
        raw("level", Text, "How much of the request the audit policy writes down."),
        &["Metadata", "Request", "RequestResponse"],
    ),
    raw(
        "auditID",
        Text,
        "Id of the request; its stages share it. A client may choose it (header `Audit-ID`).",
    ),
    closed(
        raw(
            "stage",
            Text,
            "When in the request's life the event was written. An exec, attach, port-forward or watch gives `ResponseStarted` and later `ResponseComplete`.",
        ),
        &["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"],
    ),
    raw("requestURI", Text, "Path and query as the client sent them, percent-encoded."),
    closed(
        raw(
            "verb",
            Text,
            "For resources: get, list, watch, create, update, patch, delete, deletecollection. For other paths: the HTTP method in lower case.",
        ),
        VERBS,
    ),
    raw("user", Object, "The authenticated caller; empty when authentication failed."),
    raw(
        "user.username",
        Text,
        "User name: UPN or object id (Entra), `system:serviceaccount:<namespace>:<name>`, `system:node:<name>`, common name of a certificate.",
    ),
    raw("user.uid", Text, "The caller's uid, where its authenticator gives one."),
    raw("user.groups", Text, "Groups: object ids (Entra) and `system:` groups."),
    raw(
        "user.extra",
        Open,
        "What the authenticator adds: `oid`, `authentication.kubernetes.io/pod-name`, `…/node-name`, `…/credential-id` and others.",
    ),
    raw(
        "impersonatedUser",
        Object,
        "The assumed identity. Not there when the impersonation was refused.",
    ),
    raw("impersonatedUser.username", Text, "Assumed user name."),
    raw("impersonatedUser.uid", Text, "Assumed uid."),
    raw("impersonatedUser.groups", Text, "Assumed groups."),
    raw("impersonatedUser.extra", Open, "Assumed extra attributes."),
    raw("authenticationMetadata", Open, "How the caller was authenticated (newer API servers)."),
    raw(
        "sourceIPs",
        Text,
        "The chain of addresses. All but the last can be forged by the client; use `midwatch.source.address`.",
    ),
    raw("userAgent", Text, "User agent as the client sent it."),
    raw("objectRef", Object, "The object of the request; absent for a non-resource request."),
    raw("objectRef.resource", Text, "Resource in the plural: `pods`, `secrets`."),
    raw(
        "objectRef.namespace",
        Text,
        "Namespace; absent for cluster-wide requests and lists over all namespaces.",
    ),
    raw("objectRef.name", Text, "Name; absent for lists, and for a create with `generateName`."),
    raw("objectRef.uid", Text, "Uid of the object, where the request states it."),
    raw("objectRef.apiGroup", Text, "API group; absent for the core group."),
    raw("objectRef.apiVersion", Text, "API version."),
    raw("objectRef.resourceVersion", Text, "Resource version, where the request states it."),
    raw(
        "objectRef.subresource",
        Text,
        "Subresource: `exec`, `status`, `token`, `ephemeralcontainers`.",
    ),
    raw("responseStatus", Object, "How the request ended; absent at the stage `RequestReceived`."),
    raw("responseStatus.code", Number, "HTTP status; 101 for an upgraded connection."),
    closed(
        raw("responseStatus.status", Text, "Set for errors and for deletions."),
        &["Success", "Failure"],
    ),
    raw(
        "responseStatus.message",
        Text,
        "The error as told to the client; names what a refused request lacked.",
    ),
    raw(
        "responseStatus.reason",
        Text,
        "The error as a word: `Forbidden`, `NotFound`, `AlreadyExists`.",
    ),
    raw("responseStatus.details", Open, "What the error is about."),
    raw("responseStatus.metadata", Open, "List metadata, empty as a rule."),
    raw(
        "requestObject",
        Open,
        "The request's body. For a patch only the patch; text instead of an object when it was too big. On AKS only for writes to the built-in API groups, and never for Secrets, ConfigMaps, service accounts and token requests.",
    ),
    raw(
        "responseObject",
        Open,
        "The response's body: the full final state, even of a patch. Limits as for `requestObject`.",
    ),
    raw("requestReceivedTimestamp", Time, "When the request arrived."),
    raw("stageTimestamp", Time, "When this stage was reached: the event's time."),
    closed(
        raw(
            "annotations.authorization.k8s.io/decision",
            Text,
            "The authorizer's verdict. Not there when authentication failed or the record was cut.",
        ),
        &["allow", "forbid"],
    ),
    raw(
        "annotations.authorization.k8s.io/reason",
        Text,
        "Why: names the binding, or the Azure role assignment.",
    ),
    raw(
        "annotations",
        Open,
        "What the API server and its admission plugins note. A token request has the id of the token in `authentication.kubernetes.io/issued-credential-id`, which later requests with it carry in `user.extra`.",
    ),
    closed(
        field(
            "midwatch.actor.kind",
            Text,
            "user, sourceIPs",
            "Who the caller is. `platform` are the names of the managed control plane and its built-in controllers, and only while no address from outside the control plane is in the record.",
        ),
        &["human", "service-account", "node", "platform", "anonymous", "unknown"],
    ),
    field(
        "midwatch.actor.namespace",
        Text,
        "user.username",
        "Namespace of a calling service account.",
    ),
    field(
        "midwatch.actor.name",
        Text,
        "user.username",
        "Name of a calling service account, or of a calling node.",
    ),
    field(
        "midwatch.source.address",
        Text,
        "sourceIPs",
        "The caller's address: from the right, the first that is no hop of the control plane (172.31.0.0/16, loopback, link-local). Absent when none is left.",
    ),
    closed(
        field(
            "midwatch.source.scope",
            Text,
            "sourceIPs",
            "Whether that address is public or private (RFC 1918, RFC 4193, RFC 6598, loopback, link-local).",
        ),
        &["public", "private", "none"],
    ),
    field(
        "midwatch.client.family",
        Text,
        "userAgent",
        "Product of the user agent in lower case, without version and path: `kubectl`, `curl`, `python-requests`.",
    ),
    field("midwatch.request.path", Text, "requestURI", "Percent-decoded path, without the query."),
    closed(
        field(
            "midwatch.request.dry_run",
            Boolean,
            "requestURI, requestObject",
            "The request was a rehearsal (`dryRun=All`), and of a kind for which the API server heeds that.",
        ),
        TRUTH,
    ),
    field("midwatch.exec", Object, "requestURI", "There for exec and attach to a pod."),
    field(
        "midwatch.exec.command",
        Text,
        "requestURI",
        "The command of an exec, arguments joined by blanks.",
    ),
    field(
        "midwatch.exec.argv",
        Text,
        "requestURI",
        "The command of an exec, argument by argument.",
    ),
    field(
        "midwatch.exec.container",
        Text,
        "requestURI",
        "The container, when the client named one.",
    ),
    closed(field("midwatch.exec.stdin", Boolean, "requestURI", "Input is passed on."), TRUTH),
    closed(field("midwatch.exec.tty", Boolean, "requestURI", "A terminal was asked for."), TRUTH),
    field(
        "midwatch.object",
        Open,
        "responseObject, requestObject",
        "The effective object: the response, unless it is absent, a `Status` or dropped for its size; else the request. Of a record cut inside its response, both.",
    ),
    field(
        "midwatch.pod",
        Open,
        "midwatch.object",
        "Pod spec of any workload: pods, their ephemeral containers, and the templates of deployments, stateful sets, daemon sets, replica sets, replication controllers, jobs, cron jobs and pod templates.",
    ),
    field("midwatch.pod_metadata", Open, "midwatch.object", "Metadata of that pod or template."),
    field(
        "midwatch.containers",
        Open,
        "midwatch.pod",
        "Its containers, init containers and ephemeral containers, as one list.",
    ),
    field(
        "midwatch.images",
        Object,
        "midwatch.containers",
        "There when some container names an image.",
    ),
    field(
        "midwatch.images.registry",
        Text,
        "midwatch.containers",
        "Registry of each image in lower case; `docker.io` when none is named.",
    ),
    field(
        "midwatch.images.repository",
        Text,
        "midwatch.containers",
        "Repository of each image, without tag and digest; `library/nginx` for Docker Hub's `nginx`.",
    ),
    closed(
        field(
            "midwatch.outcome",
            Text,
            "responseStatus.code, annotations",
            "allowed: 2xx or 101. denied: 401, 403, or the decision `forbid`. failed: any other status from 300. unknown: no status in the record.",
        ),
        &["allowed", "denied", "failed", "unknown"],
    ),
    closed(
        field(
            "midwatch.body",
            Text,
            "requestObject, responseObject, level",
            "full: there is an effective object. dropped: left out for its size. cut: the record ends before or inside it. absent: none was to be expected.",
        ),
        &["full", "dropped", "cut", "absent"],
    ),
    closed(
        field(
            "midwatch.truncated",
            Boolean,
            "the record",
            "Parts of the record are missing, so a field that is absent may have been there.",
        ),
        TRUTH,
    ),
    field(
        "midwatch.csr",
        Object,
        "midwatch.object",
        "There when a CertificateSigningRequest holds a readable PKCS#10 request.",
    ),
    field(
        "midwatch.csr.common_name",
        Text,
        "midwatch.object",
        "Common name asked for: the user name that the certificate will give.",
    ),
    field(
        "midwatch.csr.organization",
        Text,
        "midwatch.object",
        "Organisations asked for: the groups that the certificate will give.",
    ),
];
