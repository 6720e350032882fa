//! Carries a credential of the current SDK into the previous one, which the table crate belongs
//! to.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core_legacy::auth::{AccessToken, TokenCredential as LegacyCredential};
use azure_core_legacy::error::{Error, ErrorKind};

/// The bridge. Caching and refreshing stay with the credential inside.
#[derive(Debug, Clone)]
pub struct LegacyTokenCredential(pub Arc<dyn TokenCredential>);

#[async_trait::async_trait]
impl LegacyCredential for LegacyTokenCredential {
    async fn get_token(&self, scopes: &[&str]) -> azure_core_legacy::Result<AccessToken> {
        let token = self
            .0
            .get_token(scopes, None)
            .await
            .map_err(|error| Error::full(ErrorKind::Credential, error, "no token"))?;
        // Both generations tell time with the same crate; only the secret's type differs.
        Ok(AccessToken::new(token.token.secret().to_owned(), token.expires_on))
    }

    async fn clear_cache(&self) -> azure_core_legacy::Result<()> {
        // The credential inside owns its cache and offers no way to empty it.
        Ok(())
    }
}
