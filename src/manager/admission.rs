//! Letting newcomers in: all of them, or, with an error, none.
//!
//! Decides what is asked of them: keys that are free in their scopes, dependencies that are there, can
//! be seen from their scopes and do not go in circles. Those that are to be warmed up are, after what
//! they need and side by side; what fails leaves no trace.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use nebula_resource_core::{AcquireError, park};

use crate::key::Key;
use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::dependency::DependencyError;
use crate::manager::erased::{About, Boxed, Registered};
use crate::manager::error::RegisterError;
use crate::manager::registration::Registration;
use crate::manager::registry::{Change, Snapshot};
use crate::manager::tenants::Nursery;
use crate::resource::Resource;
use crate::scope::Scope;

/// Resources that are about to be registered together; see
/// [`Manager::register_all`](super::Manager::register_all).
///
/// Await it, or [`wait`](Self::wait) for it on a thread. Until then nothing has happened.
///
/// # Errors
///
/// See [`RegisterError`]; nothing is registered then.
///
/// # Cancel safety
///
/// Dropped before its end, it leaves no trace.
#[must_use = "nothing is registered until this is awaited, or waited for"]
pub struct Batch {
    manager: Arc<Inner>,
    newcomers: Result<Vec<Registered>, RegisterError>,
}

impl Batch {
    pub(crate) const fn new(manager: Arc<Inner>) -> Self {
        let newcomers = Ok(Vec::new());
        Self { manager, newcomers }
    }

    /// And this one. The order does not matter.
    #[expect(clippy::should_implement_trait, reason = "it is no sum")]
    pub fn add<R: Resource>(mut self, registration: Registration<R>) -> Self {
        if let Ok(newcomers) = &mut self.newcomers {
            match registration.prepare() {
                Ok(entry) => newcomers.push(Registered::new(Arc::new(entry))),
                Err(error) => self.newcomers = Err(error),
            }
        }
        self
    }

    /// Registers them, from a thread.
    ///
    /// # Errors
    ///
    /// See [`RegisterError`].
    ///
    /// # Blocking
    ///
    /// Only if one has `warm_on_register`: until all first instances are made.
    pub fn wait(self) -> Result<(), RegisterError> {
        park::block_on(self.register())
    }

    async fn register(self) -> Result<(), RegisterError> {
        self.manager.admit(self.newcomers?).await
    }
}

impl IntoFuture for Batch {
    type Output = Result<(), RegisterError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.register())
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl Inner {
    /// Lets newcomers in, if they fit in with what is there and with each other.
    pub(crate) async fn admit(&self, newcomers: Vec<Registered>) -> Result<(), RegisterError> {
        // From the table: created, initializing, ready.
        let advance =
            |all: &[Registered], state| all.iter().for_each(|one| one.entry.advance(state));
        advance(&newcomers, State::Initializing);
        let is_cold = newcomers.iter().all(|one| !one.entry.is_warmed());
        if is_cold {
            advance(&newcomers, State::Ready);
        }
        let levels = self.enter_all(&newcomers)?;
        let scalers = newcomers.iter().filter_map(|one| one.entry.scaler());
        scalers.for_each(|scaler| scaler.begin());
        let wards = newcomers.iter().filter_map(|one| one.entry.ward());
        wards.for_each(|ward| ward.attend());
        if is_cold {
            return Ok(());
        }
        let mut newcomers = Newcomers {
            manager: self,
            all: newcomers,
        };
        for level in levels {
            warm(&level).await.map_err(|why| self.unless_shut(why))?;
            advance(&level, State::Ready);
        }
        // They stay.
        newcomers.all.clear();
        Ok(())
    }

    /// What was stopped while it was warmed up has not failed.
    fn unless_shut(&self, why: RegisterError) -> RegisterError {
        match why {
            RegisterError::NotWarm { key, .. } if self.registry.snapshot().shut => {
                RegisterError::ShuttingDown { key }
            }
            why => why,
        }
    }

    /// Enters them into the books; answers in which order they are to be warmed up.
    fn enter_all(&self, newcomers: &[Registered]) -> Result<Vec<Vec<Registered>>, RegisterError> {
        let abouts: Vec<_> = newcomers.iter().map(|one| one.entry.about()).collect();
        let mut change = self.registry.change();
        change.admit(&abouts, Kind::Plain)?;
        change.with(|snapshot| newcomers.iter().for_each(|one| snapshot.put(one.clone())));
        if newcomers.len() == 1 {
            return Ok(vec![newcomers.to_vec()]);
        }
        let levels = change.books.graph.levels();
        let among = |keys: &[Key]| {
            let is_among = |one: &&Registered| keys.contains(&one.entry.about().key);
            newcomers.iter().filter(is_among).cloned().collect()
        };
        Ok(levels.iter().map(|keys| among(keys)).collect())
    }

    /// Lets a template in, likewise.
    pub(crate) fn admit_template(&self, newcomer: Arc<dyn Nursery>) -> Result<(), RegisterError> {
        let mut change = self.registry.change();
        change.admit(&[newcomer.about()], Kind::PerTenant)?;
        change.with(|snapshot| snapshot.put_template(newcomer));
        Ok(())
    }
}

/// Warms up what is to be, side by side.
async fn warm(level: &[Registered]) -> Result<(), RegisterError> {
    type Proving = (Key, Boxed<Result<(), AcquireError>>);
    let to_be_warmed = level.iter().filter(|one| one.entry.is_warmed());
    let mut proving: Vec<Proving> = to_be_warmed
        .map(|one| (one.entry.about().key.clone(), one.entry.prove(false)))
        .collect();
    poll_fn(|cx| {
        let mut refused = None;
        proving.retain_mut(|(key, proving)| match proving.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(Ok(())) => false,
            Poll::Ready(Err(source)) => {
                let key = key.clone();
                refused = Some(RegisterError::NotWarm { key, source });
                false
            }
        });
        match refused {
            Some(refused) => Poll::Ready(Err(refused)),
            None if proving.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}

/// Newcomers that are being warmed up: taken out again unless they stay.
struct Newcomers<'m> {
    manager: &'m Inner,
    all: Vec<Registered>,
}

impl Drop for Newcomers<'_> {
    fn drop(&mut self) {
        if self.all.is_empty() {
            return;
        }
        let mut change = self.manager.registry.change();
        let before = change.before();
        let is_there = |one: &&Registered| {
            let about = one.entry.about();
            let there = before.at(&about.key, &about.scope);
            there.is_some_and(|there| there.is(one))
        };
        let going: Vec<_> = self.all.iter().filter(is_there).cloned().collect();
        let abouts: Vec<_> = going.iter().map(|one| one.entry.about()).collect();
        // Whoever has come to need one of them meanwhile finds it failed, and can have it reloaded.
        let needed = change.remove_all(&abouts);
        let is_gone = |one: &&Registered| !needed.contains(&one.entry.about().key);
        let gone: Vec<_> = going.iter().filter(is_gone).cloned().collect();
        change.leave(&gone);
        drop(change);
        self.all
            .iter()
            .for_each(|one| one.entry.advance(State::Failed));
        drop(self.manager.send_off(gone));
    }
}

impl Change<'_> {
    /// Enters what is about to come into the graph, if nothing speaks against it.
    fn admit(&mut self, abouts: &[&About], kind: Kind) -> Result<(), RegisterError> {
        let snapshot = self.before();
        for (at, about) in abouts.iter().enumerate() {
            let key = about.key.clone();
            if snapshot.shut {
                return Err(RegisterError::ShuttingDown { key });
            }
            let same = |other: &&&About| other.key == about.key && other.scope == about.scope;
            let twice = abouts[..at].iter().find(same).copied();
            if let Some(there) = twice.or_else(|| taken(&snapshot, about)) {
                return Err(RegisterError::Taken {
                    key,
                    scope: about.scope.clone(),
                    registered: there.resource,
                });
            }
            refuse_unseen(&snapshot, abouts, about, kind)?;
        }
        let nodes: Vec<_> = abouts
            .iter()
            .map(|about| (about.key.clone(), about.needs.clone()))
            .collect();
        let added = self.books.graph.add(&nodes);
        added.map_err(RegisterError::Dependency)
    }

    /// Takes a registration out of the graph.
    pub(crate) fn forget(&mut self, about: &About) -> Result<(), DependencyError<Key>> {
        self.books.graph.remove(&about.key, &about.needs)
    }

    /// Takes out all of these that nothing else needs, in whatever order that takes; answers which are
    /// needed.
    pub(crate) fn remove_all(&mut self, going: &[&About]) -> Vec<Key> {
        let mut left = going.to_vec();
        loop {
            let before = left.len();
            left.retain(|about| self.forget(about).is_err());
            if left.len() == before || left.is_empty() {
                break;
            }
        }
        let needed: Vec<_> = left.into_iter().map(|about| about.key.clone()).collect();
        self.with(|snapshot| {
            for about in going.iter().filter(|about| !needed.contains(&about.key)) {
                snapshot.take(&about.key, &about.scope);
            }
        });
        needed
    }
}

/// Who is there already.
fn taken<'s>(snapshot: &'s Snapshot, about: &About) -> Option<&'s About> {
    if let Some(there) = snapshot.at(&about.key, &about.scope) {
        return Some(there.entry.about());
    }
    let template = snapshot.template(&about.key)?;
    (about.scope == Scope::GLOBAL).then(|| template.about())
}

/// What newcomers are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// A template: what tenants have from it is in their scopes.
    PerTenant,
}

/// Refuses what needs something that is there, or comes along, but not for it. What is not there at
/// all, the graph refuses.
fn refuse_unseen(
    snapshot: &Snapshot,
    coming: &[&About],
    about: &About,
    kind: Kind,
) -> Result<(), RegisterError> {
    let is_tenants = kind == Kind::PerTenant || about.scope.tenant_id().is_some();
    for need in &about.needs {
        let is_per_tenant = snapshot.template(need).is_some();
        let there = snapshot.all_of(need).map(|there| there.entry.about());
        let along = coming.iter().copied().filter(|along| along.key == *need);
        let owners: Vec<Scope> = there
            .chain(along)
            .map(|owner| owner.scope.clone())
            .collect();
        let is_seen = owners.iter().any(|owner| owner.contains(&about.scope));
        if is_seen || (is_per_tenant && is_tenants) {
            continue;
        }
        let (key, scope) = (about.key.clone(), about.scope.clone());
        let need = need.clone();
        if is_per_tenant {
            return Err(RegisterError::DependencyPerTenant { key, scope, need });
        }
        if !owners.is_empty() {
            return Err(RegisterError::DependencyOutOfScope {
                key,
                scope,
                need,
                owners,
            });
        }
    }
    Ok(())
}
