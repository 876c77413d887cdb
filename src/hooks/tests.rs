//! Whether hooks are called when, for what and in the order in which they should be, whatever
//! they do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::any::TypeId;
use std::sync::{Arc, Mutex};

use nebula_resource_core::clock::{Clock, ManualClock};

use super::*;
use crate::events::{EventKind, Events, Subscription};
use crate::filter::{Filter, Subject};

/// What was called, by name.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Notes each call, and does before an operation what it is told.
struct Noting {
    name: &'static str,
    log: Log,
    before: fn() -> Result<(), Refusal>,
    after: fn(),
}

impl Hook for Noting {
    fn name(&self) -> &str {
        self.name
    }

    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        self.log
            .note(format!("{} before {}", self.name, call.operation()));
        (self.before)()
    }

    fn after(&self, call: &Call<'_>, outcome: &Outcome<'_>) {
        let how = outcome
            .error()
            .map_or_else(|| "done".to_owned(), ToString::to_string);
        self.log
            .note(format!("{} after {}: {how}", self.name, call.operation()));
        (self.after)();
    }
}

struct World {
    hooks: Hooks,
    events: Events,
    heard: Subscription,
    hand: Arc<ManualClock>,
    clock: Clock,
    log: Log,
    subject: Subject,
}

impl World {
    fn new() -> Self {
        let (events, hand) = (Events::new(), ManualClock::new());
        Self {
            hooks: Hooks::new(),
            heard: events.subscribe(),
            events,
            clock: Clock::manual(&hand),
            hand,
            log: Log::default(),
            subject: Subject {
                key: Key::new("db").unwrap(),
                scope: Scope::tenant("acme").unwrap(),
                resource: TypeId::of::<()>(),
            },
        }
    }

    fn noting(&self, name: &'static str) -> Noting {
        Noting {
            name,
            log: self.log.clone(),
            before: || Ok(()),
            after: || {},
        }
    }

    fn begin(&self, operation: Operation) -> Result<Around<'_>, Objection> {
        let occasion = Occasion {
            operation,
            subject: &self.subject,
            caller: None,
            reason: None,
            clock: &self.clock,
            events: &self.events,
        };
        Around::begin(&self.hooks, occasion)
    }

    /// What hooks had to object, as subscribers heard it.
    fn objections(&mut self) -> Vec<String> {
        let mut objections = Vec::new();
        while let Ok(event) = self.heard.try_recv() {
            let EventKind::HookObjected {
                hook,
                operation,
                reason,
            } = event.kind
            else {
                panic!("{event:?}");
            };
            objections.push(format!("{hook}, {operation}: {reason}"));
        }
        objections
    }
}

#[test]
fn lower_numbers_go_first_and_come_back_last() {
    let world = World::new();
    world.hooks.attach(world.noting("usual"));
    world
        .hooks
        .attach(Attachment::new(world.noting("last")).priority(101));
    world
        .hooks
        .attach(Attachment::new(world.noting("first")).priority(-1));
    world.hooks.attach(world.noting("usual too"));
    world.begin(Operation::Acquire).unwrap().end(Some(1), None);
    let expected = [
        "first before acquire",
        "usual before acquire",
        "usual too before acquire",
        "last before acquire",
        "last after acquire: done",
        "usual too after acquire: done",
        "usual after acquire: done",
        "first after acquire: done",
    ];
    assert_eq!(world.log.take(), expected);
}

#[test]
fn a_refusal_stops_it_and_is_told_to_those_that_let_it_pass() {
    let mut world = World::new();
    let mut strict = world.noting("strict");
    strict.before = || Err("not on a Sunday".into());
    world.hooks.attach(world.noting("lenient"));
    world.hooks.attach(strict);
    world.hooks.attach(world.noting("never asked"));
    let objection = world.begin(Operation::Create).err().unwrap();
    let text = r#"hook strict refuses to create "db": not on a Sunday"#;
    assert_eq!(objection.to_string(), text);
    let expected = [
        "lenient before create".to_owned(),
        "strict before create".to_owned(),
        format!("lenient after create: {text}"),
    ];
    assert_eq!(world.log.take(), expected);
    assert_eq!(world.objections(), ["strict, create: not on a Sunday"]);
}

#[test]
fn a_panic_before_is_a_refusal_and_one_after_is_forgotten() {
    let mut world = World::new();
    let mut before = world.noting("before");
    before.before = || panic!("no luck");
    let id = world.hooks.attach(before);
    let objection = world.begin(Operation::Acquire).err().unwrap();
    assert_eq!(&*objection.reason, "the hook panicked: no luck");
    assert!(world.hooks.detach(id));

    let mut after = world.noting("after");
    after.after = || panic!("too late");
    world.hooks.attach(world.noting("bystander"));
    world.hooks.attach(after);
    world.begin(Operation::Acquire).unwrap().end(None, None);
    assert!(
        world
            .log
            .take()
            .contains(&"bystander after acquire: done".to_owned())
    );
    let objections = [
        "before, acquire: the hook panicked: no luck",
        "after, acquire: the hook panicked: too late",
    ];
    assert_eq!(world.objections(), objections);
}

/// What comes back comes back; the other hooks hear of it all the same.
#[test]
fn what_must_happen_cannot_be_refused() {
    let mut world = World::new();
    let mut strict = world.noting("strict");
    strict.before = || Err("keep it".into());
    world.hooks.attach(world.noting("one"));
    world.hooks.attach(strict);
    world.hooks.attach(world.noting("two"));
    for operation in [Operation::Release, Operation::Cleanup] {
        world.begin(operation).unwrap().end(None, None);
        let calls = [
            "one before",
            "strict before",
            "two before",
            "two after",
            "one after",
        ];
        let names = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        assert_eq!(
            world.log.take().iter().map(names).collect::<Vec<_>>(),
            calls
        );
    }
    assert_eq!(
        world.objections(),
        ["strict, release: keep it", "strict, clean up: keep it"]
    );
}

/// A name is foreign code too.
#[test]
fn a_hook_that_panics_all_over_is_survived() {
    struct Hostile;
    impl Hook for Hostile {
        fn name(&self) -> &str {
            panic!("no name");
        }
        fn before(&self, _: &Call<'_>) -> Result<(), Refusal> {
            panic!("no");
        }
    }
    let world = World::new();
    world.hooks.attach(Hostile);
    let objection = world.begin(Operation::Acquire).err().unwrap();
    assert_eq!(&*objection.hook, "?");
}

#[test]
fn what_is_given_up_has_an_end_too() {
    let world = World::new();
    world.hooks.attach(world.noting("hook"));
    drop(world.begin(Operation::Acquire).unwrap());
    let expected = [
        "hook before acquire",
        "hook after acquire: given up by the caller",
    ];
    assert_eq!(world.log.take(), expected);
}

#[test]
fn only_what_it_is_attached_for_concerns_it() {
    let world = World::new();
    let only_acquires = Attachment::new(world.noting("acquires")).on([Operation::Acquire]);
    let of_globex = Filter::all().within(Scope::tenant("globex").unwrap());
    let others = Attachment::new(world.noting("others"))
        .on([Operation::Create])
        .to(of_globex);
    world.hooks.attach(only_acquires);
    let id = world.hooks.attach(others);
    let any = |operation| world.hooks.any(operation);
    assert_eq!(Operation::ALL.map(any), [true, true, false, false]);
    for operation in Operation::ALL {
        world.begin(operation).unwrap().end(None, None);
    }
    assert_eq!(
        world.log.take(),
        ["acquires before acquire", "acquires after acquire: done"]
    );
    assert!(world.hooks.detach(id));
    assert!(!world.hooks.detach(id));
    assert_eq!(Operation::ALL.map(any), [false, true, false, false]);
}

/// Who is told of the beginning is told of the end, and nobody else.
#[test]
fn an_operation_ends_with_the_hooks_that_it_began_with() {
    let world = World::new();
    let id = world.hooks.attach(world.noting("old"));
    let begun = world.begin(Operation::Acquire).unwrap();
    world.hooks.detach(id);
    world.hooks.attach(world.noting("new"));
    begun.end(None, None);
    assert_eq!(
        world.log.take(),
        ["old before acquire", "old after acquire: done"]
    );
}

#[test]
fn the_slow_ones_are_told() {
    let world = World::new();
    let log = world.log.clone();
    let second = Duration::from_secs(1);
    world.hooks.attach(SlowAcquire::over(second, move |slow| {
        log.note(slow.to_string());
    }));
    for millis in [999, 1000, 2500] {
        let begun = world.begin(Operation::Acquire).unwrap();
        world.hand.advance(Duration::from_millis(millis));
        let failed = (millis == 2500).then_some(&Abandoned as &(dyn Error + 'static));
        begun.end(None, failed);
    }
    let slow_release = world.begin(Operation::Release).unwrap();
    world.hand.advance(second * 5);
    slow_release.end(None, None);
    let expected = [
        r#"acquiring "db" took 1s (slow is 1s)"#,
        r#"acquiring "db" took 2.5s (slow is 1s) and failed: given up by the caller"#,
    ];
    assert_eq!(world.log.take(), expected);
}

#[test]
fn an_audit_says_who_did_what_to_whom() {
    let mut world = World::new();
    let log = world.log.clone();
    world
        .hooks
        .attach(Audit::new(move |record| log.note(record.to_string())));
    world.begin(Operation::Create).unwrap().end(None, None);
    world.subject.scope = Scope::GLOBAL;
    let caller = Context::new(Scope::tenant("acme").unwrap().execution("7").unwrap());
    let occasion = Occasion {
        operation: Operation::Acquire,
        subject: &world.subject,
        caller: Some(&caller),
        reason: None,
        clock: &world.clock,
        events: &world.events,
    };
    let begun = Around::begin(&world.hooks, occasion).unwrap();
    world.hand.advance(Duration::from_millis(3));
    begun.end(None, Some(&Abandoned));
    let expected = [
        r#"create "db" of tenant acme: done in 0ns"#,
        r#"acquire "db" for execution 7 in tenant acme: failed after 3ms: given up by the caller"#,
    ];
    assert_eq!(world.log.take(), expected);
}

#[test]
fn debug_shows_names_and_no_callers_secrets() {
    let world = World::new();
    world.hooks.attach(world.noting("mine"));
    assert_eq!(format!("{:?}", world.hooks), r#"["mine"]"#);
    let caller = Context::new(Scope::GLOBAL).with_metadata("token", "CANARY");
    let call = Call {
        operation: Operation::Acquire,
        key: &world.subject.key,
        scope: &world.subject.scope,
        caller: Some(&caller),
        reason: None,
    };
    let outcome = Outcome {
        took: Duration::ZERO,
        instance: Some(7),
        error: Some(&Abandoned),
    };
    let shown = format!("{call:?} {outcome:?}");
    assert!(
        shown.contains("db") && shown.contains("given up"),
        "{shown}"
    );
    assert!(!shown.contains("CANARY"), "{shown}");
}
