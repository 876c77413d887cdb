//! Resources that every tenant has for itself, made from a template when it first asks.
//!
//! Decides when a tenant's pool is made and put away, and how many instances each may have. Knows
//! nothing of the type of the resource: the `template` does.
//!
//! A tenant that was put away finds a new pool when it asks again; that is all it notices.

mod budget;
mod register;
mod share;
mod template;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use nebula_resource_core::Tick;

pub(crate) use budget::{Budget, Permit};
pub use register::PerTenant;
pub(crate) use template::Allowance;

use crate::manager::erased::{About, Registered};
use crate::manager::error::ResourceError;
use crate::scope::Scope;
use share::share;

/// So many parts the map of tenants has: each is copied when a tenant comes or goes.
const SHARDS: usize = 64;

/// So many tenants are looked at when a newcomer finds the total short.
const LOOKED_AT: usize = 8;

/// A template whose type is not known.
pub(crate) trait Nursery: Send + Sync {
    fn about(&self) -> &About;

    fn tenants(&self) -> &Tenants;

    /// A pool for `tenant`, that nobody can see yet.
    fn conceive(&self, tenant: &Scope, size: usize) -> Result<Registered, ResourceError>;

    /// Sees to it that idle tenants are put away in time.
    fn keep_watch(&self);
}

/// The tenants that have a pool.
pub(crate) struct Tenants {
    shards: Box<[ArcSwap<Shard>]>,
    hasher: RandomState,
    books: Mutex<Books>,
    pub(crate) budget: Arc<Budget>,
    /// The most that one tenant may have.
    each: usize,
    min_idle: usize,
}

type Shard = HashMap<Scope, Registered, RandomState>;

/// What only those who change something need to know.
struct Books {
    /// All of them; looked at from the front, and put back at the end.
    round: VecDeque<Scope>,
    /// How many instances each may have.
    share: usize,
    /// Not all of them know that yet.
    is_news: bool,
    /// Somebody is telling them.
    is_being_told: bool,
    /// What was seen of each when it was last looked at.
    seen: HashMap<Scope, Seen, RandomState>,
    /// Put away while somebody came after all, and has a guard now.
    left: Vec<Registered>,
    /// Nobody is taken in any more.
    ended: bool,
}

#[derive(Clone, Copy)]
struct Seen {
    acquired: u64,
    since: Tick,
}

impl Tenants {
    pub(crate) fn new(together: usize, each: usize, min_idle: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            hasher: RandomState::default(),
            books: Mutex::new(Books {
                round: VecDeque::new(),
                share: share(together, each, 1),
                is_news: false,
                is_being_told: false,
                seen: HashMap::default(),
                left: Vec::new(),
                ended: false,
            }),
            budget: Budget::new(together),
            each,
            min_idle,
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, tenant: &Scope) -> &ArcSwap<Shard> {
        use std::hash::BuildHasher;
        let number = self.hasher.hash_one(tenant) % SHARDS as u64;
        &self.shards[usize::try_from(number).unwrap_or(0)]
    }

    /// The pool of `tenant`, if it has one.
    #[inline]
    pub(crate) fn get(&self, tenant: &Scope) -> Option<Registered> {
        self.shard(tenant).load().get(tenant).cloned()
    }

    /// Every tenant's pool.
    pub(crate) fn all(&self) -> Vec<Registered> {
        let shards = self.shards.iter().map(ArcSwap::load_full);
        shards
            .flat_map(|shard| shard.values().cloned().collect::<Vec<_>>())
            .collect()
    }

    fn change(&self, tenant: &Scope, change: impl FnOnce(&mut Shard)) {
        let shard = self.shard(tenant);
        let mut next = Shard::clone(&shard.load());
        change(&mut next);
        shard.store(Arc::new(next));
    }

    /// Takes the tenant's pool out of the books; whoever asked for it closes it.
    fn remove(&self, books: &mut Books, tenant: &Scope) -> Option<Registered> {
        let gone = self.get(tenant)?;
        self.change(tenant, |shard| drop(shard.remove(tenant)));
        books.seen.remove(tenant);
        Some(gone)
    }

    /// Divides the total anew.
    fn divide(&self, books: &mut Books) {
        let fair = share(self.budget.total(), self.each, books.round.len());
        books.is_news |= fair != books.share;
        books.share = fair;
    }

    /// Tells all of them how many instances they may have: not under the lock, for their observers
    /// and their waiters' wakers are user code. One at a time tells, so that no old news comes last.
    fn spread_news(&self) {
        loop {
            let mut books = self.books();
            if books.is_being_told || !books.is_news {
                return;
            }
            books.is_being_told = true;
            books.is_news = false;
            let share = books.share;
            drop(books);
            let min_idle = self.min_idle.min(share);
            for tenant in self.all() {
                tenant.entry.resize(share, min_idle);
            }
            self.books().is_being_told = false;
        }
    }
}

/// The pool of `tenant`, made now if it has none.
pub(crate) fn take_in(
    nursery: &dyn Nursery,
    tenant: &Scope,
) -> Result<Option<Registered>, ResourceError> {
    let tenants = nursery.tenants();
    if let Some(there) = tenants.get(tenant) {
        return Ok(Some(there));
    }
    let size = tenants.books().share;
    // User code: not under a lock.
    let newcomer = nursery.conceive(tenant, size)?;
    let mut put_away = Vec::new();
    let mut books = tenants.books();
    if books.ended {
        return Ok(None);
    }
    if let Some(faster) = tenants.get(tenant) {
        return Ok(Some(faster));
    }
    if (books.round.len() + 1).saturating_mul(tenants.each) > tenants.budget.total() {
        tenants.put_away_unused(&mut books, &mut put_away);
    }
    tenants.change(tenant, |shard| {
        shard.insert(tenant.clone(), newcomer.clone());
    });
    books.round.push_back(tenant.clone());
    tenants.divide(&mut books);
    // It may have been made for another share.
    books.is_news |= books.share != size;
    let first = books.round.len() == 1;
    drop(books);
    tenants.spread_news();
    tenants.put_away(put_away);
    if first {
        nursery.keep_watch();
    }
    Ok(Some(newcomer))
}

impl Tenants {
    /// Looks at a few tenants, and puts away those that nobody has used since they were last
    /// looked at.
    fn put_away_unused(&self, books: &mut Books, gone: &mut Vec<Registered>) {
        for _ in 0..LOOKED_AT.min(books.round.len()) {
            let Some(tenant) = books.round.pop_front() else {
                return;
            };
            let Some(there) = self.get(&tenant) else {
                continue;
            };
            let acquired = there.entry.totals().acquired;
            let seen = books.seen.get(&tenant).map(|seen| seen.acquired);
            if there.is_quiet() && seen == Some(acquired) {
                gone.extend(self.remove(books, &tenant));
                continue;
            }
            let since = Tick::NEVER;
            books.seen.insert(tenant.clone(), Seen { acquired, since });
            books.round.push_back(tenant);
        }
    }

    /// Puts away all that nobody has used for `long`; answers whether any are left.
    fn sweep(&self, now: Tick, long: Duration) -> bool {
        let mut gone = Vec::new();
        let mut books = self.books();
        for tenant in std::mem::take(&mut books.round) {
            let Some(there) = self.get(&tenant) else {
                continue;
            };
            let acquired = there.entry.totals().acquired;
            let seen = books.seen.get(&tenant).copied();
            let unused = seen.filter(|seen| seen.acquired == acquired && there.is_quiet());
            let since = unused.map_or(now, |seen| seen.since.min(now));
            if now.since(since) >= long {
                gone.extend(self.remove(&mut books, &tenant));
            } else {
                books.seen.insert(tenant.clone(), Seen { acquired, since });
                books.round.push_back(tenant);
            }
        }
        self.divide(&mut books);
        let any_left = !books.round.is_empty();
        drop(books);
        self.spread_news();
        self.put_away(gone);
        any_left
    }

    fn put_away(&self, gone: Vec<Registered>) {
        gone.iter().for_each(Registered::dismiss);
        let has_none = |gone: &mut Registered| gone.entry.pool_status().size == 0;
        let mut books = self.books();
        books.left.extend(gone);
        let settled: Vec<_> = books.left.extract_if(.., has_none).collect();
        drop(books);
        // Only now: a resource's own drop is user code.
        drop(settled);
    }

    /// Has some tenant's idle instance retired, so that another can have one.
    fn shed(&self) {
        let all: Vec<_> = self.books().round.iter().cloned().collect();
        let idle = all
            .iter()
            .filter_map(|tenant| self.get(tenant))
            .filter(|there| there.entry.pool_status().idle > 0)
            .max_by_key(|there| there.entry.pool_status().size);
        if let Some(idle) = idle {
            idle.entry.shed();
        }
    }

    /// Takes out what lies inside `scope`.
    pub(crate) fn take_inside(&self, scope: &Scope) -> Vec<Registered> {
        let mut books = self.books();
        let (gone, left): (Vec<_>, Vec<_>) = std::mem::take(&mut books.round)
            .into_iter()
            .partition(|tenant| scope.contains(tenant));
        books.round = left.into();
        let remove = |tenant| self.remove(&mut books, tenant);
        let removed = gone.iter().filter_map(remove).collect();
        self.divide(&mut books);
        drop(books);
        self.spread_news();
        removed
    }

    /// Takes nobody in any more.
    pub(crate) fn end(&self) -> Vec<Registered> {
        let mut books = self.books();
        books.ended = true;
        let left = std::mem::take(&mut books.left);
        drop(books);
        self.all().into_iter().chain(left).collect()
    }
}

impl Registered {
    /// Nobody has an instance of it, or waits for one.
    fn is_quiet(&self) -> bool {
        let pool = self.entry.pool_status();
        pool.in_use == 0 && pool.waiting == 0 && pool.creating == 0
    }
}
