//! The scenarios, each on the async facade, on a blocking factory under it, and on the blocking
//! facade, under both schedulers.
#![cfg(shuttle)]
#![allow(
    clippy::unwrap_used,
    reason = "all of this is test code, helpers included"
)]

/// Declares the runs of scenarios: `scenarios!(turns, cancellation)`.
macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {
        $(
            mod $scenario {
                use nebula_resource_shuttle_tests::{Bridged, OnAsync, OnSync};
                scenarios!(@facade $scenario: on_async OnAsync, bridged Bridged, on_sync OnSync);
            }
        )+
    };
    (@facade $scenario:ident: $($module:ident $facade:ident),+) => {
        $(
            mod $module {
                use nebula_resource_shuttle_tests::{Scheduler, explore};

                #[test]
                fn random() {
                    let name = concat!(stringify!($scenario), "::", stringify!($module));
                    explore(name, Scheduler::Random, crate::$scenario::<super::$facade>);
                }

                #[test]
                fn pct() {
                    let name = concat!(stringify!($scenario), "::", stringify!($module));
                    explore(name, Scheduler::Pct, crate::$scenario::<super::$facade>);
                }
            }
        )+
    };
}

mod histories;
mod misbehaviour;
mod overtaking;
mod ownership;
mod waiting;

use histories::{explained, in_order};
use misbehaviour::{checks, everything, failures};
use overtaking::passed;
use ownership::{closing, orphans, reconfiguring, supervision};
use waiting::{cancellation, deadlines, endings, several, turns};

scenarios!(
    turns,
    cancellation,
    endings,
    several,
    deadlines,
    supervision,
    reconfiguring,
    closing,
    orphans,
    failures,
    checks,
    everything,
    explained,
    in_order,
    passed,
);
