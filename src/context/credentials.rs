//! The port through which a resource gets the secrets that it connects with.
//!
//! Decides only the shape; where secrets come from, and when they change, is for whoever
//! implements it.

use std::future::Future;
use std::pin::Pin;

use nebula_resource_core::BoxError;
use secrecy::SecretString;

/// What [`CredentialProvider::credential`] answers with.
pub type CredentialFuture<'a> =
    Pin<Box<dyn Future<Output = Result<SecretString, BoxError>> + Send + 'a>>;

/// Knows secrets by name.
///
/// Asked whenever an object is made, so that a secret that has changed meanwhile is used from then
/// on.
///
/// # Examples
///
/// ```
/// use nebula_resource::context::{CredentialFuture, CredentialProvider};
///
/// struct FromEnvironment;
///
/// impl CredentialProvider for FromEnvironment {
///     fn credential<'a>(&'a self, name: &'a str) -> CredentialFuture<'a> {
///         Box::pin(async move { Ok(std::env::var(name)?.into()) })
///     }
/// }
/// ```
pub trait CredentialProvider: Send + Sync + 'static {
    /// The secret of that name.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being had; must not contain it.
    fn credential<'a>(&'a self, name: &'a str) -> CredentialFuture<'a>;
}
