//! What callers say of the instances that they have: what becomes of the instance, and what is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use nebula_resource::{
    BlockingResource, CreateContext, Handle, Manager, Resource, RetireReason, Severity,
};

/// What callers meet with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Met(Severity);

/// Knows its errors.
#[derive(Clone, Default)]
struct Link {
    cleaned_up: Arc<AtomicUsize>,
    /// Whether it panics over every error.
    is_confused: bool,
}

impl Resource for Link {
    type Config = ();
    type Instance = u32;
    type Error = String;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<u32, String> {
        Ok(7)
    }

    async fn cleanup(&self, _: u32, _: RetireReason) {
        self.cleaned_up.fetch_add(1, SeqCst);
    }

    fn classify(&self, error: &(dyn Error + 'static)) -> Severity {
        assert!(!self.is_confused, "what is that");
        let known = error.downcast_ref::<Met>().map(|Met(severity)| *severity);
        known.unwrap_or_else(|| Severity::of(error))
    }
}

fn registered(link: Link) -> (Manager, Handle<Link>) {
    let manager = Manager::new();
    let handle = manager.register_blocking("link", link, ()).unwrap();
    (manager, handle)
}

#[test]
fn an_instance_is_reused_or_not_as_its_resource_takes_the_error() {
    for (severity, reused) in [
        (Severity::Harmless, 1),
        (Severity::Transient, 1),
        (Severity::Fatal, 0),
        (Severity::Poisoned, 0),
    ] {
        let (_manager, links) = registered(Link::default());
        let mut link = links.acquire_blocking().unwrap();
        assert_eq!(link.report(&Met(severity)), severity);
        assert_eq!(*link, 7, "its holder keeps it whatever it says");
        drop(link);
        assert_eq!(links.status().idle, reused, "{severity}");
        let broken = RetireReason::Broken;
        assert_eq!(
            links.stats().retired_for(broken),
            1 - reused as u64,
            "{severity}"
        );
    }
}

#[test]
fn what_was_said_once_holds_whatever_is_said_later() {
    let (_manager, links) = registered(Link::default());
    let mut link = links.acquire_blocking().unwrap();
    link.report(&Met(Severity::Fatal));
    link.report_ok();
    link.report(&Met(Severity::Harmless));
    drop(link);
    assert_eq!(links.status().idle, 0);
}

#[test]
fn who_says_nothing_of_its_errors_loses_connections_all_the_same() {
    struct Plain;

    impl BlockingResource for Plain {
        type Config = ();
        type Instance = u32;
        type Error = String;

        fn create(&self, (): &(), _: &CreateContext) -> Result<u32, String> {
            Ok(1)
        }
    }

    let manager = Manager::new();
    let plain = manager.register_blocking("plain", Plain, ()).unwrap();
    let mut one = plain.acquire_blocking().unwrap();
    let slow = io::Error::from(io::ErrorKind::TimedOut);
    assert_eq!(one.report(&slow), Severity::Transient);
    let gone = io::Error::from(io::ErrorKind::BrokenPipe);
    let result = one.reported(Err::<(), _>(gone));
    assert!(result.is_err());
    drop(one);
    assert_eq!(plain.status().idle, 0);
}

/// Row 31 of the fault matrix: a panic in any callback costs its caller nothing but that.
#[test]
fn fault_31_a_classifier_that_panics_spoils_the_instance_and_nothing_else() {
    let confused = Link {
        is_confused: true,
        ..Link::default()
    };
    let (manager, links) = registered(confused.clone());
    let mut link = links.acquire_blocking().unwrap();
    assert_eq!(link.report(&Met(Severity::Harmless)), Severity::Poisoned);
    drop(link);
    assert_eq!(links.status().idle, 0);
    drop(links.acquire_blocking().unwrap());
    futures::executor::block_on(manager.shutdown());
    assert_eq!(confused.cleaned_up.load(SeqCst), 2);
}
