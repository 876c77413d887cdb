//! Are hooks called around everything that is done to a resource, may they refuse what can be refused,
//! and does nothing that they do harm anybody else?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/listen.rs"]
mod listen;
#[path = "manager/world.rs"]
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use listen::{Log, heard, register, still};
use nebula_resource::hooks::{Attachment, Call, Hook, HookId, Operation, Outcome, Refusal};
use nebula_resource::lifecycle::State;
use nebula_resource::{Filter, Manager, ResourceError, Scope};
use world::{Db, everybody, poll, small, tenant};

const SECOND: Duration = Duration::from_secs(1);

/// Row 25: a tenant's hook is called for no other tenant.
#[test]
fn fault_25_a_tenants_hook_is_told_of_no_other_tenant() {
    let (runtime, manager) = still();
    let [acme, globex] = ["acme", "globex"].map(|id| Scope::tenant(id).unwrap());
    let log = Log::default();
    let hook = Attachment::new(log.audit()).to(Filter::all().within(acme.clone()));
    manager.hooks().attach(hook);
    for scope in [Scope::GLOBAL, acme, globex] {
        register(&manager, "db", scope);
    }
    for caller in [everybody(), tenant("acme"), tenant("globex")] {
        drop(runtime.run(manager.acquire::<Db>("db", &caller)).unwrap());
    }
    let told = log.take();
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(
        told.iter().all(|line| line.contains("of tenant acme")),
        "{told:#?}"
    );
}

#[test]
fn an_audit_has_every_operation_with_its_caller() {
    let (runtime, manager) = still();
    let log = Log::default();
    manager.hooks().attach(log.audit());
    register(&manager, "db", Scope::GLOBAL);
    let acme = tenant("acme");
    let guard = runtime.run(manager.acquire::<Db>("db", &acme)).unwrap();
    runtime.advance(SECOND);
    guard.discard();
    runtime.run_until_idle();
    let expected = [
        r#"create "db": done in 0ns"#,
        r#"acquire "db" for tenant acme: done in 0ns"#,
        r#"release "db" for tenant acme: done in 1s"#,
        r#"clean up "db" (broken): done in 0ns"#,
    ];
    assert_eq!(log.take(), expected);
}

/// Each way to end a guard, on both doors.
#[test]
fn every_way_to_give_back_is_told_once() {
    let manager = Manager::builder().pool(small(4)).build();
    let log = Log::default();
    manager
        .hooks()
        .attach(Attachment::new(log.audit()).on([Operation::Release]));
    register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    let handle = manager.handle::<Db>("db", &ctx).unwrap();
    let released = |what: &str| assert_eq!(log.take().len(), 1, "{what}");

    drop(manager.acquire_blocking::<Db>("db", &ctx).unwrap());
    released("dropped");
    drop(handle.acquire_blocking().unwrap());
    released("dropped, of a handle");
    drop(block_on(handle.acquire()).unwrap());
    released("dropped, by a task");
    let _mine = manager.acquire_blocking::<Db>("db", &ctx).unwrap().detach();
    released("detached");
    manager
        .acquire_blocking::<Db>("db", &ctx)
        .unwrap()
        .discard();
    released("discarded");
    manager
        .acquire_blocking::<Db>("db", &ctx)
        .unwrap()
        .release_blocking();
    released("released by a thread");
    block_on(async {
        manager
            .acquire::<Db>("db", &ctx)
            .await
            .unwrap()
            .release()
            .await;
    });
    released("released by a task");
    drop(
        block_on(manager.acquire::<Db>("db", &ctx))
            .unwrap()
            .release(),
    );
    released("release given up");
}

/// Refuses what it is told to, in the way it is told to.
struct Obstinate {
    to: Operation,
    with: fn() -> Refusal,
}

impl Hook for Obstinate {
    fn name(&self) -> &str {
        "obstinate"
    }

    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        if call.operation() == self.to {
            Err((self.with)())
        } else {
            Ok(())
        }
    }
}

#[test]
fn a_refused_acquire_takes_nothing_and_says_why() {
    let (runtime, manager) = still();
    let db = register(&manager, "db", Scope::GLOBAL);
    let hook = Obstinate {
        to: Operation::Acquire,
        with: || "not today".into(),
    };
    let id = manager.hooks().attach(hook);
    let ctx = everybody();
    let by_task = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap_err();
    let by_thread = manager.acquire_blocking::<Db>("db", &ctx).unwrap_err();
    let by_handle = manager
        .handle::<Db>("db", &ctx)
        .unwrap()
        .acquire_blocking()
        .unwrap_err();
    for refused in [by_task, by_thread, by_handle] {
        assert!(matches!(refused, ResourceError::Refused(_)), "{refused:?}");
        let text = r#"hook obstinate refuses to acquire "db": not today"#;
        assert_eq!(refused.to_string(), text);
    }
    assert_eq!(db.created(), 0);
    manager.hooks().detach(id);
    assert!(runtime.run(manager.acquire::<Db>("db", &ctx)).is_ok());
}

#[test]
fn a_refused_creation_is_a_creation_that_failed() {
    let (runtime, manager) = still();
    let db = register(&manager, "db", Scope::GLOBAL);
    let hook = Obstinate {
        to: Operation::Create,
        with: || "not today".into(),
    };
    let id = manager.hooks().attach(hook);
    let ctx = everybody();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    runtime.run_until_idle();
    assert_eq!(db.created(), 0);
    // Tried again with backoff, as after any failure.
    manager.hooks().detach(id);
    runtime.advance(SECOND * 10);
    assert!(runtime.run(waiting).is_ok());
    assert_eq!(db.created(), 1);
}

#[test]
fn what_comes_back_or_has_to_go_cannot_be_refused() {
    let (runtime, manager) = still();
    let db = register(&manager, "db", Scope::GLOBAL);
    for to in [Operation::Release, Operation::Cleanup] {
        manager.hooks().attach(Obstinate {
            to,
            with: || "never".into(),
        });
    }
    let mut all = manager.events().subscribe();
    let ctx = everybody();
    drop(runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap());
    assert!(runtime.run(manager.shutdown()).is_clean());
    assert_eq!(db.cleaned_up(), 1);
    let told = heard(&mut all);
    for objection in [
        "obstinate against release: never",
        "obstinate against clean up: never",
    ] {
        assert!(told.contains(&format!("db: {objection}")), "{told:#?}");
    }
}

/// Panics whenever it is called for this operation, before or after.
struct Bomb(Operation, bool);

impl Hook for Bomb {
    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        assert!(self.1 || call.operation() != self.0, "before");
        Ok(())
    }

    fn after(&self, call: &Call<'_>, _: &Outcome<'_>) {
        assert!(!self.1 || call.operation() != self.0, "after");
    }
}

/// Whatever a hook does, the pool loses nothing, and all is well once the hook is gone.
#[test]
fn a_panicking_hook_harms_nobody_but_its_caller() {
    let (runtime, manager) = still();
    let db = register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    for operation in Operation::ALL {
        for after in [false, true] {
            let id = manager.hooks().attach(Bomb(operation, after));
            let hurried = everybody().with_deadline(Instant::now());
            drop(manager.acquire_blocking::<Db>("db", &hurried));
            let mut by_task = Box::pin(manager.acquire::<Db>("db", &ctx));
            let _whatever = poll(&mut by_task);
            runtime.run_until_idle();
            drop(by_task);
            manager.hooks().detach(id);
            runtime.advance(SECOND * 60);
            let guard = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
            guard.discard();
            runtime.run_until_idle();
            let status = manager.handle::<Db>("db", &ctx).unwrap().status();
            assert_eq!((status.size, status.waiting), (0, 0), "{operation} {after}");
        }
    }
    assert_eq!(db.created(), db.cleaned_up());
}

/// Dropped while its thread is unwinding, with a hook that panics: one panic, not an abort.
#[test]
fn a_panicking_hook_is_survived_while_unwinding() {
    let (runtime, manager) = still();
    register(&manager, "db", Scope::GLOBAL);
    manager.hooks().attach(Bomb(Operation::Release, true));
    manager.hooks().attach(Bomb(Operation::Release, false));
    let ctx = everybody();
    let guard = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _guard = guard;
        panic!("the caller's own");
    }));
    let message = caught.unwrap_err().downcast_ref::<&str>().copied();
    assert_eq!(message, Some("the caller's own"));
    runtime.run_until_idle();
    assert!(runtime.run(manager.acquire::<Db>("db", &ctx)).is_ok());
}

/// Counts what it was told the beginning of, less what it was told the end of.
#[derive(Clone, Default)]
struct Balance(Arc<[AtomicI64; 2]>);

impl Hook for Balance {
    fn before(&self, _: &Call<'_>) -> Result<(), Refusal> {
        self.0
            .iter()
            .for_each(|count| _ = count.fetch_add(1, SeqCst));
        Ok(())
    }

    fn after(&self, _: &Call<'_>, _: &Outcome<'_>) {
        self.0[0].fetch_sub(1, SeqCst);
    }
}

/// Attached and detached in the middle of everything: each beginning has its end, for each hook.
#[test]
fn whoever_is_told_of_a_beginning_is_told_of_its_end() {
    let manager = Manager::builder().pool(small(2)).build();
    register(&manager, "db", Scope::GLOBAL);
    let hooks: Vec<_> = std::iter::repeat_with(Balance::default).take(200).collect();
    let done = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let ctx = everybody();
                while done.load(SeqCst) == 0 {
                    drop(manager.acquire_blocking::<Db>("db", &ctx).unwrap());
                }
            });
        }
        for hook in &hooks {
            let id = manager.hooks().attach(hook.clone());
            world::until(|| hook.0[1].load(SeqCst) > 3);
            manager.hooks().detach(id);
        }
        done.store(1, SeqCst);
    });
    let open: Vec<_> = hooks.iter().map(|hook| hook.0[0].load(SeqCst)).collect();
    assert!(open.iter().all(|open| *open == 0), "{open:?}");
}

/// Dropped for good where a guard is dropped.
struct LateBomb(Operation);

impl Hook for LateBomb {
    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        match call.operation() == self.0 {
            true => Ok(()),
            false => Err("not for me".into()),
        }
    }
}

impl Drop for LateBomb {
    fn drop(&mut self) {
        panic!("a hostile end");
    }
}

/// Detaches another hook when a guard is being given back, so that the guard is its last holder.
struct Detaches(Manager, std::sync::Mutex<Option<HookId>>);

impl Hook for Detaches {
    fn after(&self, _: &Call<'_>, _: &Outcome<'_>) {
        if let Some(id) = self.1.lock().unwrap().take() {
            self.0.hooks().detach(id);
        }
    }
}

#[test]
fn a_hook_that_ends_in_a_panic_does_not_end_a_guards_drop() {
    let (runtime, manager) = still();
    register(&manager, "db", Scope::GLOBAL);
    let release = || [Operation::Release];
    let bomb = Attachment::new(LateBomb(Operation::Release)).on(release());
    let id = manager.hooks().attach(bomb);
    let detaches = Detaches(manager.clone(), std::sync::Mutex::new(Some(id)));
    let other = manager
        .hooks()
        .attach(Attachment::new(detaches).on(release()));
    let guard = runtime
        .run(manager.acquire::<Db>("db", &everybody()))
        .unwrap();
    drop(guard);
    assert!(!manager.hooks().detach(id), "it was detached in between");
    manager.hooks().detach(other);
    assert_eq!(manager.status().resources[0].state, State::Idle);
}

/// Nothing of it is left behind when the caller goes away while it waits.
#[test]
fn a_caller_that_goes_away_is_told_of_as_such() {
    let (runtime, manager) = still();
    register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    let _held = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    let log = Log::default();
    manager.hooks().attach(log.audit());
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    runtime.advance(SECOND);
    drop(waiting);
    let text = r#"acquire "db" for global: failed after 1s: given up by the caller"#;
    assert_eq!(log.take(), [text]);
}

/// Who comes late hears of what is then begun, and of nothing twice.
#[test]
fn who_begins_to_listen_in_the_middle_hears_whole_operations_only() {
    let (runtime, manager) = still();
    register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    let unseen = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    let (log, mut all) = (Log::default(), manager.events().subscribe());
    let id = manager.hooks().attach(log.audit());
    drop(unseen);
    assert_eq!((log.take().len(), heard(&mut all).len()), (0, 0));
    let seen = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    drop(all);
    drop(seen);
    assert_eq!(log.take().len(), 2);
    let seen = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    manager.hooks().detach(id);
    drop(seen);
    assert_eq!(log.take().len(), 1, "detached before the release began");
    assert_eq!(manager.status().resources[0].state, State::Idle);
}
