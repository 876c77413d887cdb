//! What both of our pools have in common here: settings, errors, and who is told of leaks and nested
//! acquires. Defaults where the row says nothing else.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nebula_resource::{AcquireError, Event, Observer, PoolConfig};

use crate::contender::{Asked, Feature, Lack, Settings};
use crate::server::Server;

/// An acquire that its caller gives up after `timeout`, with tokio's timer.
pub(super) fn within(timeout: Duration, get: Asked) -> Asked {
    Box::pin(async move {
        let timed_out = || Lack::TimedOut("given up by its caller".to_owned());
        let ended = tokio::time::timeout(timeout, get).await;
        ended.unwrap_or_else(|_| Err(timed_out()))
    })
}

/// At most half of an object's life: the rows shrink lifetimes from half an hour to seconds, but
/// cannot shrink the rounds of upkeep likewise.
const JITTER: f64 = 0.25;

pub(super) fn config(settings: &Settings) -> PoolConfig {
    let defaults = PoolConfig::default();
    PoolConfig {
        max_size: settings.max_size,
        min_idle: settings.min_idle,
        acquire_timeout: settings.acquire,
        create_timeout: settings.create,
        validate_timeout: settings.validate,
        recycle_timeout: settings.validate,
        validate_after: if settings.always_validate {
            Some(Duration::ZERO)
        } else {
            defaults.validate_after
        },
        idle_timeout: settings.idle_timeout,
        max_lifetime: settings.max_lifetime,
        lifetime_jitter: JITTER,
        leak_after: settings.leak_after,
        maintenance_every: settings.upkeep,
        ..defaults
    }
}

pub(super) fn lacks(feature: Feature) -> Option<&'static str> {
    match feature {
        Feature::Future
        | Feature::Recycle
        | Feature::Hook
        | Feature::Resize
        | Feature::Close
        | Feature::Pause
        | Feature::Retain
        | Feature::Orphan
        | Feature::MaxLifetime
        | Feature::MinIdle => None,
    }
}

pub(super) fn creates_at_once() -> usize {
    PoolConfig::default().max_concurrent_creates
}

pub(super) fn lack(error: &AcquireError) -> Lack {
    let text = error.to_string();
    match error {
        AcquireError::Closed => Lack::Closed(text),
        AcquireError::CreateFailed(_) => Lack::Failed(text),
        _ => Lack::TimedOut(text),
    }
}

/// Listens for what the rows ask about.
#[derive(Clone, Default)]
pub(super) struct Ear {
    leaks: Arc<AtomicUsize>,
    warnings: Arc<Mutex<Vec<String>>>,
    hook: Server,
}

impl Ear {
    pub(super) fn new(server: &Server) -> Self {
        Self {
            hook: server.clone(),
            ..Self::default()
        }
    }

    pub(super) fn leaks(&self) -> usize {
        self.leaks.load(SeqCst)
    }

    fn list(&self) -> MutexGuard<'_, Vec<String>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.list().clone()
    }
}

impl Observer for Ear {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Leaked { .. } => {
                self.leaks.fetch_add(1, SeqCst);
            }
            Event::NestedAcquire { .. } => self.list().push(format!("{event:?}")),
            // An observer cannot refuse an object; that it panics is what the row is about.
            Event::Created { .. } => drop(self.hook.hook()),
            _ => {}
        }
    }
}
