//! How a guard holds on to its resource: by a count, or by borrowing a handle.
//!
//! Decides nothing; to the pool it is a way to itself.

use std::ops::Deref;
use std::sync::Arc;

use nebula_resource_core::Shared;

use crate::health::Ward;
use crate::manager::driver::ResourceDriver;
use crate::manager::erased::Entry;
use crate::resource::Resource;

/// How a guard holds on to its resource.
pub(crate) enum Place<'a, R: Resource> {
    Near(&'a Entry<R>),
    Far(Arc<Entry<R>>),
}

/// Who looks after the resource, held on to in the same way.
pub(crate) enum Keeper<'a> {
    Near(&'a Ward),
    Far(Arc<Ward>),
}

impl Deref for Keeper<'_> {
    type Target = Ward;

    #[inline]
    fn deref(&self) -> &Ward {
        match self {
            Self::Near(ward) => ward,
            Self::Far(ward) => ward,
        }
    }
}

impl<'a, R: Resource> Place<'a, R> {
    /// Who looks after it, if anybody does.
    #[inline]
    pub(crate) fn keeper(&self) -> Option<Keeper<'a>> {
        match self {
            Self::Near(entry) => entry.care.as_ref().map(|care| Keeper::Near(&care.ward)),
            Self::Far(entry) => {
                let care = entry.care.as_ref()?;
                Some(Keeper::Far(Arc::clone(&care.ward)))
            }
        }
    }
}

impl<R: Resource> Place<'_, R> {
    #[inline]
    pub(crate) fn entry(&self) -> &Entry<R> {
        match self {
            Self::Near(entry) => entry,
            Self::Far(entry) => entry,
        }
    }
}

impl<R: Resource> Clone for Place<'_, R> {
    fn clone(&self) -> Self {
        match self {
            Self::Near(entry) => Self::Near(entry),
            Self::Far(entry) => Self::Far(Arc::clone(entry)),
        }
    }
}

impl<R: Resource> Deref for Place<'_, R> {
    type Target = Shared<ResourceDriver<R>>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        self.entry().pool.shared()
    }
}
