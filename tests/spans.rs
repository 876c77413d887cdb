//! Does a subscriber of `tracing` see what is done to resources, with what it takes to understand
//! it, and nothing that is secret?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/listen.rs"]
mod listen;
#[path = "manager/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use listen::{register, still};
use nebula_resource::hooks::{Call, Hook, Operation, Refusal};
use nebula_resource::{
    BlockingResource, Context, CreateContext, Manager, Resource, RetireReason, Scope,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context as Layered, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use world::{Db, everybody, tenant};

/// The fields of a span, and those of what was told within it.
type Fields = BTreeMap<String, String>;

/// Collects spans as they are closed: their names and fields.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<(&'static str, Fields)>>>);

struct Into<'f>(&'f mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Collected {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, layered: Layered<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Into(&mut fields));
        layered.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, layered: Layered<'_, S>) {
        let span = layered.span(id).unwrap();
        values.record(&mut Into(span.extensions_mut().get_mut().unwrap()));
    }

    fn on_event(&self, event: &Event<'_>, layered: Layered<'_, S>) {
        if let Some(span) = layered.event_span(event) {
            event.record(&mut Into(span.extensions_mut().get_mut().unwrap()));
        }
    }

    fn on_close(&self, id: Id, layered: Layered<'_, S>) {
        let span = layered.span(&id).unwrap();
        let fields = span.extensions_mut().remove().unwrap();
        self.0.lock().unwrap().push((span.name(), fields));
    }
}

impl Collected {
    /// Does `work` on this thread, and gives the spans that it left behind.
    fn during(work: impl FnOnce()) -> Vec<(&'static str, Fields)> {
        let collected = Self::default();
        let subscriber = tracing_subscriber::registry().with(collected.clone());
        tracing::subscriber::with_default(subscriber, work);
        std::mem::take(&mut collected.0.lock().unwrap())
    }
}

#[track_caller]
fn only<'s>(spans: &'s [(&'static str, Fields)], name: &str) -> &'s Fields {
    let mut named = spans.iter().filter(|span| span.0 == name);
    let first = named.next();
    assert!(named.next().is_none(), "more than one {name}: {spans:#?}");
    &first.unwrap_or_else(|| panic!("no {name}: {spans:#?}")).1
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn an_acquire_says_of_what_for_whom_and_how_the_pool_stood() {
    let (runtime, manager) = still();
    let acme = Scope::tenant("acme").unwrap();
    register(&manager, "db", acme.clone());
    let caller = Context::new(acme.execution("7").unwrap())
        .with_metadata("token", "CANARY")
        .with_headers(|header| (header == "traceparent").then_some(PARENT));
    let spans = Collected::during(|| {
        drop(runtime.run(manager.acquire::<Db>("db", &caller)).unwrap());
        drop(manager.acquire_blocking::<Db>("db", &caller).unwrap());
    });
    let acquires: Vec<_> = spans.iter().filter(|span| span.0 == "acquire").collect();
    assert_eq!(acquires.len(), 2, "a task's and a thread's: {spans:#?}");
    for (_, fields) in &acquires {
        let expected = [
            ("resource.id", "db"),
            ("resource.scope", "tenant acme"),
            ("resource.caller", "execution 7 in tenant acme"),
            ("trace.parent", PARENT),
            ("pool.max_size", "1"),
            ("instance.id", "1"),
        ];
        for (name, value) in expected {
            assert_eq!(
                fields.get(name).map(String::as_str),
                Some(value),
                "{name}: {fields:#?}"
            );
        }
        assert!(!fields.contains_key("error"), "{fields:#?}");
    }
    let idle = |i: usize| acquires[i].1["pool.idle"].as_str();
    assert_eq!((idle(0), idle(1)), ("0", "1"));
    assert!(!format!("{spans:?}").contains("CANARY"));
}

struct Never;

impl Hook for Never {
    fn name(&self) -> &str {
        "never"
    }

    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        match call.operation() {
            Operation::Acquire => Err("at all".into()),
            _ => Ok(()),
        }
    }
}

#[test]
fn what_fails_says_why() {
    let (runtime, manager) = still();
    let db = register(&manager, "db", Scope::GLOBAL);
    db.fails("no luck");
    let ctx = everybody();
    let spans = Collected::during(|| {
        let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
        assert!(world::poll(&mut waiting).is_pending());
        runtime.run_until_idle();
        runtime.advance(Duration::from_secs(30));
        assert!(runtime.run(waiting).is_err());
    });
    let creates = spans.iter().filter(|span| span.0 == "create");
    let errors: Vec<_> = creates.map(|span| &*span.1["error"]).collect();
    assert!(
        !errors.is_empty() && errors.iter().all(|error| *error == "no luck"),
        "{spans:#?}"
    );
    let why = &only(&spans, "acquire")["error"];
    assert!(why.contains("no luck"), "{why}");

    manager.hooks().attach(Never);
    let spans = Collected::during(|| {
        assert!(manager.acquire_blocking::<Db>("db", &ctx).is_err());
    });
    assert!(
        only(&spans, "acquire")["error"].contains("at all"),
        "{spans:#?}"
    );
}

/// Tells of its life in `tracing`'s events.
struct Chatty;

impl Resource for Chatty {
    type Config = ();
    type Instance = ();
    type Error = String;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<(), String> {
        tracing::info!(said = "hello");
        Ok(())
    }

    async fn cleanup(&self, (): (), _: RetireReason) {
        tracing::info!(said = "goodbye");
    }
}

#[test]
fn what_a_resource_says_is_said_within_the_span() {
    let (runtime, manager) = still();
    manager.register("chatty", Chatty, ()).wait().unwrap();
    let spans = Collected::during(|| {
        let guard = runtime
            .run(manager.acquire::<Chatty>("chatty", &tenant("acme")))
            .unwrap();
        guard.discard();
        runtime.run_until_idle();
    });
    assert_eq!(only(&spans, "create")["said"], "hello");
    let gone = only(&spans, "clean up");
    assert_eq!((&*gone["said"], &*gone["reason"]), ("goodbye", "broken"));
    assert_eq!(gone["resource.id"], "chatty");
}

struct Loud;

impl BlockingResource for Loud {
    type Config = ();
    type Instance = ();
    type Error = String;

    fn create(&self, (): &(), _: &CreateContext) -> Result<(), String> {
        tracing::info!(said = "hello");
        Ok(())
    }
}

/// On which thread a blocking resource's calls run makes no difference.
#[test]
fn helper_threads_speak_within_the_span_too() {
    let collected = Collected::default();
    let subscriber = tracing_subscriber::registry().with(collected.clone());
    // For all threads, since the span is made where the creation runs.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let manager = Manager::new();
    manager.register("loud", Loud, ()).wait().unwrap();
    drop(
        manager
            .acquire_blocking::<Loud>("loud", &everybody())
            .unwrap(),
    );
    let is_it = |span: &(&str, Fields)| span.0 == "create" && span.1["resource.id"] == "loud";
    let create = || {
        collected
            .0
            .lock()
            .unwrap()
            .iter()
            .find(|span| is_it(span))
            .cloned()
    };
    world::until(|| create().is_some());
    assert_eq!(create().unwrap().1["said"], "hello");
}

/// Whoever collects nothing pays nothing, and is told nothing.
#[test]
fn without_a_subscriber_all_goes_on_as_ever() {
    let (runtime, manager) = still();
    register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    let guard = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    let spans = Collected::during(|| drop(guard));
    assert!(spans.is_empty(), "{spans:#?}");
}
