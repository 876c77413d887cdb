//! Keeping what fails away from callers, and bringing it back.
//!
//! A resource with a [`HealthPolicy`](crate::health::HealthPolicy) that fails several checks in a row is
//! quarantined: whoever asks for it is told so at once ([`ResourceError::Quarantined`], with a [`Hold`]
//! that says why, since when, and when it is tried next), and so is whoever waits in line for it. No
//! other resource notices. Then it is tried again, with longer and longer waits, until a check succeeds,
//! or until it is given up; even then somebody looks now and then.
//!
//! # Examples
//!
//! By hand, which no check undoes:
//!
//! ```
//! use nebula_resource::health::HealthPolicy;
//! use nebula_resource::{Context, Manager, ResourceError, Scope};
//! # use nebula_resource::{BlockingResource, CreateContext};
//! # struct Db;
//! # impl BlockingResource for Db {
//! #     type Config = ();
//! #     type Instance = u32;
//! #     type Error = std::io::Error;
//! #     fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
//! # }
//! let manager = Manager::new();
//! manager.register("db", Db, ()).health(HealthPolicy::new()).wait()?;
//! let nobody = Context::new(Scope::GLOBAL);
//!
//! manager.quarantine("db", &Scope::GLOBAL, "moving to another disk")?;
//! let refused = manager.acquire_blocking::<Db>("db", &nobody);
//! assert!(matches!(refused, Err(ResourceError::Quarantined { .. })));
//!
//! manager.release("db", &Scope::GLOBAL)?;
//! assert_eq!(*manager.acquire_blocking::<Db>("db", &nobody)?, 7);
//! # Ok::<(), nebula_resource::BoxError>(())
//! ```
//!
//! # States
//!
//! | where it stands | callers | what leads out of it |
//! |---|---|---|
//! | free | served | enough failed checks in a row → *held*; beyond recovery → *lost*; by hand → *shut* |
//! | suspect: its last checks failed | served | a check that succeeds → *free*; as *free* otherwise |
//! | held, until the next attempt | told so | its time comes → *trying*; released → *free*; by hand → *shut* |
//! | trying | told so | enough successes → *free*; failed → *held*; that was the last attempt → *lost* |
//! | lost: given up | told so | its time comes → *probing*; released or reloaded → *free*; by hand → *shut* |
//! | probing: given up, and looked at | told so | enough successes → *free*; failed → *lost* |
//! | shut, by hand | told so | released or reloaded → *free* |
//!
//! For the resource's [life](crate::lifecycle), the first two are `Ready`, *lost* and *probing* are
//! `Failed`, and the others `Quarantined`.
//!
//! One success is enough, and two for who was quarantined more than once lately. Attempts against one
//! [`Backend`](crate::Backend) are made one at a time, however many resources it has; when one succeeds,
//! the others are tried at once. A resource that came back is handed out little by little
//! ([`QuarantinePolicy::ramp`]).
//!
//! [`ResourceError::Quarantined`]: crate::ResourceError::Quarantined

mod hold;
mod machine;
mod policy;
mod ramp;
mod strategy;
mod table;
#[cfg(test)]
mod tests;

pub use hold::Hold;
pub use policy::QuarantinePolicy;
pub use strategy::{Attempt, Doubling, RecoveryStrategy};

pub(crate) use machine::{Evidence, Quarantine, Step, spread};
pub(crate) use ramp::Ramp;
pub(crate) use table::Phase;
