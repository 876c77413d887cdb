//! The manager: what a program declares its resources to, and asks for them by key.
//!
//! Decides nothing itself.
//!
//! | part | decides |
//! |---|---|
//! | `face`, `builder` | what a program can do with it |
//! | `registration`, `needs`, `admission` | what is asked of a newcomer |
//! | `registry`, `lookup` | who is registered, and which registration a caller gets |
//! | `tenants` | when a tenant's own pool is made and put away, and how large it may be |
//! | `erased`, `driver` | what a registered resource is, and how its calls are run |
//! | `acquire`, `guard`, `place`, `handle` | how a caller gets an instance, and what ends its wait |
//! | `reload`, `proof` | how another configuration is put in force, and who wins of two |
//! | `dependency` | what needs what |
//! | `leaving`, `ending`, `shutdown`, `leftovers` | what ends together, in which order and for how long |
//! | `health` | what is said of health, and what is done about it by hand |
//! | `ticker` | when what is to be done again and again has its turn |
//! | `watch`, `watched` | what hooks and subscribers are told, and that nobody pays for it while there are none |
//! | `reports` | who hears what speaks for a resource and against it |
//! | `status`, `error` | what is told, in which words |

mod about;
mod acquire;
mod admission;
mod builder;
pub mod dependency;
pub(crate) mod driver;
mod ending;
pub(crate) mod erased;
mod error;
mod face;
mod guard;
mod handle;
mod health;
mod leaving;
mod leftovers;
mod lookup;
mod needs;
mod place;
mod proof;
mod registration;
mod registry;
mod reload;
pub(crate) mod reports;
pub(crate) mod setup;
pub mod shutdown;
mod status;
mod tenants;
pub(crate) mod ticker;
pub(crate) mod watch;
mod watched;

pub use admission::Batch;
pub use builder::ManagerBuilder;
pub use error::{DeregisterError, RegisterError, ReloadError, ResourceError};
pub use face::Manager;
pub use guard::ManagedGuard;
pub use handle::Handle;
pub use health::QuarantineError;
pub use leaving::Draining;
pub use registration::Registration;
pub use reload::{Reload, Reloaded};
pub use shutdown::{ShutdownBudget, ShutdownReport, ShuttingDown};
pub use status::{ManagerStatus, ResourceStatus};
pub use tenants::{PerTenant, ReloadPerTenant, ReloadedTenants};

use std::sync::Arc;

use crate::health::Lanes;
use registry::Registry;
use setup::Setup;
use shutdown::Shutdown;
use ticker::Ticker;

/// What managers, handles and registrations have in common.
pub(crate) struct Inner {
    registry: Registry,
    /// How pools are made unless a registration says otherwise.
    setup: Setup,
    shutdown: Shutdown,
    /// Gives their turn to what is to be done again and again for what is registered.
    ticker: Arc<Ticker>,
    /// Sees to it that a backend is tried by one resource at a time.
    pub(crate) lanes: Arc<Lanes>,
}

impl Inner {
    fn new(setup: Setup) -> Self {
        Self {
            registry: Registry::new(),
            ticker: Ticker::new(setup.runtime.clone(), setup.clock.clone()),
            setup,
            shutdown: Shutdown::new(),
            lanes: Arc::default(),
        }
    }
}

#[cfg(feature = "metrics")]
impl Inner {
    pub(crate) const fn setup(&self) -> &Setup {
        &self.setup
    }
}
