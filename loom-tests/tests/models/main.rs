//! The models. Each claims something about the shipped engine and says which interleaving would
//! break it; which line of the engine each one holds is listed in `docs/verification.md`.
//!
//! One binary, because every mutation (`ci/mutants.sh`) builds it anew.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    reason = "all of this is test code, helpers included"
)]

/// Declares a model's cases: `cases!(hand_off: fifo, lifo, affine, strict)`, where `strict` is
/// `fifo` with strict fairness.
macro_rules! cases {
    ($model:ident: $($case:ident),+) => {
        mod $model {
            $(
                #[test]
                fn $case() {
                    nebula_resource_loom_tests::explore(
                        concat!(stringify!($model), "::", stringify!($case)),
                        || super::$model(crate::$case()),
                    );
                }
            )+
        }
    };
}

/// [`cases!`] for a model of three threads, which only the lock lets finish.
macro_rules! cases_of_three {
    ($model:ident: $($case:ident),+) => {
        #[cfg(feature = "__loom_lock")]
        cases!($model: $($case),+);
        #[cfg(not(feature = "__loom_lock"))]
        const _: fn(nebula_resource_loom_tests::Case) = $model;
    };
}

/// [`cases!`] for a long model of two threads: the lock would show nothing that the ring does not.
macro_rules! cases_on_the_ring {
    ($model:ident: $($case:ident),+) => {
        #[cfg(not(feature = "__loom_lock"))]
        cases!($model: $($case),+);
        #[cfg(feature = "__loom_lock")]
        const _: fn(nebula_resource_loom_tests::Case) = $model;
    };
}

mod attempts;
mod backend;
mod cancel;
mod close;
mod creation;
mod fairness;
mod filter;
mod hand_off;
mod handles;
mod many;
mod mixed;
mod moved;
mod pause;
mod reconfigure;
mod reduction;
mod reports;
mod resize;
mod stores;
mod suspects;

use nebula_resource_core::{Fairness, Strategy};
use nebula_resource_loom_tests::Case;

const fn fifo() -> Case {
    Case {
        strategy: Strategy::Fifo,
        fairness: Fairness::Bounded,
        races: true,
    }
}

const fn tasks() -> Case {
    Case {
        races: false,
        ..fifo()
    }
}

const fn lifo() -> Case {
    Case {
        strategy: Strategy::Lifo,
        ..fifo()
    }
}

const fn affine() -> Case {
    Case {
        strategy: Strategy::Affine,
        ..fifo()
    }
}

const fn strict() -> Case {
    Case {
        fairness: Fairness::Strict,
        ..fifo()
    }
}
