//! What is said of resources' health, what can be done about it by hand, and how callers come to one
//! that is just back.
//!
//! Decides nothing about health: that is the [`health`](crate::health) module's.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use crate::health::{HealthState, Patient, SystemHealth, Ward};
use crate::key::Key;
use crate::manager::acquire::{Nothing, Question};
use crate::manager::erased::{About, Registered};
use crate::manager::guard::ManagedGuard;
use crate::manager::place::{Keeper, Place};
use crate::manager::registry::Found;
use crate::manager::{Inner, Manager};
use crate::resource::Resource;
use crate::scope::Scope;

/// Why nothing could be done about a quarantine by hand.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuarantineError {
    /// Nothing is registered under this key in this scope.
    #[error("there is no {key:?} registered {}", For(scope))]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// Whose.
        scope: Scope,
    },
    /// It was registered without a health policy.
    #[error("nobody looks after {key:?}: register it with `health`")]
    NotLookedAfter {
        /// What was asked for.
        key: String,
    },
    /// It is quarantined by hand already.
    #[error("{key:?} is quarantined by hand already")]
    Already {
        /// What was asked for.
        key: String,
    },
    /// It is not in quarantine.
    #[error("{key:?} is not in quarantine")]
    NotQuarantined {
        /// What was asked for.
        key: String,
    },
}

/// Reads on after "registered".
struct For<'a>(&'a Scope);

impl std::fmt::Display for For<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self.0 == Scope::GLOBAL {
            true => f.write_str("for everybody"),
            false => write!(f, "for {}", self.0),
        }
    }
}

impl Manager {
    /// The health of every resource that was registered with [`health`] or [`health_check`], and of all
    /// of them together. For whoever runs the program: it tells of all tenants.
    ///
    /// [`health`]: super::Registration::health
    /// [`health_check`]: super::Registration::health_check
    pub fn health(&self) -> SystemHealth {
        let all = self.inner.registry.snapshot().all();
        let wards = all.iter().filter_map(|one| one.entry.ward());
        let health = wards.map(|ward| ward.health()).collect();
        SystemHealth::new(health, self.inner.ticker.runs_by_itself())
    }

    /// Quarantines a resource by hand: nobody gets it, and nobody tries it, until it is
    /// [released](Self::release) or reloaded. Guards that are out stay valid.
    ///
    /// # Errors
    ///
    /// See [`QuarantineError`].
    pub fn quarantine(
        &self,
        key: &str,
        scope: &Scope,
        why: impl Into<Arc<str>>,
    ) -> Result<(), QuarantineError> {
        let (found, ward) = self.inner.looked_after(key, scope)?;
        if ward.quarantine(&*found.entry, why.into()) {
            return Ok(());
        }
        let key = key.to_owned();
        Err(QuarantineError::Already { key })
    }

    /// Takes a resource out of quarantine by hand, however it came there. Callers get it at once, and the
    /// next check comes soon.
    ///
    /// # Errors
    ///
    /// See [`QuarantineError`].
    pub fn release(&self, key: &str, scope: &Scope) -> Result<(), QuarantineError> {
        let (found, ward) = self.inner.looked_after(key, scope)?;
        if ward.release(&*found.entry) {
            return Ok(());
        }
        let key = key.to_owned();
        Err(QuarantineError::NotQuarantined { key })
    }
}

impl Inner {
    /// What is registered for exactly this scope.
    pub(crate) fn registered(&self, key: &str, scope: &Scope) -> Option<Registered> {
        self.registry.snapshot().at(key, scope).cloned()
    }

    fn looked_after(
        &self,
        key: &str,
        scope: &Scope,
    ) -> Result<(Registered, Arc<Ward>), QuarantineError> {
        let found = self.registered(key, scope);
        let found = found.ok_or_else(|| QuarantineError::UnknownKey {
            key: key.to_owned(),
            scope: scope.clone(),
        })?;
        match found.entry.ward().cloned() {
            Some(ward) => Ok((found, ward)),
            None => Err(QuarantineError::NotLookedAfter {
                key: key.to_owned(),
            }),
        }
    }

    /// How what callers in `scope` get under this key is.
    pub(crate) fn health_of(&self, key: &Key, scope: &Scope) -> HealthState {
        let snapshot = self.registry.snapshot();
        let Some(Found::There(found)) = snapshot.find(key, scope) else {
            return HealthState::Unknown;
        };
        let ward = found.entry.ward();
        ward.map_or(HealthState::Unknown, |ward| ward.said())
    }

    /// Acquires what has just come back and is handed out little by little.
    pub(crate) async fn enter_slowly<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
        ward: Keeper<'a>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        let clock = place.clock().clone();
        let since = clock.now();
        let timeout = place.entry().pool.config().acquire_timeout;
        let until = ask.until(&clock, timeout).into_iter();
        let until = until.chain([since.after(timeout)]).min();
        let entry = place.entry();
        let turn = async {
            let mut turn = pin!(ward.let_in(|| entry.pool.status()));
            let mut enough = pin!(clock.sleep_until(until.unwrap_or(since)));
            poll_fn(|cx| match turn.as_mut().poll(cx) {
                Poll::Ready(turn) => Poll::Ready(Some(turn)),
                Poll::Pending => enough.as_mut().poll(cx).map(|()| None),
            })
            .await
        };
        let entering = match ask.context.run(turn).await {
            Ok(Some(entering)) => entering,
            Ok(None) => return Err(Nothing::Error(ask.quarantined(ward.slowness()))),
            Err(cancelled) => return Err(Nothing::Error(ask.cancelled(cancelled))),
        };
        let served = self.enter_at_once(ask.again(since), place).await;
        drop(entering);
        served
    }
}

impl Patient {
    pub(crate) fn new(manager: &Arc<Inner>, about: &About) -> Self {
        Self {
            manager: Arc::downgrade(manager),
            ticker: Arc::clone(&manager.ticker),
            key: about.key.clone(),
            scope: about.scope.clone(),
            backend: None,
        }
    }
}
