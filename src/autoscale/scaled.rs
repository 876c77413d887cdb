//! A registered resource, as far as its size goes.
//!
//! Decides which policies and sizes its pool can take. Knows nothing of when.

use std::sync::{Arc, Mutex, PoisonError};

use nebula_resource_core::ValidationError;
use nebula_resource_core::config::default_ceiling;

use super::policy::AutoscalePolicy;
use super::scaler::Scaler;
use crate::manager::Inner;
use crate::manager::erased::{About, Entry};
use crate::manager::setup::Setup;
use crate::resource::Resource;

/// Where a registration keeps its scaler. It goes on through reloads.
#[derive(Clone, Default)]
pub(crate) struct Scaling(Arc<Mutex<Option<Arc<Scaler>>>>);

impl Scaling {
    fn get(&self) -> Option<Arc<Scaler>> {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }

    fn put(&self, scaler: Arc<Scaler>) -> Arc<Scaler> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(place.get_or_insert(scaler))
    }
}

impl Setup {
    /// Has what is registered with it follow `policy`, if that makes sense for its pool. A ceiling that
    /// nobody has set is raised to what the policy allows.
    pub(crate) fn scale(
        &mut self,
        manager: &Arc<Inner>,
        about: &About,
        policy: Option<AutoscalePolicy>,
    ) -> Result<(), ValidationError> {
        self.scaling = Scaling::default();
        let Some(policy) = policy else { return Ok(()) };
        let ceiling = self.ceiling();
        let ceiling = self.ceiling.unwrap_or_else(|| ceiling.max(policy.max));
        policy.fits(self.pool.min_idle, ceiling)?;
        policy.admits(self.pool.max_size)?;
        self.ceiling = Some(ceiling);
        let (key, scope) = (about.key.clone(), about.scope.clone());
        let scaler = Scaler::new(manager, key, scope, policy, self.pool.max_size);
        self.scaling.put(scaler);
        Ok(())
    }

    fn ceiling(&self) -> usize {
        let default = || default_ceiling(self.pool.max_size);
        self.ceiling.unwrap_or_else(default)
    }
}

/// What can be done about a resource's size, whatever its type.
pub(crate) trait Scaled {
    /// What sees to its size, if anything does.
    fn scaler(&self) -> Option<Arc<Scaler>>;

    /// Has `scaler` see to it, unless something does; answers what does.
    fn scaled_by(&self, scaler: Arc<Scaler>) -> Arc<Scaler>;

    /// Whether its pool can follow this policy.
    fn accepts(&self, policy: &AutoscalePolicy) -> Result<(), ValidationError>;

    /// Makes it `to`, if it is `from` and as long as that `stands`; answers whether it has.
    fn rescale(
        &self,
        from: Option<usize>,
        to: usize,
        stands: &dyn Fn() -> bool,
    ) -> Result<bool, ValidationError>;
}

impl<R: Resource> Scaled for Entry<R> {
    fn scaler(&self) -> Option<Arc<Scaler>> {
        self.setup.scaling.get()
    }

    fn scaled_by(&self, scaler: Arc<Scaler>) -> Arc<Scaler> {
        self.setup.scaling.put(scaler)
    }

    fn accepts(&self, policy: &AutoscalePolicy) -> Result<(), ValidationError> {
        policy.fits(self.pool.config().min_idle, self.setup.ceiling())
    }

    fn rescale(
        &self,
        from: Option<usize>,
        to: usize,
        stands: &dyn Fn() -> bool,
    ) -> Result<bool, ValidationError> {
        let is_due = |max_size| from.is_none_or(|from| from == max_size) && stands();
        if !is_due(self.pool.config().max_size) {
            return Ok(false);
        }
        // Asked again in there, for another change may come in between.
        self.pool.reconfigure(|config| {
            if is_due(config.max_size) {
                config.max_size = to;
            }
        })?;
        Ok(self.pool.config().max_size == to)
    }
}
