//! Names of MITRE ATT&CK and of Microsoft's threat matrix for Kubernetes, for the techniques that
//! Kubernetes detections use; and the version that they are of.

/// The version of ATT&CK (enterprise) whose ids and names are told, of April 2026.
pub const ATTACK_VERSION: &str = "19";
/// What is said of the version of Microsoft's threat matrix for Kubernetes.
pub const MATRIX_VERSION: &str = "(which has no version numbers)";

/// A tactic: the word of Sigma's tags, what people call it, and what the intruder is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tactic {
    pub tag: &'static str,
    pub name: &'static str,
    /// Ends the sentence "Somebody who does this on purpose wants to …".
    pub aim: &'static str,
}

/// The tactics in the order of an intrusion. Version 19 splits `defense-evasion`, the word of
/// Sigma's tags, into stealth and defense impairment.
pub const TACTICS: [Tactic; 14] = [
    tactic("reconnaissance", "Reconnaissance", "learn about the target before attacking it"),
    tactic("resource-development", "Resource development", "prepare what the attack needs"),
    tactic("initial-access", "Initial access", "get a first foothold in the cluster"),
    tactic("execution", "Execution", "run commands or workloads of their own"),
    tactic("persistence", "Persistence", "keep access after the first way in is closed"),
    tactic("privilege-escalation", "Privilege escalation", "gain more rights than they were given"),
    tactic("defense-evasion", "Defense evasion", "stay unseen, or weaken what would stop them"),
    tactic("credential-access", "Credential access", "obtain tokens, keys or passwords"),
    tactic("discovery", "Discovery", "find out what there is and what they may do"),
    tactic("lateral-movement", "Lateral movement", "reach further workloads, nodes or accounts"),
    tactic("collection", "Collection", "gather data that is worth taking"),
    tactic(
        "command-and-control",
        "Command and control",
        "steer what they have planted from outside",
    ),
    tactic("exfiltration", "Exfiltration", "carry data away"),
    tactic("impact", "Impact", "destroy, disturb or misuse what runs here"),
];

const fn tactic(tag: &'static str, name: &'static str, aim: &'static str) -> Tactic {
    Tactic { tag, name, aim }
}

/// What somebody wrote for a tactic as a tag has it: `Credential Access` is `credential-access`.
pub fn tactic_word(text: &str) -> String {
    text.to_lowercase().replace([' ', '_'], "-")
}

/// The tactic of a tag such as `credential-access`.
pub fn tactic_of(tag: &str) -> Option<&'static Tactic> {
    TACTICS.iter().find(|tactic| tactic.tag == tag)
}

/// The id that version 19 has for a technique: itself, or what replaced a revoked one.
pub fn current(technique: &str) -> &str {
    REVOKED.iter().find(|(old, _)| *old == technique).map_or(technique, |(_, new)| new)
}

/// The name of a technique of version 19, when it is one of those that are listed here.
pub fn technique(id: &str) -> Option<&'static str> {
    TECHNIQUES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

/// The name of a technique of Microsoft's matrix, such as `MS-TA9019`.
pub fn matrix(id: &str) -> Option<&'static str> {
    MATRIX.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

/// What version 19 revoked of what Sigma rules still name, and the successor.
const REVOKED: [(&str, &str); 9] = [
    ("T1070.001", "T1685.005"),
    ("T1070.002", "T1685.006"),
    ("T1562", "T1685"),
    ("T1562.001", "T1685"),
    ("T1562.004", "T1686"),
    ("T1562.006", "T1685"),
    ("T1562.007", "T1686.001"),
    ("T1562.008", "T1685.002"),
    ("T1562.010", "T1689"),
];

const TECHNIQUES: [(&str, &str); 90] = [
    ("T1003", "OS Credential Dumping"),
    ("T1003.008", "/etc/passwd and /etc/shadow"),
    ("T1005", "Data from Local System"),
    ("T1020", "Automated Exfiltration"),
    ("T1021", "Remote Services"),
    ("T1021.007", "Cloud Services"),
    ("T1036", "Masquerading"),
    ("T1036.005", "Match Legitimate Resource Name or Location"),
    ("T1040", "Network Sniffing"),
    ("T1046", "Network Service Discovery"),
    ("T1048", "Exfiltration Over Alternative Protocol"),
    ("T1053", "Scheduled Task/Job"),
    ("T1053.007", "Container Orchestration Job"),
    ("T1059", "Command and Scripting Interpreter"),
    ("T1059.004", "Unix Shell"),
    ("T1059.009", "Cloud API"),
    ("T1068", "Exploitation for Privilege Escalation"),
    ("T1069", "Permission Groups Discovery"),
    ("T1069.003", "Cloud Groups"),
    ("T1070", "Indicator Removal"),
    ("T1070.004", "File Deletion"),
    ("T1071", "Application Layer Protocol"),
    ("T1072", "Software Deployment Tools"),
    ("T1078", "Valid Accounts"),
    ("T1078.001", "Default Accounts"),
    ("T1078.004", "Cloud Accounts"),
    ("T1082", "System Information Discovery"),
    ("T1087", "Account Discovery"),
    ("T1087.004", "Cloud Account"),
    ("T1090", "Proxy"),
    ("T1090.003", "Multi-hop Proxy"),
    ("T1098", "Account Manipulation"),
    ("T1098.001", "Additional Cloud Credentials"),
    ("T1098.003", "Additional Cloud Roles"),
    ("T1098.006", "Additional Container Cluster Roles"),
    ("T1105", "Ingress Tool Transfer"),
    ("T1110", "Brute Force"),
    ("T1119", "Automated Collection"),
    ("T1133", "External Remote Services"),
    ("T1134", "Access Token Manipulation"),
    ("T1136", "Create Account"),
    ("T1190", "Exploit Public-Facing Application"),
    ("T1195", "Supply Chain Compromise"),
    ("T1195.002", "Compromise Software Supply Chain"),
    ("T1204", "User Execution"),
    ("T1204.003", "Malicious Image"),
    ("T1210", "Exploitation of Remote Services"),
    ("T1485", "Data Destruction"),
    ("T1489", "Service Stop"),
    ("T1490", "Inhibit System Recovery"),
    ("T1496", "Resource Hijacking"),
    ("T1496.001", "Compute Hijacking"),
    ("T1498", "Network Denial of Service"),
    ("T1499", "Endpoint Denial of Service"),
    ("T1525", "Implant Internal Image"),
    ("T1526", "Cloud Service Discovery"),
    ("T1528", "Steal Application Access Token"),
    ("T1530", "Data from Cloud Storage"),
    ("T1531", "Account Access Removal"),
    ("T1543", "Create or Modify System Process"),
    ("T1543.005", "Container Service"),
    ("T1546", "Event Triggered Execution"),
    ("T1548", "Abuse Elevation Control Mechanism"),
    ("T1548.005", "Temporary Elevated Cloud Access"),
    ("T1550", "Use Alternate Authentication Material"),
    ("T1550.001", "Application Access Token"),
    ("T1552", "Unsecured Credentials"),
    ("T1552.001", "Credentials In Files"),
    ("T1552.005", "Cloud Instance Metadata API"),
    ("T1552.007", "Container API"),
    ("T1555.006", "Cloud Secrets Management Stores"),
    ("T1556", "Modify Authentication Process"),
    ("T1557", "Adversary-in-the-Middle"),
    ("T1565", "Data Manipulation"),
    ("T1572", "Protocol Tunneling"),
    ("T1578", "Modify Cloud Compute Infrastructure"),
    ("T1578.002", "Create Cloud Instance"),
    ("T1580", "Cloud Infrastructure Discovery"),
    ("T1595", "Active Scanning"),
    ("T1609", "Container Administration Command"),
    ("T1610", "Deploy Container"),
    ("T1611", "Escape to Host"),
    ("T1612", "Build Image on Host"),
    ("T1613", "Container and Resource Discovery"),
    ("T1649", "Steal or Forge Authentication Certificates"),
    ("T1651", "Cloud Administration Command"),
    ("T1685", "Disable or Modify Tools"),
    ("T1685.002", "Disable or Modify Cloud Log"),
    ("T1686", "Disable or Modify System Firewall"),
    ("T1686.001", "Cloud Firewall"),
];

const MATRIX: [(&str, &str); 40] = [
    ("MS-TA9001", "Using cloud credentials"),
    ("MS-TA9002", "Compromised image in registry"),
    ("MS-TA9003", "Kubeconfig file"),
    ("MS-TA9004", "Application vulnerability"),
    ("MS-TA9005", "Exposed sensitive interfaces"),
    ("MS-TA9006", "Exec into container"),
    ("MS-TA9007", "Shell inside container"),
    ("MS-TA9008", "New container"),
    ("MS-TA9009", "Application exploit"),
    ("MS-TA9010", "SSH server running inside container"),
    ("MS-TA9011", "Sidecar injection"),
    ("MS-TA9012", "Backdoor container"),
    ("MS-TA9013", "Writable hostPath mount"),
    ("MS-TA9014", "Kubernetes CronJob"),
    ("MS-TA9015", "Malicious admission controller"),
    ("MS-TA9016", "Container service account"),
    ("MS-TA9017", "Static pods"),
    ("MS-TA9018", "Privileged container"),
    ("MS-TA9019", "Cluster-admin binding"),
    ("MS-TA9020", "Access cloud resources"),
    ("MS-TA9021", "Clear container logs"),
    ("MS-TA9022", "Delete events"),
    ("MS-TA9023", "Pod or container name similarity"),
    ("MS-TA9024", "Connect from proxy server"),
    ("MS-TA9025", "List Kubernetes secrets"),
    ("MS-TA9026", "Mount service principal"),
    ("MS-TA9027", "Application credentials in configuration files"),
    ("MS-TA9028", "Access managed identity credentials"),
    ("MS-TA9029", "Access Kubernetes API server"),
    ("MS-TA9030", "Access Kubelet API"),
    ("MS-TA9031", "Network mapping"),
    ("MS-TA9033", "Instance metadata API"),
    ("MS-TA9034", "Cluster internal networking"),
    ("MS-TA9035", "CoreDNS poisoning"),
    ("MS-TA9036", "ARP poisoning and IP spoofing"),
    ("MS-TA9037", "Images from a private registry"),
    ("MS-TA9038", "Data destruction"),
    ("MS-TA9039", "Resource hijacking"),
    ("MS-TA9040", "Denial of service"),
    ("MS-TA9041", "Collecting data from pod"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_revoked_has_a_successor_with_a_name() {
        assert_eq!(current("T1562.007"), "T1686.001");
        assert_eq!(current("T1609"), "T1609");
        for new in ["T1685", "T1685.002", "T1686", "T1686.001"] {
            assert!(technique(new).is_some(), "{new}");
        }
        assert!(TECHNIQUES.iter().all(|(id, _)| current(id) == *id));
    }

    #[test]
    fn the_lists_are_in_order_and_have_nothing_twice() {
        assert!(TECHNIQUES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(MATRIX.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(matrix("MS-TA9019"), Some("Cluster-admin binding"));
        assert_eq!(tactic_of("impact").map(|tactic| tactic.name), Some("Impact"));
    }
}
