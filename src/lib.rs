//! Resource pools for sync and async callers on the same objects, on any runtime or none.
//!
//! A pool keeps expensive things (database connections, HTTP clients, file handles) and hands each to
//! one caller at a time. Threads that block and tasks that await stand in one line for the same
//! objects. Objects are made when somebody needs one, checked when they may have gone stale,
//! cleaned between two callers, and retired with a reason.
//!
//! It is no driver and no object-relational mapper: what is in the pool, and how it is made, is
//! told by a [`Factory`] or a [`BlockingFactory`]. There are ready ones for SQLite
//! (`nebula-resource-sqlite`) and PostgreSQL (`nebula-resource-postgres`).
//!
//! # Blocking
//!
//! ```
//! use nebula_resource::{BoxError, sync::Pool};
//! use nebula_resource_sqlite::Sqlite;
//!
//! # fn main() -> Result<(), BoxError> {
//! # let dir = tempfile::tempdir()?;
//! # let file = dir.path().join("app.db");
//! let pool = Pool::new(Sqlite::open(file)); // sane defaults; nothing is opened yet
//! pool.acquire()?.execute_batch("CREATE TABLE orders (item TEXT)")?;
//!
//! let order = |item: &str| -> Result<(), BoxError> {
//!     let db = pool.acquire()?; // parks the thread while all connections are in use
//!     db.execute("INSERT INTO orders VALUES (?1)", [item])?;
//!     Ok(()) // `db` goes out of scope, and back to the pool
//! };
//! std::thread::scope(|scope| {
//!     let threads = ["tea", "jam", "rye"].map(|item| scope.spawn(move || order(item)));
//!     threads.into_iter().all(|thread| matches!(thread.join(), Ok(Ok(()))))
//! });
//!
//! let count = "SELECT count(*) FROM orders";
//! let orders: i64 = pool.acquire()?.query_row(count, [], |row| row.get(0))?;
//! assert_eq!(orders, 3);
//! # Ok(())
//! # }
//! ```
//!
//! # Async
//!
//! ```
//! use nebula_resource::{BoxError, Factory, Pool};
//! use std::{io, net::SocketAddr, time::Duration};
//! use tokio::{io::AsyncWriteExt, net::TcpStream};
//!
//! struct Logger(SocketAddr); // makes connections to a log server
//!
//! impl Factory for Logger {
//!     type Object = TcpStream;
//!     type Error = io::Error;
//!
//!     async fn create(&self) -> io::Result<TcpStream> {
//!         TcpStream::connect(self.0).await
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! let pool = Pool::builder(Logger(address))
//!     .max_size(4)
//!     .acquire_timeout(Duration::from_secs(2))
//!     .build()?; // checks the configuration; still nothing is opened
//!
//! let mut log = pool.acquire().await?; // waits without blocking whoever polls
//! log.write_all(b"hello\n").await?;
//! drop(log); // goes back, and the next caller gets the same connection
//!
//! // Who cannot await stands in the same line, for the same connections.
//! let here = pool.clone();
//! let sent = tokio::task::spawn_blocking(move || -> Result<_, BoxError> {
//!     Ok(here.acquire_blocking()?.try_write(b"hello again\n")?)
//! });
//! assert_eq!(sent.await??, 12);
//! assert_eq!(pool.stats().created, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # A whole program
//!
//! A [`Manager`] has all resources of a program: each is declared once, with a [`Resource`] that knows
//! how an instance is made, and asked for by its key, on behalf of whoever a [`Context`] says. It
//! keeps tenants apart, starts and stops things in the order in which they need each other, and
//! reloads their configuration while they are in use.
//!
//! ```
//! use nebula_resource::prelude::*;
//! use nebula_resource_sqlite::rusqlite::{self, Connection};
//! use serde::Deserialize;
//! use std::path::PathBuf;
//!
//! struct Orders; // a SQLite file
//!
//! #[derive(Deserialize)]
//! struct OrdersConfig {
//!     file: PathBuf,
//! }
//!
//! impl ResourceConfig for OrdersConfig {}
//!
//! impl BlockingResource for Orders {
//!     type Config = OrdersConfig;
//!     type Instance = Connection;
//!     type Error = rusqlite::Error;
//!
//!     fn create(&self, config: &OrdersConfig, _: &CreateContext) -> rusqlite::Result<Connection> {
//!         Connection::open(&config.file)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), nebula_resource::BoxError> {
//! # let dir = tempfile::tempdir()?;
//! # let [one, two] = ["one.db", "two.db"].map(|name| dir.path().join(name));
//! let manager = Manager::new();
//! manager
//!     .register("orders", Orders, OrdersConfig { file: one })
//!     .scope(Scope::tenant("acme")?) // nobody else may have it
//!     .await?; // everything is checked; nothing is opened yet
//!
//! let ctx = Context::new(Scope::tenant("acme")?.workflow("billing")?);
//! let db = manager.acquire::<Orders>("orders", &ctx).await?; // a thread says `acquire_blocking`
//! db.execute_batch("CREATE TABLE orders (item TEXT)")?;
//!
//! let new = OrdersConfig { file: two };
//! manager.reload_config("orders", new).scope(Scope::tenant("acme")?).await?;
//! db.execute_batch("INSERT INTO orders VALUES ('tea')")?; // what is in use stays valid
//! drop(db);
//!
//! let report = manager.shutdown().await;
//! assert!(report.is_clean(), "{report}");
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//!
//! | to | see |
//! |---|---|
//! | declare resources, and ask for them by key | [`Manager`], [`Resource`], [`BlockingResource`] |
//! | keep tenants apart | [`scope`], [`Manager::register_per_tenant`] |
//! | say on whose behalf, until when, and what ends the wait | [`Context`], [`context`] |
//! | ask often | [`Handle`] |
//! | ask from a library that knows nothing of the manager | [`provider`] |
//! | change a configuration, stop a tenant or everything | [`Manager::reload_config`], [`Manager::end_scope`], [`Manager::shutdown`] |
//! | know what depends on what, and where each resource is in its life | [`Manager::graph`], [`lifecycle`] |
//! | have resources looked after, and kept from callers while they do not work | [`health`], [`quarantine`] |
//! | turn callers away at once while a resource fails | [`breaker`], [`ManagedGuard::report`] |
//! | try again | [`retry`] |
//! | know what happens to resources | [`events`], [`hooks`], [`Manager::status`] |
//! | have a pool whose callers await, mostly | [`Pool`], [`Factory`] |
//! | have a pool whose callers block, mostly | [`sync::Pool`], [`BlockingFactory`] |
//! | have pools follow demand | [`autoscale`] |
//! | put a blocking factory into an async pool | [`Blocking`] |
//! | bound what several pools ask of one server | [`Backend`] |
//! | say how a pool is made | [`Builder`], [`sync::Builder`], [`PoolConfig`] (serde) |
//! | change it while it is in use | [`reconfigure`], [`resize`], [`pause`], [`clear`], [`retain`] |
//! | use what was acquired, or keep, discard or send it | [`Guard`], [`OwnedGuard`] |
//! | know why nothing was to be had | [`AcquireError`] |
//! | see what goes on | [`status`], [`stats`], [`objects`], [`Observer`] |
//! | choose what runs the background work | [`runtime`], [`sync::Background`] |
//! | test what depends on time | [`runtime::Manual`], [`clock`] |
//! | write code for both kinds of pool | [`engine`] |
//!
//! Both pools deref to one handle, [`engine::Pool`], where everything but their own `acquire` family
//! is: the async door of a blocking pool (`acquire_async`), the blocking door of an async one
//! (`acquire_blocking`), and what an owner does with either.
//!
//! [`reconfigure`]: engine::Pool::reconfigure
//! [`resize`]: engine::Pool::resize
//! [`pause`]: engine::Pool::pause
//! [`clear`]: engine::Pool::clear
//! [`retain`]: engine::Pool::retain
//! [`status`]: engine::Pool::status
//! [`stats`]: engine::Pool::stats
//! [`objects`]: engine::Pool::objects
//!
//! # Guarantees
//!
//! Each with the beginning of the names of the tests that hold it (`cargo nextest run NAME`). Models
//! are in `loom-tests/`; they try every interleaving.
//!
//! - Dropping a guard never blocks, allocates or panics, on any thread, in or out of a runtime and
//!   while unwinding; what was held by a panicking thread is retired. Held by `fault_07`.
//! - A guard that is leaked counts as in use, is reported after `leak_after`, and harms nobody
//!   else. Held by `fault_08`.
//! - Callers of both kinds stand in one line, served first come, first served. Held by
//!   `callers_of_both_doors` and the model `first_come_first_served`.
//! - With [`Fairness::Strict`] nobody overtakes; with [`Fairness::Bounded`] a thread that was woken
//!   loses at most one race to running newcomers, and a task none. Held by `fault_17` and the models
//!   `line_bars_newcomers` and `who_lost_once_is_next`.
//! - A waiter that is cancelled, times out or is dropped passes its turn on at once; no wake-up is
//!   lost. Held by `fault_06`, `fault_29` and the model `cancel_passes_the_turn_on`.
//! - An acquire can be dropped at any await, whatever the factory is doing, and loses nothing. Held by
//!   `fault_05`.
//! - A creation belongs to the pool: it goes on when its caller gives up, and what nobody waits for any
//!   more is not started. Held by `fault_02_create_outlasts` and `fault_27`.
//! - Pools that share a [`Backend`] make no more attempts at once than it bears, and a single probe
//!   while it is down; all of them hear at once that it is back. Held by `fault_30` and the models
//!   `pass_given_up_against_enter` and `recovery_against_refusal`.
//! - Waiting for an object while holding one of the same pool is reported, with both places. Held by
//!   `fault_18`.
//! - Ten thousand that time out together get their error on time. Held by `fault_16`.
//! - One deadline covers waiting, creating and checking together. Held by `fault_28`.
//! - A factory may panic, hang or lie in any callback: it is bounded and caught, and the place is free
//!   again. Held by `fault_01`, `fault_02`, `fault_03` and `fault_04`.
//! - An object idle for longer than `validate_after` is validated before it is handed out, and one that
//!   turns out broken makes the idle ones suspect. Held by `a_released_object_is_validated` and
//!   `returned_by_`.
//! - Closing, pausing, resizing, reconfiguring, clearing and filtering have their outcome at every
//!   moment of everybody else's acquire: no guard is revoked, and there are never more than
//!   `max_size` objects. Held by `fault_10` and `fault_11`.
//! - Guards outlive the last handle, who waits is told, and no background work outlives both. Held
//!   by `fault_09`.
//! - Maintenance keeps `min_idle` without churn, and never goes below. Held by `fault_21`.
//! - A clock that leaps expires nobody. Held by `fault_19`.
//! - Created = alive + retired + detached, and nobody waits beside an idle object, whatever the
//!   history. Held by `settled_`, `hasty_`, `threads_on_a_blocking_pool` and `tasks_and_threads_on`.
//! - Both kinds of pool answer alike. Held by `both_facades_answer_alike`.
//! - Who is not within a resource's scope does not get it, by any door. Held by
//!   `another_tenants_is_refused`, `it_is_refused_what_the_manager_would_refuse` and
//!   `the_narrowest_that_the_caller_is_in`.
//! - What is refused, a registration or a configuration, changes nothing and leaves nothing behind.
//!   Held by `everything_is_checked_before_anything_is_there`, `what_is_refused_changes_nothing` and
//!   `who_gives_up_a_reload_has_changed_nothing`.
//! - While a configuration is reloaded, no caller finds nothing, and guards stay valid. Held by
//!   `at_no_moment_does_a_caller_find_nothing` and `the_new_one_takes_the_place_of_the_old_one`.
//! - Of two that reload at once one wins and the other is told so; once the manager shuts down,
//!   nothing is had or changed. Held by `of_two_that_reload_at_once_one_wins` and
//!   `reloads_shutdown_and_callers_at_once`.
//! - Cancelling a caller ends its wait at once, tasks and threads alike. Held by
//!   `cancelling_ends_the_wait`.
//! - Tenants with pools from one template never have more instances together than they may, and no
//!   tenant keeps another from its part. Held by `no_tenant_can_keep_another_from_its_part`.
//! - A backend that fails is detected within a check's interval, its callers are told at once, and the
//!   attempts against it are those of the schedule, however many ask. Held by
//!   `a_failing_backend_is_detected`, `callers_are_told_at_once` and `attempts_are_those_of_the_schedule`.
//! - No health check can take away more instances at once than it may, or a resource that works: not by
//!   hanging, panicking, lying or flapping. Held by `a_wrong_check_`, `a_check_that_` and
//!   `a_single_failing_instance`.
//! - Asking the manager for what is idle allocates nothing. Held by
//!   `acquiring_what_is_idle_allocates_nothing`.
//!
//! - What belongs to a tenant is refused to every other: by lookup, through a handle, by hook and by
//!   event, however the scopes were made, and no way up leads past another tenant. Held by `fault_25`,
//!   `containment_is_`, `who_differs_in_one_name` and `the_way_up_never`.
//! - A cancelled caller's wait ends at once, a task's and a thread's alike, and loses nothing. Held by
//!   `a_cancelled_`.
//! - Autoscaling follows demand within its limits, and what an operator says is not undone by what was
//!   decided before. Held by `it_grows_under_demand`, `callers_in_line_are_demand` and
//!   `what_was_decided_before_the_operator_spoke`.
//! - The stock is replaced before it is too old, and warmed up so many at a time. Held by `fault_20`,
//!   `what_ages_is_replaced_before_it_goes` and `registration_warms_up_so_many`.
//! - A circuit breaker changes by its table only, lets through no more trials than it may, and gets back
//!   the place of a trial that is dropped, cancelled or leaked. Held by `whatever_happens_it_keeps_its_word`,
//!   `fault_05_a_trial` and `fault_08_a_trial`.
//! - What may have been done is not repeated unless it is said to do no harm; all attempts share the
//!   caller's deadline, and all callers the budget. Held by `what_may_have_been_done`,
//!   `fault_28_no_attempt` and `fault_15_when_all_fail`.
//! - A hook or a recorder that panics harms nobody but its caller; what comes back and what has to go
//!   cannot be refused. Held by `a_panicking_hook`, `a_recorder_that_panics` and `what_comes_back_`.
//!
//! # Features
//!
//! | feature | default | for |
//! |---|---|---|
//! | `tokio` | yes | [`runtime::Tokio`], found by itself inside a tokio runtime |
//! | `smol` | no | `runtime::Smol` |
//! | `metrics` | no | `metrics::Metrics`: figures for a recorder of the `metrics` crate |
//! | `tracing` | no | spans around every acquire, create and clean-up, for subscribers of `tracing` |
//!
//! Without either, background work runs on helper threads, and waiting works everywhere: it needs
//! no runtime.

pub mod autoscale;
pub mod breaker;
mod common;
pub mod context;
pub mod events;
mod filter;
#[cfg(doctest)]
mod guides;
pub mod health;
pub mod hooks;
mod key;
pub mod lifecycle;
pub mod manager;
#[cfg(feature = "metrics")]
pub mod metrics;
mod outcome;
pub mod prelude;
mod primitives;
mod printable;
pub mod provider;
pub mod quarantine;
mod resource;
pub mod retry;
pub mod scope;
mod spans;
mod switch;

pub use context::Context;
pub use filter::Filter;
pub use key::{Key, KeyError};
pub use manager::{Handle, ManagedGuard, Manager, ResourceError};
pub use nebula_resource_async::{
    AsyncDriver, Blocking, Builder, Guard, Lendable, OwnedGuard, Pool, Runtime, runtime,
};
pub use nebula_resource_core::{
    AcquireError, Backend, BackendStatus, Backoff, BlockingFactory, Bound, BoxError, Closing,
    CreateFailed, Event, Factory, Fairness, ObjectInfo, ObjectState, Observer, Overloaded,
    PoolConfig, RetireReason, Stage, Status, Strategy, TimedOut, Totals, ValidationError,
    WaitSummary, clock, config,
};
#[doc(inline)]
pub use nebula_resource_sync as sync;
pub use outcome::Severity;
pub use resource::{BlockingResource, CreateContext, Resource, ResourceConfig};
pub use scope::Scope;

/// What both kinds of pool have in common, for code that works with either.
///
/// # Examples
///
/// ```
/// use nebula_resource::engine::{Driver, Pool};
///
/// fn load<D: Driver>(pool: &Pool<D>) -> f64 {
///     let status = pool.status();
///     status.in_use as f64 / status.max_size as f64
/// }
///
/// # struct Numbers;
/// # impl nebula_resource::BlockingFactory for Numbers {
/// #     type Object = u32;
/// #     type Error = std::io::Error;
/// #     fn create(&self) -> Result<u32, std::io::Error> { Ok(7) }
/// # }
/// # impl nebula_resource::Factory for Numbers {
/// #     type Object = u32;
/// #     type Error = std::io::Error;
/// #     async fn create(&self) -> Result<u32, std::io::Error> { Ok(7) }
/// # }
/// let blocking = nebula_resource::sync::Pool::new(Numbers);
/// let asynchronous = nebula_resource::Pool::new(Numbers);
/// assert_eq!(load(&blocking) + load(&asynchronous), 0.0);
/// ```
pub mod engine {
    pub use nebula_resource_core::{BorrowedGuard, CountedGuard, Driver, Guard, Pool};
}
