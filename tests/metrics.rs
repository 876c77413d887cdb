//! Do the figures say what happened, under OpenTelemetry's names, and does keeping them harm nobody?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/listen.rs"]
mod listen;
#[path = "manager/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use listen::{register, still};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use nebula_resource::context::Cancellation;
use nebula_resource::metrics::Metrics;
use nebula_resource::{Manager, Scope};
use world::{Db, DbConfig, everybody, poll, tenant};

const SECOND: Duration = Duration::from_secs(1);

/// Attaches a recorder, and gives what reads it.
fn recorded(manager: &Manager) -> (Metrics, Snapshotter) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    (Metrics::attach_to(manager, recorder), snapshotter)
}

/// All figures of this moment, as `name{label}` without the pool's. Reading counters and histograms
/// empties them.
fn figures(snapshotter: &Snapshotter) -> BTreeMap<String, Vec<f64>> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let labels = key.key().labels();
        let shown = |label: &metrics::Label| format!("{{{}}}", label.value());
        let own = labels.filter(|label| label.key() != "db.client.connection.pool.name");
        let name = key.key().name().to_owned() + &own.map(shown).collect::<String>();
        let values = match value {
            DebugValue::Counter(count) => vec![count as f64],
            DebugValue::Gauge(value) => vec![value.into_inner()],
            DebugValue::Histogram(values) => values.into_iter().map(|v| v.into_inner()).collect(),
        };
        (name, values)
    })
    .collect()
}

#[test]
fn times_are_in_seconds_and_recorded_when_they_are_over() {
    let (runtime, manager) = still();
    let (_metrics, snapshotter) = recorded(&manager);
    let db = register(&manager, "db", Scope::GLOBAL);
    let gate = db.hangs();
    let ctx = everybody();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    runtime.run_until_idle();
    runtime.advance(SECOND * 2);
    gate.open();
    let guard = runtime.run(waiting).unwrap();
    runtime.advance(SECOND * 3);
    let before = figures(&snapshotter);
    assert_eq!(before["db.client.connection.create_time"], [2.0]);
    assert_eq!(before["db.client.connection.wait_time"], [2.0]);
    assert!(before["db.client.connection.use_time"].is_empty());
    assert_eq!(before["nebula.resource.acquires{ok}"], [1.0]);
    drop(guard);
    assert_eq!(
        figures(&snapshotter)["db.client.connection.use_time"],
        [3.0]
    );
}

#[test]
fn every_end_of_an_acquire_is_counted_as_what_it_was() {
    let (runtime, manager) = still();
    let (_metrics, snapshotter) = recorded(&manager);
    register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    let held = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    // One waits in vain, one is cancelled, one goes away.
    let cancellation = Cancellation::new();
    let cancelled = everybody().with_cancellation(cancellation.clone());
    let mut late = Box::pin(manager.acquire::<Db>("db", &ctx));
    let mut unwanted = Box::pin(manager.acquire::<Db>("db", &cancelled));
    let mut gone = Box::pin(manager.acquire::<Db>("db", &ctx));
    for waiting in [&mut late, &mut unwanted, &mut gone] {
        assert!(poll(waiting).is_pending());
    }
    drop(gone);
    cancellation.cancel();
    assert!(runtime.run(unwanted).is_err());
    runtime.advance(SECOND * 30);
    assert!(runtime.run(late).is_err());
    drop(held);
    let all = figures(&snapshotter);
    let counted = |outcome: &str| all[&format!("nebula.resource.acquires{{{outcome}}}")][0];
    let outcomes = ["ok", "timeout", "cancelled", "refused", "error"];
    assert_eq!(outcomes.map(counted), [1.0, 1.0, 2.0, 0.0, 0.0]);
    assert_eq!(all["db.client.connection.timeouts"], [1.0]);
    assert_eq!(
        all["db.client.connection.wait_time"],
        [0.0],
        "only of who got one"
    );
}

#[test]
fn creations_that_fail_and_clean_ups_are_counted() {
    let (runtime, manager) = still();
    let (_metrics, snapshotter) = recorded(&manager);
    let db = register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    runtime
        .run(manager.acquire::<Db>("db", &ctx))
        .unwrap()
        .discard();
    runtime.run_until_idle();
    db.fails("no");
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    runtime.run_until_idle();
    let all = figures(&snapshotter);
    assert_eq!(all["nebula.resource.create_failures"], [1.0]);
    assert_eq!(all["nebula.resource.cleanups{broken}"], [1.0]);
    assert_eq!(
        all["db.client.connection.create_time"],
        [0.0],
        "of the one that was made"
    );
}

/// Registrations of one key are added up, and no label tells a tenant's name.
#[test]
fn gauges_are_of_the_last_refresh_and_name_no_tenant() {
    let (runtime, manager) = still();
    let (metrics, snapshotter) = recorded(&manager);
    let acme = Scope::tenant("acme").unwrap();
    register(&manager, "db", Scope::GLOBAL);
    register(&manager, "db", acme.clone());
    let ctx = tenant("acme");
    drop(
        runtime
            .run(manager.acquire::<Db>("db", &everybody()))
            .unwrap(),
    );
    let _held = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    runtime.advance(SECOND);
    metrics.refresh();
    let all = figures(&snapshotter);
    let figure = |name: &str| all[&format!("db.client.connection.{name}")][0];
    assert_eq!((figure("count{idle}"), figure("count{used}")), (1.0, 1.0));
    assert_eq!(
        (figure("max"), figure("idle.max"), figure("idle.min")),
        (2.0, 2.0, 0.0)
    );
    assert_eq!(figure("pending_requests"), 1.0);
    assert_eq!(all["nebula.resource.oldest_waiter_age"], [1.0]);
    let shown = format!("{:?}", snapshotter.snapshot().into_vec());
    assert!(!shown.contains("acme"), "{shown}");
}

#[test]
fn somebody_can_refresh_in_the_background() {
    let (runtime, manager) = still();
    let (metrics, snapshotter) = recorded(&manager);
    register(&manager, "db", Scope::GLOBAL);
    assert!(metrics.refresh_every(SECOND));
    runtime.run_until_idle();
    assert!(!figures(&snapshotter).contains_key("db.client.connection.max"));
    runtime.advance(SECOND);
    runtime.run_until_idle();
    assert_eq!(figures(&snapshotter)["db.client.connection.max"], [1.0]);
    // It ends with the manager: the clock goes on, and nothing runs.
    drop(manager);
    runtime.advance(SECOND * 10);
    runtime.run_until_idle();
    assert!(
        !metrics.refresh_every(SECOND),
        "there is no manager any more"
    );
}

#[test]
fn detached_figures_stand_still() {
    let (runtime, manager) = still();
    let (metrics, snapshotter) = recorded(&manager);
    register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    drop(runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap());
    assert_eq!(figures(&snapshotter)["nebula.resource.acquires{ok}"], [1.0]);
    metrics.detach();
    drop(runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap());
    assert_eq!(figures(&snapshotter)["nebula.resource.acquires{ok}"], [0.0]);
}

/// A recorder that is at odds with everything.
struct Hostile;

impl Recorder for Hostile {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("describe");
    }
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("describe");
    }
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("describe");
    }
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        panic!("counter");
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("gauge");
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("histogram");
    }
}

#[test]
fn a_recorder_that_panics_harms_nobody() {
    let (runtime, manager) = still();
    let metrics = Metrics::attach_to(&manager, Hostile);
    let db = register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    for _ in 0..3 {
        runtime
            .run(manager.acquire::<Db>("db", &ctx))
            .unwrap()
            .discard();
        runtime.run_until_idle();
    }
    metrics.refresh();
    assert_eq!((db.created(), db.cleaned_up()), (3, 3));
}

/// As a Prometheus server reads it.
#[test]
fn prometheus_reads_it() {
    let (runtime, manager) = still();
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let metrics = Metrics::attach_to(&manager, recorder);
    let key = "main \"db\"";
    let registration = manager.register(key, Db::new(), DbConfig::new("x"));
    registration.wait().unwrap();
    drop(
        runtime
            .run(manager.acquire::<Db>(key, &everybody()))
            .unwrap(),
    );
    metrics.refresh();
    let is_there = |line: &str| {
        let text = handle.render();
        let there = text.lines().any(|got| got == line);
        assert!(there, "{line}\nis not in\n{text}");
    };
    is_there("# TYPE db_client_connection_count gauge");
    is_there("# TYPE db_client_connection_timeouts counter");
    let pool = r#"db_client_connection_pool_name="main \"db\"""#;
    is_there(&format!(
        r#"db_client_connection_count{{{pool},db_client_connection_state="idle"}} 1"#
    ));
    is_there(&format!("db_client_connection_use_time_count{{{pool}}} 1"));
    is_there(&format!("db_client_connection_max{{{pool}}} 1"));

    // What is gone is nothing, not what it was last.
    runtime.run(manager.end_scope(&Scope::GLOBAL));
    metrics.refresh();
    is_there(&format!("db_client_connection_max{{{pool}}} 0"));
}
