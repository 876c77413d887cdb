//! No spans: the feature `tracing` is off.
//!
//! Decides nothing, and is nothing once it is compiled.

use std::error::Error;
use std::future::Future;

use nebula_resource_core::{RetireReason, Status};

use crate::context::Context;
use crate::filter::Subject;

#[derive(Clone)]
pub(crate) struct Span;

#[inline]
pub(crate) const fn wanted() -> bool {
    false
}

impl Span {
    #[inline]
    pub(crate) fn acquire(_: &Subject, _: &Context, _: impl FnOnce() -> Status) -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn create(_: &Subject) -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn clean_up(_: &Subject, _: RetireReason) -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn around<F: Future>(&self, future: F) -> F {
        future
    }

    #[inline]
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    #[inline]
    pub(crate) const fn got(&self, _: u64) {}

    #[inline]
    pub(crate) const fn failed(&self, _: &dyn Error) {}
}
