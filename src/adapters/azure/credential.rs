//! Who Midwatch is when it calls Azure: one credential, chosen in the configuration. There is no
//! chain that tries one after the other: what runs is what was written down.

pub mod legacy;
pub mod named;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use azure_core::credentials::{Secret as SdkSecret, TokenCredential};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions};
use azure_core::time::Duration;
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};

use super::connection_string::ConnectionString;
use super::http::Http;
use super::secret::Secret;
use super::shared_key::SharedKey;
use named::Named;
pub use named::TokenFailure;

/// One of the ways to be somebody. `Debug` hides the secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialChoice {
    /// The identity that the platform gives to the app: its own, or a user-assigned one by its
    /// client id.
    ManagedIdentity { client_id: Option<String> },
    /// A federated token in a file. What is `None` comes from `AZURE_CLIENT_ID`,
    /// `AZURE_TENANT_ID` and `AZURE_FEDERATED_TOKEN_FILE`, which the platform sets.
    WorkloadIdentity {
        client_id: Option<String>,
        tenant_id: Option<String>,
        token_file: Option<PathBuf>,
    },
    /// An app registration with a secret.
    ClientSecret { tenant_id: String, client_id: String, secret: Secret },
    /// Whoever is logged in with `az` on this machine. For development.
    AzureCli { tenant_id: Option<String> },
    /// An account key. For emulators and development.
    ConnectionString(Box<ConnectionString>),
}

/// A credential that cannot be set up; names the setting and the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("MIDWATCH_CREDENTIAL={choice} cannot be used: {cure}")]
pub struct CredentialFault {
    pub choice: &'static str,
    pub cure: &'static str,
}

/// What a client signs with.
#[derive(Clone)]
pub enum Access {
    Token(Arc<dyn TokenCredential>),
    SharedKey(SharedKey),
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token",
            Self::SharedKey(_) => "SharedKey",
        })
    }
}

impl CredentialChoice {
    /// The word of `MIDWATCH_CREDENTIAL`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::ManagedIdentity { .. } => "managed-identity",
            Self::WorkloadIdentity { .. } => "workload-identity",
            Self::ClientSecret { .. } => "client-secret",
            Self::AzureCli { .. } => "azure-cli",
            Self::ConnectionString(_) => "connection-string",
        }
    }

    /// What to do when it gives no token.
    fn cure(&self) -> &'static str {
        match self {
            Self::ManagedIdentity { client_id: None } => {
                "switch on the app's system-assigned identity, or name a user-assigned one in \
                 MIDWATCH_CLIENT_ID"
            }
            Self::ManagedIdentity { client_id: Some(_) } => {
                "assign the identity of MIDWATCH_CLIENT_ID to the app; it must be the client id, \
                 not the object or resource id"
            }
            Self::WorkloadIdentity { .. } => {
                "check MIDWATCH_CLIENT_ID and MIDWATCH_TENANT_ID, the service account's \
                 annotation, and that the federated token file is mounted"
            }
            Self::ClientSecret { .. } => {
                "check MIDWATCH_TENANT_ID, MIDWATCH_CLIENT_ID and MIDWATCH_CLIENT_SECRET; the \
                 secret may have expired"
            }
            Self::AzureCli { .. } => {
                "run `az login`; if you are a guest, name the tenant in MIDWATCH_TENANT_ID"
            }
            Self::ConnectionString(_) => "check MIDWATCH_CONNECTION_STRING",
        }
    }

    /// Sets the credential up; nothing is sent yet.
    pub fn open(&self, http: &Http) -> Result<Access, CredentialFault> {
        self.open_with(client_options(http))
    }

    /// As [`Self::open`], with the options of the token requests given: for tests that bend them
    /// to a fake.
    pub fn open_with(&self, client_options: ClientOptions) -> Result<Access, CredentialFault> {
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match self {
            Self::ManagedIdentity { client_id } => {
                let user_assigned_id = client_id.clone().map(UserAssignedId::ClientId);
                let options = ManagedIdentityCredentialOptions { user_assigned_id, client_options };
                ManagedIdentityCredential::new(Some(options)).map(|made| made as _)
            }
            Self::WorkloadIdentity { client_id, tenant_id, token_file } => {
                let options = WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    client_id: client_id.clone(),
                    tenant_id: tenant_id.clone(),
                    token_file_path: token_file.clone(),
                };
                WorkloadIdentityCredential::new(Some(options)).map(|made| made as _)
            }
            Self::ClientSecret { tenant_id, client_id, secret } => {
                let options = ClientSecretCredentialOptions { client_options };
                let secret = SdkSecret::new(secret.expose().to_owned());
                ClientSecretCredential::new(tenant_id, client_id.clone(), secret, Some(options))
                    .map(|made| made as _)
            }
            Self::AzureCli { tenant_id } => {
                let mut options = AzureCliCredentialOptions::default();
                options.tenant_id.clone_from(tenant_id);
                AzureCliCredential::new(Some(options)).map(|made| made as _)
            }
            Self::ConnectionString(parsed) => {
                let signer = SharedKey::new(parsed.account.clone(), parsed.key.clone());
                return Ok(Access::SharedKey(signer));
            }
        };
        // The SDK's own text may repeat a value; ours names the setting instead.
        let inner = made.map_err(|_| CredentialFault { choice: self.word(), cure: self.cure() })?;
        Ok(Access::Token(Arc::new(Named { inner, choice: self.word(), cure: self.cure() })))
    }
}

/// Token requests go over the shared client and may be repeated: they change nothing.
fn client_options(http: &Http) -> ClientOptions {
    ClientOptions {
        transport: Some(http.transport()),
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            initial_delay: Duration::milliseconds(200),
            max_retries: 3,
            max_total_elapsed: Duration::seconds(10),
            max_delay: Duration::seconds(2),
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::HttpOptions;
    use super::*;

    fn open(choice: &CredentialChoice) -> Result<Access, CredentialFault> {
        choice.open(&Http::new(&HttpOptions::default()).unwrap())
    }

    #[test]
    fn a_choice_that_cannot_work_names_its_settings() {
        let tenant = "not/a/tenant".to_owned();
        let secret = Secret::new("hunter2");
        let choice =
            CredentialChoice::ClientSecret { tenant_id: tenant, client_id: "c".into(), secret };
        let shown = open(&choice).unwrap_err().to_string();
        assert!(shown.contains("MIDWATCH_CREDENTIAL=client-secret"), "{shown}");
        assert!(shown.contains("MIDWATCH_TENANT_ID") && !shown.contains("not/a"), "{shown}");
        assert!(!format!("{choice:?}").contains("hunter2"));
        let choice = CredentialChoice::WorkloadIdentity {
            client_id: Some("c".into()),
            tenant_id: Some("t".into()),
            token_file: None,
        };
        assert!(open(&choice).unwrap_err().to_string().contains("federated token file"));
    }

    #[test]
    fn choices_that_can_work_are_set_up_without_a_call() {
        let secret = Secret::new("hunter2");
        for choice in [
            CredentialChoice::ManagedIdentity { client_id: Some("c".into()) },
            CredentialChoice::AzureCli { tenant_id: None },
            CredentialChoice::ClientSecret { tenant_id: "t".into(), client_id: "c".into(), secret },
        ] {
            let access = open(&choice).unwrap();
            assert_eq!(format!("{access:?}"), "Token");
        }
    }
}
