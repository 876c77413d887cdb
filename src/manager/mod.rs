//! The manager: what a program declares its resources to, and asks for them by key.
//!
//! Decides nothing itself.
//!
//! | part | decides |
//! |---|---|
//! | `face`, `builder` | what a program can do with it |
//! | `registration`, `admission` | what is asked of a newcomer |
//! | `registry`, `lookup` | who is registered, and which registration a caller gets |
//! | `tenants` | when a tenant's own pool is made and put away, and how large it may be |
//! | `erased`, `driver` | what a registered resource is, and how its calls are run |
//! | `acquire`, `guard`, `place`, `handle` | how a caller gets an instance, and what ends its wait |
//! | `reload` | how another configuration is put in force, and who wins of two |
//! | `dependency` | what needs what |
//! | `leaving`, `ending`, `shutdown`, `leftovers` | what ends together, in which order and for how long |
//! | `watch`, `watched` | what hooks and subscribers are told, and that nobody pays for it while there are none |
//! | `status`, `error` | what is told, in which words |

mod acquire;
mod admission;
mod builder;
pub mod dependency;
mod driver;
mod ending;
mod erased;
mod error;
mod face;
mod guard;
mod handle;
mod leaving;
mod leftovers;
mod lookup;
mod place;
mod registration;
mod registry;
mod reload;
mod setup;
pub mod shutdown;
mod status;
mod tenants;
mod watch;
mod watched;

pub use admission::Batch;
pub use builder::ManagerBuilder;
pub use error::{DeregisterError, RegisterError, ReloadError, ResourceError};
pub use face::Manager;
pub use guard::ManagedGuard;
pub use handle::Handle;
pub use leaving::Draining;
pub use registration::Registration;
pub use reload::{Reload, Reloaded};
pub use shutdown::{ShutdownBudget, ShutdownReport, ShuttingDown};
pub use status::{ManagerStatus, ResourceStatus};
pub use tenants::PerTenant;

use registry::Registry;
use setup::Setup;
use shutdown::Shutdown;

/// What managers, handles and registrations have in common.
pub(crate) struct Inner {
    registry: Registry,
    /// How pools are made unless a registration says otherwise.
    setup: Setup,
    shutdown: Shutdown,
}

impl Inner {
    fn new(setup: Setup) -> Self {
        Self {
            registry: Registry::new(),
            setup,
            shutdown: Shutdown::new(),
        }
    }
}

#[cfg(feature = "metrics")]
impl Inner {
    pub(crate) const fn setup(&self) -> &Setup {
        &self.setup
    }
}
