//! The credential: which one, and the settings that belong to it and to no other.

use super::reader::Reader;
use crate::adapters::azure::connection_string::ConnectionString;
use crate::adapters::azure::credential::CredentialChoice;
use crate::adapters::azure::secret::Secret;

pub(super) const CREDENTIAL: &str = "MIDWATCH_CREDENTIAL";
pub(super) const CLIENT_ID: &str = "MIDWATCH_CLIENT_ID";
pub(super) const TENANT_ID: &str = "MIDWATCH_TENANT_ID";
pub(super) const CLIENT_SECRET: &str = "MIDWATCH_CLIENT_SECRET";
pub(super) const CONNECTION_STRING: &str = "MIDWATCH_CONNECTION_STRING";
/// What is taken when nothing is said: the identity of the app, which needs no secret.
pub(super) const DEFAULT: &str = "managed-identity";

/// Reads the choice and its settings.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<CredentialChoice> {
    let choice = reader.get(CREDENTIAL).unwrap_or(DEFAULT);
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let client_id = id(reader, CLIENT_ID);
    let tenant_id = id(reader, TENANT_ID);
    match choice {
        DEFAULT => {
            reader.unused(&[TENANT_ID, CLIENT_SECRET, CONNECTION_STRING], choice);
            Some(CredentialChoice::ManagedIdentity { client_id: owned(client_id) })
        }
        "workload-identity" => {
            reader.unused(&[CLIENT_SECRET, CONNECTION_STRING], choice);
            Some(CredentialChoice::WorkloadIdentity {
                client_id: owned(client_id),
                tenant_id: owned(tenant_id),
                token_file: None,
            })
        }
        "client-secret" => {
            reader.unused(&[CONNECTION_STRING], choice);
            let cure = "MIDWATCH_CREDENTIAL=client-secret needs it";
            let tenant_id = reader.required(TENANT_ID, cure);
            let client_id = reader.required(CLIENT_ID, cure);
            let secret = reader.required(CLIENT_SECRET, cure);
            Some(CredentialChoice::ClientSecret {
                tenant_id: tenant_id?.to_owned(),
                client_id: client_id?.to_owned(),
                secret: Secret::new(secret?),
            })
        }
        "azure-cli" => {
            reader.unused(&[CLIENT_ID, CLIENT_SECRET, CONNECTION_STRING], choice);
            Some(CredentialChoice::AzureCli { tenant_id: owned(tenant_id) })
        }
        "connection-string" => {
            reader.unused(&[CLIENT_ID, TENANT_ID, CLIENT_SECRET], choice);
            let cure = "MIDWATCH_CREDENTIAL=connection-string needs it; for a local emulator, \
                        UseDevelopmentStorage=true";
            let text = reader.required(CONNECTION_STRING, cure)?;
            match ConnectionString::parse(text) {
                Ok(parsed) => Some(CredentialChoice::ConnectionString(Box::new(parsed))),
                Err(fault) => {
                    reader.fault(CONNECTION_STRING, fault);
                    None
                }
            }
        }
        _ => {
            reader.fault(
                CREDENTIAL,
                "must be managed-identity, workload-identity, client-secret, azure-cli or \
                 connection-string",
            );
            None
        }
    }
}

/// A client or tenant id; a resource id or a URL is a common mistake and fails only much later.
fn id<'a>(reader: &mut Reader<'a>, name: &'static str) -> Option<&'a str> {
    let value = reader.get(name)?;
    let fits = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    if !fits || value.len() > 256 {
        reader
            .fault(name, "must be an id (or, for a tenant, a domain), not a resource id or a URL");
    }
    Some(value)
}
