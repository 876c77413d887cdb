//! The few names that most programs need: `use nebula_resource::prelude::*`.

pub use crate::{
    AcquireError, BlockingFactory, Factory, Fairness, Pool, PoolConfig, RetireReason, Strategy,
};
