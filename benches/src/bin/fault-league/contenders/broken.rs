//! The pool that does everything wrong that a row asks about: it shows that the rows can be failed
//! (`tests/league.rs`).
//!
//! It has no timeouts, counts a place before it has an object, ignores what validation says, cleans
//! in the guard's drop, needs a runtime there, runs user code under its lock, wakes by the first
//! waker it was shown whoever may have gone, lets newcomers barge, lets every other task stand by,
//! and tells nobody anything.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::contender::{Asked, Contender, Entrant, Feature, Lack, Lent, Settings, Style};
use crate::server::Server;
use crate::thing::Thing;

/// Every other task only looks again now and then.
fn is_disliked() -> bool {
    tokio::task::try_id().is_some_and(|id| id.to_string().ends_with(['1', '3', '5', '7', '9']))
}

type Line = VecDeque<(Waker, Arc<AtomicBool>)>;

struct Pool {
    server: Server,
    max_size: AtomicUsize,
    places: AtomicUsize,
    idle: Mutex<Vec<Thing>>,
    /// By the first waker they were ever polled with.
    waiting: Mutex<Line>,
}

struct Guard {
    thing: Option<Thing>,
    pool: Arc<Pool>,
}

impl Lent for Guard {
    fn thing(&self) -> &Thing {
        match &self.thing {
            Some(thing) => thing,
            None => unreachable!("taken out only in drop"),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _runtime = Handle::current();
        if let Some(thing) = self.thing.take() {
            let _ignored = self.pool.server.recycle_blocking(&thing);
            if thing.is_broken() {
                self.pool.destroy(thing);
            } else {
                self.pool.put(thing);
            }
        }
    }
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Vec<Thing>> {
        match self.idle.lock() {
            Ok(idle) => idle,
            Err(_) => panic!("the pool is poisoned"),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Line> {
        match self.waiting.lock() {
            Ok(waiting) => waiting,
            Err(_) => panic!("the line is poisoned"),
        }
    }

    /// Under the lock.
    fn destroy(&self, thing: Thing) {
        let _idle = self.idle();
        self.places.fetch_sub(1, SeqCst);
        drop(thing);
    }

    fn put(&self, thing: Thing) {
        self.idle().push(thing);
        // Whether that one still waits, nobody asks.
        let first = self.waiting().pop_front();
        if let Some((waker, called)) = first {
            called.store(true, SeqCst);
            waker.wake();
        }
    }

    async fn take(self: Arc<Self>) -> Result<Box<dyn Lent>, Lack> {
        loop {
            let idle = self.idle().pop();
            if let Some(thing) = idle {
                let _ignored = self.server.validate(&thing).await;
                return Ok(self.guard(thing));
            }
            if self.places.fetch_add(1, SeqCst) < self.max_size.load(SeqCst) {
                return Arc::clone(&self).make().await;
            }
            self.places.fetch_sub(1, SeqCst);
            if is_disliked() {
                sleep(Duration::from_millis(5)).await;
            } else {
                self.wait().await;
            }
        }
    }

    async fn make(self: Arc<Self>) -> Result<Box<dyn Lent>, Lack> {
        match self.server.create().await {
            Ok(thing) => {
                let _ignored = self.server.hook();
                Ok(self.guard(thing))
            }
            Err(error) => {
                tokio::spawn(Self::retry(self.server.clone()));
                Err(Lack::Failed(error.to_string()))
            }
        }
    }

    fn guard(self: &Arc<Self>, thing: Thing) -> Box<dyn Lent> {
        let (thing, pool) = (Some(thing), Arc::clone(self));
        Box::new(Guard { thing, pool })
    }

    async fn retry(server: Server) {
        while server.create().await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn wait(&self) {
        let called = Arc::new(AtomicBool::new(false));
        let mut first = true;
        poll_fn(|cx| {
            if mem::take(&mut first) {
                let waiter = (cx.waker().clone(), Arc::clone(&called));
                self.waiting().push_back(waiter);
            }
            if called.load(SeqCst) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    /// Ends the lives of all at once, and only then looks for new ones.
    async fn reap(self: Arc<Self>, after: Duration) {
        loop {
            sleep(after).await;
            let old = mem::take(&mut *self.idle());
            let count = old.len();
            drop(old);
            sleep(Duration::from_millis(50)).await;
            for _ in 0..count {
                if let Ok(thing) = self.server.create().await {
                    self.idle().push(thing);
                }
            }
        }
    }
}

struct One(Arc<Pool>);

impl Contender for One {
    fn get(&self) -> Asked {
        Box::pin(Arc::clone(&self.0).take())
    }

    fn get_within(&self, timeout: Duration) -> Asked {
        super::ours::within(timeout, self.get())
    }

    fn size(&self) -> BoxFuture<'_, Option<usize>> {
        Box::pin(ready(Some(self.0.places.load(SeqCst))))
    }

    fn resize(&self, max_size: usize) -> BoxFuture<'_, ()> {
        self.0.max_size.fetch_add(max_size, SeqCst);
        Box::pin(ready(()))
    }

    fn retain(&self, keep: &mut dyn FnMut(&Thing) -> bool) {
        let idle = self.0.idle();
        for thing in idle.iter() {
            let _ignored = keep(thing);
        }
    }
}

pub(super) struct Broken;

impl Entrant for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn package(&self) -> &'static str {
        "nebula-resource-benches"
    }

    fn style(&self) -> Style {
        Style::Tasks
    }

    fn lacks(&self, _feature: Feature) -> Option<&'static str> {
        None
    }

    fn open(&self, server: &Server, settings: &Settings, pools: usize) -> Vec<Arc<dyn Contender>> {
        let open = |_| -> Arc<dyn Contender> {
            let pool = Arc::new(Pool {
                server: server.clone(),
                max_size: AtomicUsize::new(settings.max_size),
                places: AtomicUsize::new(0),
                idle: Mutex::default(),
                waiting: Mutex::default(),
            });
            if let Some(after) = settings.max_lifetime.or(settings.idle_timeout) {
                tokio::spawn(Arc::clone(&pool).reap(after));
            }
            // Nobody ever drops this one.
            mem::forget(Arc::clone(&pool));
            Arc::new(One(pool))
        };
        (0..pools).map(open).collect()
    }
}
