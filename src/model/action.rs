//! The remediation actions that a rule may suggest, and what people are told of each.

/// What people are told of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionDoc {
    pub name: &'static str,
    /// 0 reads, 1 has little impact, 2 contains and can be undone, 3 destroys or reaches far.
    pub tier: u8,
    /// One sentence, with what it costs.
    pub what: &'static str,
}

/// Every action, the mildest kind first: what only reads, what is reversible, what destroys.
pub const DOCS: [ActionDoc; 18] = [
    doc(
        "evidence.collect",
        0,
        "Keeps the object, its owners, logs, bindings and the actor's timeline.",
    ),
    doc("pod.mark", 1, "Annotates the pod with the incident; nothing else changes."),
    doc("node.cordon", 1, "Keeps new pods off the node; those that run stay."),
    doc("cronjob.suspend", 1, "Stops further runs of the CronJob; running pods stay."),
    doc("job.suspend", 1, "Suspends the Job, which ends its pods until it is resumed."),
    doc(
        "pod.isolate",
        2,
        "Cuts the pod off the network by label and policy; needs a policy engine, and does not hold pods on the host network.",
    ),
    doc("pod.restrict", 2, "As isolating, but leaves named destinations open."),
    doc(
        "workload.scale_zero",
        2,
        "Scales the workload to zero; an autoscaler or GitOps may scale it back.",
    ),
    doc("rbac.binding.remove", 2, "Removes the binding; a copy is kept to restore it."),
    doc(
        "service.unexpose",
        2,
        "Turns the service into one inside the cluster; its public address may be lost.",
    ),
    doc("identity.lock", 2, "Refuses every change by the identity at admission; reading goes on."),
    doc(
        "sa.token_secret.delete",
        3,
        "Deletes the long-lived token of a service account; it cannot be restored.",
    ),
    doc(
        "sa.recreate",
        3,
        "Recreates the service account, which ends its tokens; what uses it must restart.",
    ),
    doc("pod.delete", 3, "Deletes the pod after evidence is kept; its controller makes a new one."),
    doc("workload.delete", 3, "Deletes the workload; its manifest is kept."),
    doc("webhook.delete", 3, "Deletes the webhook configuration; it is kept."),
    doc(
        "csr.deny",
        3,
        "Denies the certificate request; a certificate that was issued stays valid.",
    ),
    doc("node.drain", 3, "Evicts every pod of the node, within disruption budgets."),
];

/// The action of this name.
pub fn find(name: &str) -> Option<&'static ActionDoc> {
    DOCS.iter().find(|doc| doc.name == name)
}

const fn doc(name: &'static str, tier: u8, what: &'static str) -> ActionDoc {
    ActionDoc { name, tier, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules name them, so none is renamed by the way.
    const NAMES: [&str; 18] = [
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

    #[test]
    fn every_action_is_explained_and_the_mildest_come_first() {
        assert!(DOCS.iter().map(|doc| doc.name).eq(NAMES));
        assert!(DOCS.is_sorted_by_key(|doc| doc.tier));
    }
}
