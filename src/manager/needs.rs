//! What a newcomer says it needs, by key.
//!
//! Decides that a key which cannot be one is told of when all is said. Knows nothing of who is there.

use std::fmt;

use crate::key::{Key, KeyError};

/// The keys so far, or the first that is none.
pub(crate) struct Needs(Result<Vec<Key>, KeyError>);

impl Needs {
    pub(crate) const fn nothing() -> Self {
        Self(Ok(Vec::new()))
    }

    pub(crate) fn add(&mut self, keys: impl IntoIterator<Item = impl AsRef<str>>) {
        let Ok(needs) = &mut self.0 else { return };
        let keys: Result<Vec<_>, _> = keys.into_iter().map(Key::new).collect();
        match keys {
            Ok(more) => needs.extend(more),
            Err(error) => self.0 = Err(error),
        }
    }

    /// All of them and those that the resource names itself, each once and in order.
    pub(crate) fn with(self, own: impl FnOnce() -> Vec<Key>) -> Result<Vec<Key>, KeyError> {
        let mut needs = self.0?;
        needs.extend(own());
        needs.sort();
        needs.dedup();
        Ok(needs)
    }
}

impl fmt::Debug for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
