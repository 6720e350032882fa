//! The names of the remediation actions that a rule may suggest. What they do is told elsewhere.

/// Every action, the mildest kind first: what only reads, what is reversible, what destroys.
pub const NAMES: [&str; 18] = [
    "evidence.collect",
    "pod.mark",
    "node.cordon",
    "cronjob.suspend",
    "job.suspend",
    "pod.isolate",
    "pod.restrict",
    "workload.scale_zero",
    "rbac.binding.remove",
    "service.unexpose",
    "identity.lock",
    "sa.token_secret.delete",
    "sa.recreate",
    "pod.delete",
    "workload.delete",
    "webhook.delete",
    "csr.deny",
    "node.drain",
];
