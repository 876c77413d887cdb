//! The scenarios of a manager, each with an awaited resource and with one whose calls block, under both
//! schedulers.
#![cfg(shuttle)]
#![allow(
    clippy::unwrap_used,
    reason = "all of this is test code, helpers included"
)]

/// Declares the runs of scenarios: `scenarios!(reloads, vanishing)`.
macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {
        $(
            mod $scenario {
                use nebula_resource_shuttle_tests::{Awaited, Blocked};
                scenarios!(@kind $scenario: awaited Awaited, blocked Blocked);
            }
        )+
    };
    (@kind $scenario:ident: $($module:ident $kind:ident),+) => {
        $(
            mod $module {
                use nebula_resource_shuttle_tests::{Scheduler, explore};

                #[test]
                fn random() {
                    let name = concat!(stringify!($scenario), "::", stringify!($module));
                    explore(name, Scheduler::Random, crate::$scenario::<super::$kind>);
                }

                #[test]
                fn pct() {
                    let name = concat!(stringify!($scenario), "::", stringify!($module));
                    explore(name, Scheduler::Pct, crate::$scenario::<super::$kind>);
                }
            }
        )+
    };
}

mod ending;
mod reloading;
mod tenants;
mod vanishing;

use ending::{hurried, scope_ends, shutdown};
use reloading::{one_reloads, two_reload};
use tenants::{tenants_come, tenants_end, tenants_short};
use vanishing::{crowding, vanishes};

scenarios!(
    one_reloads,
    two_reload,
    vanishes,
    crowding,
    shutdown,
    hurried,
    scope_ends,
    tenants_come,
    tenants_short,
    tenants_end,
);
