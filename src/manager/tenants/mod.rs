//! Resources that every tenant has for itself, made from a template when it first asks.
//!
//! Decides when a tenant's pool is made and put away, and how many instances each may have. Knows
//! nothing of the type of the resource: the `template` does.
//!
//! A tenant that was put away finds a new pool when it asks again; that is all it notices.

mod budget;
mod exchange;
mod register;
mod reload;
mod share;
mod template;

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::{PoolConfig, Tick};

pub(crate) use budget::{Budget, Permit};
pub use register::PerTenant;
pub use reload::{ReloadPerTenant, ReloadedTenants};
pub(crate) use template::Allowance;

use crate::manager::Inner;
use crate::manager::erased::{About, Boxed, Registered};
use crate::manager::error::{ReloadError, ResourceError};
use crate::primitives::{ArcSwap, Mutex, MutexGuard, PoisonError, RandomState};
use crate::scope::Scope;
use exchange::Draft;
use share::{Limits, share};

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

    /// Its next configuration, if it is of the right type. Nothing has changed by that.
    fn draft(
        self: Arc<Self>,
        config_of: Box<dyn Any + Send>,
        pool: Option<PoolConfig>,
    ) -> Result<Box<dyn Draft>, ReloadError>;

    /// Sees to it that idle tenants are put away in time.
    fn keep_watch(&self);

    /// Puts away those whose time has come, now; where nothing runs in the background, also says goodbye
    /// to what was theirs.
    fn maintain(&self) -> Boxed<()>;
}

/// The tenants that have a pool.
pub(crate) struct Tenants {
    shards: Box<[ArcSwap<Shard>]>,
    hasher: RandomState,
    books: Mutex<Books>,
    pub(crate) budget: Arc<Budget>,
}

type Shard = HashMap<Scope, Registered, RandomState>;

/// What only those who change something need to know.
struct Books {
    /// All of them; looked at from the front, and put back at the end.
    round: VecDeque<Scope>,
    /// The number of the configuration that newcomers get.
    generation: u64,
    /// What that configuration allows each of them.
    limits: Limits,
    /// How many instances each may have.
    share: usize,
    /// Not all of them know that yet.
    is_news: bool,
    /// Somebody is telling them.
    is_being_told: bool,
    /// What was seen of each when it was last looked at.
    seen: HashMap<Scope, Seen, RandomState>,
    /// Taken out, perhaps with guards out: somebody came after all.
    left: Vec<Registered>,
    /// Somebody sees to it that idle tenants are put away in time.
    is_watched: bool,
    /// Nobody is taken in any more.
    ended: bool,
}

#[derive(Clone, Copy)]
struct Seen {
    acquired: u64,
    since: Tick,
}

impl Tenants {
    pub(crate) fn new(together: usize, limits: Limits) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            hasher: RandomState::default(),
            books: Mutex::new(Books {
                round: VecDeque::new(),
                generation: 1,
                limits,
                share: share(together, limits.each, 1),
                is_news: false,
                is_being_told: false,
                seen: HashMap::default(),
                left: Vec::new(),
                is_watched: false,
                ended: false,
            }),
            budget: Budget::new(together),
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

    /// Has the tenant's pool [put away](Self::put_away), and remembers it: somebody may have come after
    /// all, and who ends everything ends that too.
    fn lay_aside(&self, books: &mut Books, tenant: &Scope) -> Option<Registered> {
        let gone = self.remove(books, tenant)?;
        // proof: tenant-laid-aside
        books.left.push(gone.clone());
        Some(gone)
    }

    /// Divides the total anew.
    fn divide(&self, books: &mut Books) {
        let fair = share(self.budget.total(), books.limits.each, books.round.len());
        books.is_news |= fair != books.share;
        books.share = fair;
    }

    /// Tells all of them how many instances they may have: not under the lock, for their observers
    /// and their waiters' wakers are user code. One at a time tells, so that no old news comes last.
    pub(crate) fn spread_news(&self) {
        loop {
            let mut books = self.books();
            if books.is_being_told || !books.is_news {
                return;
            }
            books.is_being_told = true;
            books.is_news = false;
            let share = books.share;
            let min_idle = books.limits.min_idle;
            drop(books);
            for tenant in self.all() {
                tenant.entry.resize(share, min_idle);
            }
            self.books().is_being_told = false;
        }
    }
}

/// The pool of `tenant`, made now if it has none; nothing, if the template is just changing.
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
    // proof: tenant-ended
    if books.ended || books.generation != newcomer.entry.about().generation {
        return Ok(None);
    }
    // proof: tenant-one-pool
    if let Some(faster) = tenants.get(tenant) {
        return Ok(Some(faster));
    }
    if (books.round.len() + 1).saturating_mul(books.limits.each) > tenants.budget.total() {
        tenants.put_away_unused(&mut books, &mut put_away);
    }
    tenants.change(tenant, |shard| {
        shard.insert(tenant.clone(), newcomer.clone());
    });
    books.round.push_back(tenant.clone());
    tenants.divide(&mut books);
    // It may have been made for another share.
    books.is_news |= books.share != size;
    let is_watched = std::mem::replace(&mut books.is_watched, true);
    drop(books);
    tenants.spread_news();
    tenants.put_away(&put_away);
    if !is_watched {
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
                gone.extend(self.lay_aside(books, &tenant));
                continue;
            }
            let since = Tick::NEVER;
            books.seen.insert(tenant.clone(), Seen { acquired, since });
            books.round.push_back(tenant);
        }
    }

    /// Puts away all that nobody has used for `long`.
    fn sweep(&self, now: Tick, long: Duration) {
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
                gone.extend(self.lay_aside(&mut books, &tenant));
            } else {
                books.seen.insert(tenant.clone(), Seen { acquired, since });
                books.round.push_back(tenant);
            }
        }
        self.divide(&mut books);
        drop(books);
        self.spread_news();
        self.put_away(&gone);
    }

    /// Whether there is anything that the watch is for: if not, it ends.
    fn needs_watch(&self) -> bool {
        let mut books = self.books();
        books.is_watched = !(books.round.is_empty() && books.left.is_empty());
        books.is_watched
    }

    /// Closes pools that were [laid aside](Self::lay_aside).
    fn put_away(&self, gone: &[Registered]) {
        gone.iter().for_each(Registered::dismiss);
        let mut books = self.books();
        let settled: Vec<_> = books.left.extract_if(.., |gone| gone.is_gone()).collect();
        drop(books);
        // Only now: a resource's own drop is user code.
        drop(settled);
    }

    /// Makes room for one more instance, if it can be had from those who do not use theirs.
    async fn make_room(&self) {
        self.shed();
        self.bury_left().await;
        if self.nothing_buries() {
            // What callers had retired holds its place as well until somebody has said goodbye.
            let burials = self.all().into_iter();
            for burial in burials.filter_map(|there| there.entry.bury()) {
                burial.await;
            }
        }
    }

    /// Whether nothing runs in the background: for all of them alike.
    fn nothing_buries(&self) -> bool {
        let first = self.books().round.front().cloned();
        let first = first.and_then(|tenant| self.get(&tenant));
        first.is_some_and(|first| first.entry.bury().is_some())
    }

    /// Where nothing runs in the background, says goodbye to what was put away and has come back.
    async fn bury_left(&self) {
        let left = self.books().left.clone();
        let burials: Vec<_> = left.iter().filter_map(|left| left.entry.bury()).collect();
        for burial in burials {
            burial.await;
        }
        drop(left);
        self.put_away(&[]);
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

    /// Takes out what lies inside `scope`. There may be [news](Self::spread_news) for the others.
    pub(crate) fn take_inside(&self, scope: &Scope) -> Vec<Registered> {
        let mut books = self.books();
        let (gone, left): (Vec<_>, Vec<_>) = std::mem::take(&mut books.round)
            .into_iter()
            .partition(|tenant| scope.contains(tenant));
        books.round = left.into();
        let inside = |left: &mut Registered| scope.contains(&left.entry.about().scope);
        let left: Vec<_> = books.left.extract_if(.., inside).collect();
        let remove = |tenant| self.remove(&mut books, tenant);
        let removed: Vec<_> = gone.iter().filter_map(remove).collect();
        self.divide(&mut books);
        removed.into_iter().chain(left).collect()
    }

    /// Takes nobody in any more.
    pub(crate) fn end(&self) -> Vec<Registered> {
        let mut books = self.books();
        books.ended = true;
        let left = std::mem::take(&mut books.left);
        // Under the lock: whoever is being put away is either here or there.
        self.all().into_iter().chain(left).collect()
    }
}

impl Inner {
    /// What is otherwise done for tenants in the background.
    pub(crate) async fn put_away_tenants(&self) {
        let snapshot = self.registry.snapshot();
        let templates: Vec<_> = snapshot.templates().cloned().collect();
        drop(snapshot);
        for template in templates {
            template.maintain().await;
        }
    }
}

impl Registered {
    /// Nobody has an instance of it, or waits for one.
    fn is_quiet(&self) -> bool {
        let pool = self.entry.pool_status();
        pool.in_use == 0 && pool.waiting == 0 && pool.creating == 0
    }
}
