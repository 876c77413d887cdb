//! Looking after resources: checks, what callers report, and what follows from both.
//!
//! Off unless a registration says [`health`](crate::manager::Registration::health) or
//! [`health_check`](crate::manager::Registration::health_check). Then the resource is checked every
//! [`interval`](HealthPolicy::interval) by the manager's one scheduler: it takes an instance, or has one
//! made if there is none, and asks it. What is degraded is handed out with a warning; what fails
//! several checks in a row is [quarantined](crate::quarantine). While a resource is well, its callers pay
//! nothing for that.
//!
//! # Examples
//!
//! ```
//! use nebula_resource::health::{HealthPolicy, HealthState, Performance};
//! use nebula_resource::{BlockingResource, CreateContext, Manager, Scope};
//! use std::{io, time::Duration};
//!
//! struct Disk;
//!
//! impl BlockingResource for Disk {
//!     type Config = ();
//!     type Instance = ();
//!     type Error = io::Error;
//!
//!     fn create(&self, (): &(), _: &CreateContext) -> io::Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! let manager = Manager::new();
//! let fast = Performance::slower_than(Duration::from_millis(200));
//! let policy = HealthPolicy::new().interval(Duration::from_millis(20)).stage(fast);
//! manager.register("disk", Disk, ()).health(policy).wait()?;
//!
//! let state = || manager.health().get("disk", &Scope::GLOBAL).map(|disk| disk.state.clone());
//! while state() != Some(HealthState::Healthy) {
//!     std::thread::sleep(Duration::from_millis(5)); // nobody has looked yet
//! }
//! # Ok::<(), nebula_resource::BoxError>(())
//! ```
//!
//! # What harms whom
//!
//! A check that hangs is cut off, one that panics has failed, and an instance that it was at is not used
//! again. One that lies or flaps is held to thresholds: it changes nothing before it has said the same
//! several times, and it cannot take away more instances in an interval than
//! [`max_ejection_percent`](HealthPolicy::max_ejection_percent) says. A single failing instance says
//! nothing about its resource: another is asked before a check has failed.
//!
//! Where nothing runs in the background, [`Manager::health`](crate::Manager::health) says so, and
//! checks are run by [`Manager::run_maintenance`](crate::Manager::run_maintenance).

mod chart;
mod check;
mod checkable;
mod ejection;
mod history;
mod lanes;
mod opinion;
mod plan;
mod policy;
mod probe;
mod report;
mod stage;
mod state;
mod tally;
mod turnstile;
mod ward;
mod warn;

pub use checkable::{BlockingHealthCheckable, HealthCheckable};
pub use policy::HealthPolicy;
pub use report::{Checked, ResourceHealth, SystemHealth};
pub use stage::{
    Connectivity, Dependencies, Examination, Examining, Performance, Stage, Utilization,
};
pub use state::{HealthState, Impact};

pub(crate) use lanes::Lanes;
pub(crate) use plan::HealthPlan;
pub(crate) use probe::{Care, Cared};
pub(crate) use ward::{Patient, Ward};
