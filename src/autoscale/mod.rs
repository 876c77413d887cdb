//! Pools that follow demand: `max_size` grows when much is wanted for long, and shrinks when little is.
//!
//! Decides when, by how much and why, and says so: each decision is told as an
//! [event](crate::events::EventKind::Scaled) with its reason, and what would be done can be asked for
//! at any time. What is wanted is instances in use and callers in line, and not use alone: a pool whose
//! callers queue is as full as one that is all in use.
//!
//! Ask for it when you [register](crate::manager::Registration::autoscale), or
//! [later](crate::Manager::autoscale); an [`Autoscaler`] has the last word while the program runs. With
//! [`Mode::Advise`] nothing is changed, and what would have been is told.
//!
//! # The table
//!
//! Demand is measured every [`every`](AutoscalePolicy::every). It is *high* from `high` × `max_size` on,
//! *low* up to `low` × `max_size`, and *in between* otherwise. Each row holds where none above it does.
//!
//! | demand was | and is | what follows |
//! |---|---|---|
//! | anything | not to be measured: paused, not serving, reloaded, not measured three times in a row, or the clock was set back | it counts from the next measurement on |
//! | anything | of a `max_size` beyond the limits | to the limit, at once |
//! | anything | high, with callers in line although there may be more instances | stays: room is not what is missing |
//! | anything else | high or low | stays: not for long |
//! | high or low | in between | stays |
//! | high, for less than `high_for` | high | stays: not for long |
//! | high, for `high_for` | high | up by `step_up`; less at the limit, or where that much would be low |
//! | low, for less than `low_for` | low | stays: not for long |
//! | low, for `low_for` | low | down by `step_down`; less at the limit, or where so little would be high |
//!
//! After a change `high_for` and `low_for` begin anew, and there is no other before the `cooldown` is
//! over. A change that the pool refuses is told and tried again after the cooldown, and after twice as
//! long each time, up to 10 min.
//!
//! # What follows from it
//!
//! - Under constant demand a pool goes one way, if any, and then stays.
//! - What swings faster than the longer of `high_for` and `low_for` moves it one way at most.
//! - It never leaves its limits, and never changes more often than the cooldown allows.
//! - An outage does not make it larger: callers queue, but there is room.
//! - While it is disabled, or nothing is registered with a policy, nothing is measured, and it costs
//!   nothing.
//!
//! Tenants' pools that are made [from a template](crate::Manager::register_per_tenant) are not scaled:
//! what each may have follows from what there is for all of them, and from how many there are.

mod control;
mod machine;
mod policy;
mod scaled;
mod scaler;
mod why;

pub use control::{AutoscaleError, Autoscaler};
pub use policy::{AutoscalePolicy, Mode};
pub(crate) use scaled::{Scaled, Scaling};
pub use why::{Demand, Recommendation, Why};
