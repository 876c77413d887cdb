//! Figures about resources, in OpenTelemetry's names, through the `metrics` crate.
//!
//! Decides names, units and labels; which recorder keeps the figures, and who gets to see them, is
//! for the program. What takes time is recorded when it has happened, by a hook; what is at a moment,
//! when somebody refreshes it. Without a recorder attached nothing of it is done.

mod names;
mod pools;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::Recorder;
use nebula_resource_async::runtime::Chosen;
use nebula_resource_core::catch;

use crate::hooks::{Abandoned, Call, Hook, HookId, Objection, Operation, Outcome};
use crate::manager::{Inner, Manager, ResourceError};
use names::Ending;
use pools::{Pools, Source};

/// Figures about a manager's resources, for a recorder of the `metrics` crate.
///
/// | name | kind | what |
/// |---|---|---|
/// | `db.client.connection.count` | gauge | instances, by `db.client.connection.state`: `idle`, `used` |
/// | `db.client.connection.max`, `.idle.max`, `.idle.min` | gauge | how many there may be, may be idle, are kept idle |
/// | `db.client.connection.pending_requests` | gauge | callers in line |
/// | `db.client.connection.timeouts` | counter | callers who waited in vain |
/// | `db.client.connection.create_time` | histogram, s | how long it took to make an instance |
/// | `db.client.connection.wait_time` | histogram, s | how long callers waited for one |
/// | `db.client.connection.use_time` | histogram, s | how long they had it |
/// | `nebula.resource.acquires` | counter | acquires by `outcome`: `ok`, `timeout`, `cancelled`, `refused`, `error` |
/// | `nebula.resource.create_failures` | counter | instances that could not be made |
/// | `nebula.resource.cleanups` | counter | instances cleaned up, by `reason` |
/// | `nebula.resource.creating` | gauge | instances being made |
/// | `nebula.resource.breaker_state` | gauge | its own circuit breaker: 0 closed, 1 half-open, 2 open |
/// | `nebula.resource.oldest_waiter_age` | gauge, s | how long the first in line has waited |
///
/// Each has the label `db.client.connection.pool.name`: the resource's key. Registrations of one
/// key for several scopes are counted together: tenants are no labels, because there may be any number
/// of them, and because whoever sees figures need not know whose they are.
///
/// Gauges are as of the last [`refresh`](Self::refresh). Clones are the same figures.
///
/// # Examples
///
/// ```
/// use metrics_exporter_prometheus::PrometheusBuilder;
/// use nebula_resource::{Manager, metrics::Metrics};
///
/// let manager = Manager::new();
/// let recorder = PrometheusBuilder::new().build_recorder();
/// let prometheus = recorder.handle();
/// let metrics = Metrics::attach_to(&manager, recorder);
///
/// // Whenever somebody asks for the figures:
/// metrics.refresh();
/// let text = prometheus.render();
/// # let _ = text;
/// ```
#[derive(Clone)]
pub struct Metrics {
    figures: Arc<Figures>,
    hook: HookId,
}

struct Figures {
    manager: Weak<Inner>,
    pools: Pools,
}

impl Metrics {
    /// Has the recorder that is installed for the whole process keep `manager`'s figures. It must be
    /// installed before.
    pub fn attach(manager: &Manager) -> Self {
        Self::with(manager, Source::Process)
    }

    /// Has `recorder` keep `manager`'s figures.
    pub fn attach_to(manager: &Manager, recorder: impl Recorder + Send + Sync + 'static) -> Self {
        Self::with(manager, Source::Own(Box::new(recorder)))
    }

    fn with(manager: &Manager, source: Source) -> Self {
        let figures = Arc::new(Figures {
            manager: Arc::downgrade(manager.inner()),
            pools: Pools::new(source),
        });
        // A recorder is foreign code; one that panics has no descriptions.
        let _described = catch("the recorder", || figures.pools.describe());
        let hook = manager.hooks().attach(Watcher(Arc::clone(&figures)));
        Self { figures, hook }
    }

    /// Sets all gauges to how things are now. To be called before the recorder is read.
    pub fn refresh(&self) {
        self.figures.refresh();
    }

    /// Refreshes every so often from now on, until the manager is gone or these figures are detached
    /// and dropped; answers whether there is a runtime for that.
    pub fn refresh_every(&self, every: Duration) -> bool {
        let Some(manager) = self.figures.manager.upgrade() else {
            return false;
        };
        let runtime = Chosen::new(manager.setup().runtime.clone());
        let clock = match &manager.setup().clock {
            Some(clock) => clock.clone(),
            None => runtime.get().clock(),
        };
        let figures = Arc::downgrade(&self.figures);
        let job: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            loop {
                clock.sleep(every).await;
                match figures.upgrade() {
                    Some(figures) if figures.refresh() => {}
                    _ => return,
                }
            }
        });
        runtime.get().can_spawn() && runtime.get().spawn(job).is_ok()
    }

    /// Records nothing from now on. Figures that the recorder has stay as they are.
    pub fn detach(self) {
        if let Some(manager) = self.figures.manager.upgrade() {
            manager.setup().listeners.hooks.detach(self.hook);
        }
    }
}

impl Figures {
    /// Answers whether the manager still exists.
    fn refresh(&self) -> bool {
        let Some(manager) = self.manager.upgrade() else {
            return false;
        };
        let status = manager.status();
        // Foreign code: what it does not want to know is not told.
        let _set = catch("the recorder", || self.pools.set(&status));
        true
    }
}

/// Records what takes time.
struct Watcher(Arc<Figures>);

impl Hook for Watcher {
    fn name(&self) -> &str {
        "metrics"
    }

    fn after(&self, call: &Call<'_>, outcome: &Outcome<'_>) {
        let pool = self.0.pools.of(call.key());
        let took = outcome.took();
        match call.operation() {
            Operation::Create if outcome.is_ok() => pool.create_time.record(took),
            Operation::Create => pool.create_failures.increment(1),
            Operation::Acquire => {
                if outcome.is_ok() {
                    pool.wait_time.record(took);
                }
                pool.acquired(ending(outcome));
            }
            Operation::Release => pool.use_time.record(took),
            Operation::Cleanup => {
                if let Some(reason) = call.reason() {
                    self.0.pools.cleaned_up(call.key(), reason);
                }
            }
        }
    }
}

fn ending(outcome: &Outcome<'_>) -> Ending {
    let Some(error) = outcome.error() else {
        return Ending::Ok;
    };
    match error.downcast_ref::<ResourceError>() {
        Some(error) if error.is_timeout() => Ending::Timeout,
        Some(ResourceError::Cancelled { .. }) => Ending::Cancelled,
        Some(ResourceError::BreakerOpen(_)) => Ending::Refused,
        None if error.is::<Abandoned>() => Ending::Cancelled,
        // Of another hook.
        None if error.is::<Objection>() => Ending::Refused,
        _ => Ending::Error,
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
