//! One tenant's pool in the place of another, and a template's next configuration in that of the last.
//!
//! Decides who wins of two that reload a template, and from when on newcomers get its next configuration.
//! Knows nothing of how pools are made or proven.
//!
//! The configuration in force, its number in the books and the pools of those who have it change under
//! the lock of the books. So nobody is taken in with a configuration that is not in force any more, and
//! those who have an older one only become fewer.

use std::any::Any;
use std::collections::HashSet;

use nebula_resource_core::ValidationError;

use super::share::{Limits, share};
use super::{Books, Seen, Tenants};
use crate::manager::erased::Registered;
use crate::scope::Scope;

/// The next configuration of a template whose type is not known.
pub(crate) trait Draft: Send + Sync {
    /// The number that it has once it is in force.
    fn generation(&self) -> u64;

    fn limits(&self) -> Limits;

    /// A pool with it, that nobody can see yet, to take the place of `old`.
    fn conceive(&self, old: &Registered, size: usize) -> Result<Registered, ValidationError>;

    /// Newcomers get it from now on. Answers what they got before: to be dropped without a lock, for
    /// it is the user's.
    fn put_in_force(&self) -> Box<dyn Any + Send>;
}

/// Another reload was faster, or the template is gone.
pub(super) struct Superseded;

/// A reload on its way from tenant to tenant.
pub(super) struct Walk<'t> {
    tenants: &'t Tenants,
    pub(super) draft: Box<dyn Draft>,
    pub(super) is_in_force: bool,
    /// What was in force before: the user's, and dropped without a lock.
    was: Option<Box<dyn Any + Send>>,
}

impl<'t> Walk<'t> {
    pub(super) fn new(tenants: &'t Tenants, draft: Box<dyn Draft>) -> Self {
        Self {
            tenants,
            draft,
            is_in_force: false,
            was: None,
        }
    }

    /// Those who have an older configuration, but for those who `refused` this one. Where there is
    /// nobody to try it with, it is in force by that.
    pub(super) fn left(&mut self, refused: &HashSet<Scope>) -> Result<Vec<Registered>, Superseded> {
        let generation = self.draft.generation();
        let mut books = self.tenants.books();
        self.goes_on(&books)?;
        let mut left = self.tenants.all();
        left.retain(|there| {
            let about = there.entry.about();
            about.generation < generation && !refused.contains(&about.scope)
        });
        let nobody = left.is_empty() && refused.is_empty() && !self.is_in_force;
        if nobody {
            self.put_in_force(&mut books);
        }
        drop(books);
        self.tell();
        Ok(left)
    }

    /// How large a tenant's pool may be.
    pub(super) fn size(&self) -> usize {
        let tenants = self.tenants.books().round.len();
        let together = self.tenants.budget.total();
        share(together, self.draft.limits().each, tenants)
    }

    /// Puts `new`, which may be so large, in the place of `old`; answers whether that was still there.
    /// The first time, it puts the configuration in force. To be [told](Self::tell) afterwards.
    pub(super) fn exchange(
        &mut self,
        old: &Registered,
        new: &Registered,
        size: usize,
    ) -> Result<bool, Superseded> {
        let tenant = &old.entry.about().scope;
        let mut books = self.tenants.books();
        self.goes_on(&books)?;
        if !self.has(old) {
            return Ok(false);
        }
        if !self.is_in_force {
            self.put_in_force(&mut books);
        }
        self.tenants.change(tenant, |shard| {
            shard.insert(tenant.clone(), new.clone());
        });
        books.succeeds(tenant, old, new);
        books.is_news |= books.share != size;
        Ok(true)
    }

    /// Whether this still is its tenant's pool.
    pub(super) fn is_there(&self, old: &Registered) -> Result<bool, Superseded> {
        self.goes_on(&self.tenants.books())?;
        Ok(self.has(old))
    }

    fn has(&self, old: &Registered) -> bool {
        let there = self.tenants.get(&old.entry.about().scope);
        there.is_some_and(|there| there.is(old))
    }

    /// Sees to what is not for under a lock.
    pub(super) fn tell(&mut self) {
        drop(self.was.take());
        self.tenants.spread_news();
    }

    fn goes_on(&self, books: &Books) -> Result<(), Superseded> {
        let ours = self.draft.generation();
        let expected = if self.is_in_force { ours } else { ours - 1 };
        match books.generation == expected && !books.ended {
            true => Ok(()),
            false => Err(Superseded),
        }
    }

    fn put_in_force(&mut self, books: &mut Books) {
        self.is_in_force = true;
        self.was = Some(self.draft.put_in_force());
        books.generation = self.draft.generation();
        books.limits = self.draft.limits();
        self.tenants.divide(books);
        // How many are kept idle may have changed, where the share has not.
        books.is_news = true;
    }
}

impl Books {
    /// A tenant is as busy as it was: a reload is no use.
    fn succeeds(&mut self, tenant: &Scope, old: &Registered, new: &Registered) {
        let before = old.entry.totals().acquired;
        let unused = self.seen.get(tenant).copied();
        let unused = unused.filter(|seen| seen.acquired == before);
        if let Some(Seen { since, .. }) = unused {
            let acquired = new.entry.totals().acquired;
            self.seen.insert(tenant.clone(), Seen { acquired, since });
        } else {
            self.seen.remove(tenant);
        }
    }
}
