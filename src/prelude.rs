//! The few names that most programs need: `use nebula_resource::prelude::*`.
//!
//! Decides nothing. [`Pool`] is the async one; a blocking program says
//! `use nebula_resource::sync::Pool` beside it, which wins.

#[doc(no_inline)]
pub use crate::{
    AcquireError, BlockingFactory, BlockingResource, Context, CreateContext, Factory, Fairness,
    Manager, Pool, PoolConfig, Resource, ResourceConfig, ResourceError, RetireReason, Scope,
    Strategy, ValidationError,
};
