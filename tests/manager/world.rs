//! What the tests of the manager manage: resources that count, fail and hang when they are told to.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use nebula_resource::context::Cancellation;
use nebula_resource::{
    BlockingResource, Context, CreateContext, Key, PoolConfig, Resource, ResourceConfig,
    RetireReason, Scope, ValidationError,
};

/// An async resource. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Db(Arc<State>);

#[derive(Default)]
struct State {
    needs: Vec<Key>,
    created: AtomicUsize,
    cleaned_up: AtomicUsize,
    failure: Mutex<Option<String>>,
    gate: Mutex<Option<Gate>>,
}

/// Something that hangs until it is opened.
#[derive(Clone)]
pub(crate) struct Gate(Cancellation);

impl Gate {
    pub(crate) fn open(&self) {
        self.0.cancel();
    }
}

#[derive(serde::Deserialize)]
pub(crate) struct DbConfig {
    name: String,
}

impl DbConfig {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into() }
    }
}

impl ResourceConfig for DbConfig {
    fn validate(&self) -> Result<(), ValidationError> {
        if self.name.is_empty() {
            let actual = format!("{:?}", self.name);
            return Err(ValidationError::new("name", "not empty", actual));
        }
        Ok(())
    }
}

/// An instance of [`Db`].
pub(crate) struct Connection {
    pub(crate) made_with: String,
    pub(crate) uses: usize,
}

impl Db {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn needing(key: &str) -> Self {
        Self(Arc::new(State {
            needs: vec![Key::new(key).unwrap()],
            ..State::default()
        }))
    }

    pub(crate) fn created(&self) -> usize {
        self.0.created.load(SeqCst)
    }

    pub(crate) fn cleaned_up(&self) -> usize {
        self.0.cleaned_up.load(SeqCst)
    }

    /// How many have this resource, the asking one included.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// From now on nothing can be made.
    pub(crate) fn fails(&self, why: &str) {
        *self.0.failure.lock().unwrap() = Some(why.to_owned());
    }

    /// From now on everything works.
    pub(crate) fn recovers(&self) {
        *self.0.failure.lock().unwrap() = None;
        *self.0.gate.lock().unwrap() = None;
    }

    /// From now on nothing is made until the gate is open.
    pub(crate) fn hangs(&self) -> Gate {
        let gate = Gate(Cancellation::new());
        *self.0.gate.lock().unwrap() = Some(gate.clone());
        gate
    }
}

impl Resource for Db {
    type Config = DbConfig;
    type Instance = Connection;
    type Error = String;

    async fn create(&self, config: &DbConfig, _: &CreateContext) -> Result<Connection, String> {
        let gate = self.0.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.0.cancelled().await;
        }
        if let Some(why) = self.0.failure.lock().unwrap().clone() {
            return Err(why);
        }
        if config.name.starts_with("bad") {
            return Err(format!("{} does not work", config.name));
        }
        self.0.created.fetch_add(1, SeqCst);
        Ok(Connection {
            made_with: config.name.clone(),
            uses: 0,
        })
    }

    async fn cleanup(&self, _connection: Connection, _: RetireReason) {
        self.0.cleaned_up.fetch_add(1, SeqCst);
    }

    fn dependencies(&self) -> Vec<Key> {
        self.0.needs.clone()
    }
}

/// A blocking resource. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct File {
    cleaned_up: Arc<AtomicUsize>,
    recycle_blocks: bool,
}

/// An instance of [`File`].
pub(crate) struct Opened {
    pub(crate) made_on: ThreadId,
    pub(crate) recycled_on: Option<ThreadId>,
}

impl File {
    /// One whose `recycle` may block.
    pub(crate) fn that_recycles_slowly() -> Self {
        Self {
            recycle_blocks: true,
            ..Self::default()
        }
    }

    pub(crate) fn cleaned_up(&self) -> usize {
        self.cleaned_up.load(SeqCst)
    }
}

impl BlockingResource for File {
    type Config = ();
    type Instance = Opened;
    type Error = std::io::Error;

    fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<Opened> {
        Ok(Opened {
            made_on: std::thread::current().id(),
            recycled_on: None,
        })
    }

    fn recycle(&self, opened: &mut Opened) -> std::io::Result<()> {
        opened.recycled_on = Some(std::thread::current().id());
        Ok(())
    }

    fn recycle_blocks(&self) -> bool {
        self.recycle_blocks
    }

    fn cleanup(&self, _opened: Opened, _: RetireReason) {
        self.cleaned_up.fetch_add(1, SeqCst);
    }
}

pub(crate) fn everybody() -> Context {
    Context::new(Scope::GLOBAL)
}

pub(crate) fn tenant(id: &str) -> Context {
    Context::new(Scope::tenant(id).unwrap())
}

pub(crate) fn small(max_size: usize) -> PoolConfig {
    PoolConfig {
        max_size,
        ..PoolConfig::default()
    }
}

/// Polls once, with a waker that wakes nobody.
pub(crate) fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Task::from_waker(Waker::noop()))
}

/// Waits until `done`, for at most a minute.
#[track_caller]
pub(crate) fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "it does not come to that");
        std::thread::yield_now();
    }
}
