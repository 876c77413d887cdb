//! What an operator can do with a resource's autoscaling while it runs.
//!
//! Decides who may be scaled at all; the rest is the scaler's.

use std::fmt;
use std::sync::Arc;

use nebula_resource_core::ValidationError;

use super::policy::AutoscalePolicy;
use super::scaler::{Scaler, Stance};
use super::why::Recommendation;
use crate::key::Key;
use crate::manager::erased::Registered;
use crate::manager::{Inner, Manager, Registration};
use crate::resource::Resource;
use crate::scope::Scope;

/// Why nothing was changed about a resource's autoscaling.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AutoscaleError {
    /// Nothing is registered under this key in this scope, or no longer.
    #[error("there is no {key:?} ({scope}) to be scaled")]
    UnknownKey {
        /// What was to be scaled.
        key: String,
        /// Whose.
        scope: Scope,
    },
    /// Every tenant has its own, and what each may have follows from what there is for all together.
    #[error("each tenant has a {key:?} of its own, and its part of the total as its size")]
    PerTenant {
        /// What was to be scaled.
        key: String,
    },
    /// The policy, or the size, makes no sense.
    #[error("{key:?} goes on as before: {source}")]
    Invalid {
        /// What was to be scaled.
        key: Key,
        /// What is wrong.
        source: ValidationError,
    },
}

/// The autoscaling of one resource: what it says, and who has the last word.
///
/// It stays valid through reloads. Clones are the same.
///
/// # Examples
///
/// ```
/// # use nebula_resource::{CreateContext, Manager, Resource, Scope};
/// # use nebula_resource::autoscale::AutoscalePolicy;
/// # struct Db;
/// # impl Resource for Db {
/// #     type Config = ();
/// #     type Instance = u32;
/// #     type Error = std::io::Error;
/// #     async fn create(&self, _: &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
/// # }
/// # futures::executor::block_on(async {
/// let manager = Manager::new();
/// let db = manager
///     .register("main_db", Db, ())
///     .autoscale(AutoscalePolicy::between(5, 20))
///     .await?;
///
/// let scaling = manager.autoscaler("main_db", &Scope::GLOBAL).expect("it was asked for");
/// assert_eq!(
///     scaling.recommendation().to_string(),
///     "stay at 10: nothing has been measured yet",
/// );
///
/// scaling.hold_at(15)?; // tonight there will be much to do
/// assert_eq!(db.status().max_size, 15);
/// assert!(!scaling.is_enabled());
/// scaling.enable()?; // and in the morning it follows demand again
/// # Ok::<(), nebula_resource::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Autoscaler(Arc<Scaler>);

impl Autoscaler {
    /// What the resource is called.
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// Whose it is.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The policy.
    pub fn policy(&self) -> AutoscalePolicy {
        self.0.desk().policy.clone()
    }

    /// What the policy would have the pool be, and why, as of the last measurement.
    ///
    /// Where the policy [acts](super::Mode::Act), it has been done, or is about to be.
    pub fn recommendation(&self) -> Recommendation {
        self.0.recommendation()
    }

    /// Whether the policy is followed.
    pub fn is_enabled(&self) -> bool {
        self.0.desk().stance == Stance::Follows
    }

    /// Puts another policy in force, and follows it from now on. What is beyond its limits is brought
    /// within them at once.
    ///
    /// # Errors
    ///
    /// See [`AutoscaleError`]; the former policy is in force then.
    pub fn set_policy(&self, policy: AutoscalePolicy) -> Result<(), AutoscaleError> {
        let current = self.current()?;
        let fits = current.entry.accepts(&policy);
        fits.map_err(|source| self.invalid(source))?;
        self.0.follow(Some(policy));
        Ok(())
    }

    /// Follows the policy again, beginning with what is measured from now on.
    ///
    /// # Errors
    ///
    /// When the resource is gone.
    pub fn enable(&self) -> Result<(), AutoscaleError> {
        self.current()?;
        self.0.follow(None);
        Ok(())
    }

    /// Leaves the pool as it is, until it is [enabled](Self::enable) again. Nothing is measured
    /// meanwhile.
    pub fn disable(&self) {
        self.0.rest();
    }

    /// Has the pool be of exactly this size, whatever the demand and whatever the policy's limits, until
    /// it is [enabled](Self::enable) again.
    ///
    /// # Errors
    ///
    /// See [`AutoscaleError`]: a size that the pool itself refuses, as
    /// [`resize`](crate::engine::Pool::resize) does. Nothing has changed then.
    pub fn hold_at(&self, max_size: usize) -> Result<(), AutoscaleError> {
        let current = self.current()?;
        let held = self.0.hold(&current, max_size);
        held.map_err(|source| self.invalid(source))
    }

    fn current(&self) -> Result<Registered, AutoscaleError> {
        let gone = || AutoscaleError::UnknownKey {
            key: self.key().to_string(),
            scope: self.scope().clone(),
        };
        self.0.current().ok_or_else(gone)
    }

    fn invalid(&self, source: ValidationError) -> AutoscaleError {
        let key = self.key().clone();
        AutoscaleError::Invalid { key, source }
    }
}

impl fmt::Debug for Autoscaler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Autoscaler")
            .field("key", self.key())
            .field("scope", self.scope())
            .field("recommendation", &self.recommendation())
            .finish_non_exhaustive()
    }
}

impl<R: Resource> Registration<R> {
    /// Has its `max_size` follow demand; see [`autoscale`](crate::autoscale). Default: it stays as it
    /// is.
    ///
    /// The size that it begins with must be within the policy's limits. A ceiling that is not
    /// [set](Self::ceiling) is raised to what the policy allows.
    pub fn autoscale(mut self, policy: AutoscalePolicy) -> Self {
        self.autoscale = Some(policy);
        self
    }
}

impl Manager {
    /// The autoscaling of what is registered under `key` for exactly this scope; none if it has none.
    /// For whoever runs the program.
    pub fn autoscaler(&self, key: &str, scope: &Scope) -> Option<Autoscaler> {
        let there = self.inner().at(key, scope)?;
        there.entry.scaler().map(Autoscaler)
    }

    /// Has what is registered under `key` for exactly this scope follow `policy` from now on, whether or
    /// not it was registered with one. For whoever runs the program.
    ///
    /// # Examples
    ///
    /// ```
    /// # use nebula_resource::{CreateContext, Manager, Resource, Scope};
    /// # struct Db;
    /// # impl Resource for Db {
    /// #     type Config = ();
    /// #     type Instance = u32;
    /// #     type Error = std::io::Error;
    /// #     async fn create(&self, _: &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
    /// # }
    /// # futures::executor::block_on(async {
    /// # let manager = Manager::new();
    /// # manager.register("main_db", Db, ()).await?;
    /// use nebula_resource::autoscale::{AutoscalePolicy, Mode};
    ///
    /// let only_say = AutoscalePolicy { mode: Mode::Advise, ..AutoscalePolicy::between(5, 20) };
    /// let scaling = manager.autoscale("main_db", &Scope::GLOBAL, only_say)?;
    /// assert!(!scaling.recommendation().is_change());
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// See [`AutoscaleError`]; nothing has changed then.
    pub fn autoscale(
        &self,
        key: &str,
        scope: &Scope,
        policy: AutoscalePolicy,
    ) -> Result<Autoscaler, AutoscaleError> {
        let there = self.inner().to_be_scaled(key, scope)?;
        let about = there.entry.about();
        if let Err(source) = there.entry.accepts(&policy) {
            let key = about.key.clone();
            return Err(AutoscaleError::Invalid { key, source });
        }
        let (its_key, its_scope) = (about.key.clone(), about.scope.clone());
        let max_size = there.entry.pool_status().max_size;
        let new = Scaler::new(self.inner(), its_key, its_scope, policy.clone(), max_size);
        let scaler = there.entry.scaled_by(new);
        scaler.begin();
        scaler.follow(Some(policy));
        Ok(Autoscaler(scaler))
    }
}

impl Inner {
    fn to_be_scaled(&self, key: &str, scope: &Scope) -> Result<Registered, AutoscaleError> {
        if let Some(there) = self.at(key, scope) {
            return Ok(there);
        }
        let key = key.to_owned();
        match self.is_template(&key) {
            true => Err(AutoscaleError::PerTenant { key }),
            false => {
                let scope = scope.clone();
                Err(AutoscaleError::UnknownKey { key, scope })
            }
        }
    }
}
