//! What a pool must offer to take part in the league, and what it may.
//!
//! Decides the vocabulary: rows speak to [`Contender`] and [`Entrant`] only, so that each is written
//! once and judges all alike.

use std::future::ready;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::server::Server;
use crate::thing::Thing;

/// An acquire: resolves to an object, or to why there is none.
pub(crate) type Asked = BoxFuture<'static, Result<Box<dyn Lent>, Lack>>;

/// Why there was no object. The text is the pool's own.
#[derive(Clone, Debug)]
pub(crate) enum Lack {
    TimedOut(String),
    Failed(String),
    Closed(String),
}

impl Lack {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::TimedOut(text) | Self::Failed(text) | Self::Closed(text) => text,
        }
    }
}

/// A guard of whichever pool; dropping it gives the object back.
pub(crate) trait Lent: Send {
    fn thing(&self) -> &Thing;
}

/// Any guard that derefs to the object.
pub(crate) struct Deref<G>(pub(crate) G);

impl<G: std::ops::Deref<Target = Thing> + Send> Lent for Deref<G> {
    fn thing(&self) -> &Thing {
        &self.0
    }
}

/// What not every pool has; a row that needs it is not applicable to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    /// An acquire is a future, and can be dropped.
    Future,
    /// A callback that cleans an object between two users.
    Recycle,
    /// User code besides the callbacks, run on a new object.
    Hook,
    Resize,
    Close,
    Pause,
    Retain,
    /// An acquire that does not keep the pool open by itself.
    Orphan,
    MaxLifetime,
    /// A stock of idle objects, and an idle timeout for what exceeds it.
    MinIdle,
}

/// How a pool is set up for a row. Every contender is told all it can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) max_size: usize,
    pub(crate) min_idle: usize,
    /// How long an acquire may take.
    pub(crate) acquire: Duration,
    pub(crate) create: Duration,
    /// Of one validation, and of one recycling.
    pub(crate) validate: Duration,
    /// Before each hand-out, also where the pool's own default would skip it.
    pub(crate) always_validate: bool,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    /// How often the pool looks after idle objects.
    pub(crate) upkeep: Duration,
    pub(crate) leak_after: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_size: 4,
            min_idle: 0,
            acquire: Duration::from_secs(1),
            create: Duration::from_millis(300),
            validate: Duration::from_millis(200),
            always_validate: true,
            idle_timeout: None,
            max_lifetime: None,
            upkeep: Duration::from_secs(30),
            leak_after: None,
        }
    }
}

/// Whether callers of a pool are tasks or threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Tasks,
    Threads,
}

/// One pool. Those methods that have a default are only called where [`Entrant::lacks`] says nothing
/// against it.
pub(crate) trait Contender: Send + Sync + 'static {
    /// Acquires. For a pool whose callers are threads the future blocks the thread that polls it, and
    /// is never pending.
    fn get(&self) -> Asked;

    /// [`get`](Self::get) with another timeout than the configured one.
    fn get_within(&self, timeout: Duration) -> Asked;

    /// An acquire that never blocks whoever polls it.
    fn future(&self) -> Asked {
        self.get()
    }

    /// How many objects there are, in its own words.
    fn size(&self) -> BoxFuture<'_, Option<usize>>;

    fn resize(&self, _max_size: usize) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }

    fn close(&self) {}

    fn pause(&self) {}

    fn resume(&self) {}

    /// Retires idle objects for which `keep` says no.
    fn retain(&self, _keep: &mut dyn FnMut(&Thing) -> bool) {}

    /// How many leaks it has reported.
    fn leaks(&self) -> usize {
        0
    }

    /// What it has warned of.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A kind of pool.
pub(crate) trait Entrant: Sync {
    /// As in the table.
    fn name(&self) -> &'static str;

    /// The crate whose version is printed.
    fn package(&self) -> &'static str;

    fn style(&self) -> Style;

    /// Why its API has no such thing.
    fn lacks(&self, feature: Feature) -> Option<&'static str>;

    /// The most attempts to create that one pool may make at once: its own setting for that, or else
    /// its size.
    fn creates_at_once(&self, settings: &Settings) -> usize {
        settings.max_size
    }

    /// How often it looks after idle objects.
    fn upkeep(&self, settings: &Settings) -> Duration {
        settings.upkeep
    }

    /// Makes so many pools of one server, sharing what they can share. Called in the runtime.
    fn open(
        &self,
        server: &Server,
        settings: &Settings,
        pools: usize,
    ) -> Vec<std::sync::Arc<dyn Contender>>;
}
