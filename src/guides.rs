//! The guides in `docs/`, so that their snippets are compiled and run as documentation tests.
//!
//! Empty in every other build.

#[doc = include_str!("../docs/scopes.md")]
pub mod scopes {}

#[doc = include_str!("../docs/pooling.md")]
pub mod pooling {}

#[doc = include_str!("../docs/resource-trait.md")]
pub mod resource_trait {}

#[doc = include_str!("../docs/health.md")]
pub mod health {}

#[doc = include_str!("../docs/autoscale.md")]
pub mod autoscale {}

#[doc = include_str!("../docs/integration.md")]
pub mod integration {}

// It has figures in it.
#[cfg(feature = "metrics")]
#[doc = include_str!("../docs/observing.md")]
pub mod observing {}
