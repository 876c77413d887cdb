//! Does a caller's context do what it says: end every wait at once when it is cancelled, carry what
//! it was given, and show nothing that is secret?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nebula_resource::context::{
    Baggage, Cancellation, Cancelled, Context, CredentialFuture, CredentialProvider, TraceContext,
};
use nebula_resource::scope::Scope;
use nebula_resource::{BlockingFactory, Factory};
use proptest::prelude::*;

struct Numbers;

impl Factory for Numbers {
    type Object = u32;
    type Error = io::Error;

    async fn create(&self) -> io::Result<u32> {
        Ok(7)
    }
}

impl BlockingFactory for Numbers {
    type Object = u32;
    type Error = io::Error;

    fn create(&self) -> io::Result<u32> {
        Ok(7)
    }
}

/// Long enough that only a wait that did not end takes it.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Tells what `work` gave on another thread, or that it hangs.
fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> mpsc::Receiver<T> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(work()));
    told
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < FOR_EVER, "not in a minute: {what}");
        thread::yield_now();
    }
}

#[test]
fn a_cancelled_thread_leaves_the_line() {
    let pool = nebula_resource::sync::Pool::builder(Numbers)
        .max_size(1)
        .acquire_timeout(FOR_EVER)
        .build()
        .unwrap();
    let held = pool.acquire().unwrap();
    let ctx = Context::new(Scope::GLOBAL).with_cancellation(Cancellation::new());
    let (theirs, its_pool) = (ctx.clone(), pool.clone());
    let waiting = on_a_thread(move || {
        theirs
            .run_blocking(its_pool.acquire_async())
            .map(|result| result.is_ok())
    });
    until("it stands in line", || pool.status().waiting == 1);
    ctx.cancellation().cancel();
    assert_eq!(waiting.recv_timeout(FOR_EVER), Ok(Err(Cancelled)));
    assert_eq!(pool.status().waiting, 0);
    drop(held);
    // Nothing was lost with it.
    assert!(pool.try_acquire().is_some());
}

#[test]
fn a_cancelled_task_leaves_the_line() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let builder = nebula_resource::Pool::builder(Numbers).max_size(1);
        let pool = builder.acquire_timeout(FOR_EVER).build().unwrap();
        let held = pool.acquire().await.unwrap();
        let ctx = Context::new(Scope::GLOBAL).with_cancellation(Cancellation::new());
        let (theirs, its_pool) = (ctx.clone(), pool.clone());
        let waiting = tokio::spawn(async move {
            theirs
                .run(its_pool.acquire_owned())
                .await
                .map(|result| result.is_ok())
        });
        while pool.status().waiting == 0 {
            tokio::task::yield_now().await;
        }
        ctx.cancellation().cancel();
        assert_eq!(waiting.await.unwrap(), Err(Cancelled));
        assert_eq!(pool.status().waiting, 0);
        drop(held);
        assert_eq!(theirs_after(&ctx, &pool).await, Err(Cancelled));
    });
}

/// Cancelled before: not even what lies ready is taken.
async fn theirs_after(
    ctx: &Context,
    pool: &nebula_resource::Pool<Numbers>,
) -> Result<bool, Cancelled> {
    let acquired = pool.stats().acquired;
    let result = ctx.run(pool.acquire()).await.map(|result| result.is_ok());
    assert_eq!(pool.stats().acquired, acquired);
    result
}

#[test]
fn everybody_is_told() {
    let cancellation = Cancellation::new();
    let told: Vec<_> = (0..8)
        .map(|i| {
            let mine = if i % 2 == 0 {
                cancellation.clone()
            } else {
                cancellation.child()
            };
            on_a_thread(move || mine.wait_timeout(FOR_EVER))
        })
        .collect();
    cancellation.cancel();
    for told in told {
        assert_eq!(told.recv_timeout(FOR_EVER * 2), Ok(true));
    }
}

#[test]
fn what_is_done_first_counts() {
    let cancellation = Cancellation::new();
    assert_eq!(cancellation.run_blocking(async { 42 }), Ok(42));
    assert!(!cancellation.wait_timeout(Duration::from_millis(1)));
    cancellation.cancel();
    cancellation.cancel();
    assert!(cancellation.wait_timeout(FOR_EVER));
    let begun = AtomicUsize::new(0);
    let begin = async { begun.fetch_add(1, Ordering::Relaxed) };
    assert_eq!(cancellation.run_blocking(begin), Err(Cancelled));
    assert_eq!(begun.into_inner(), 0);
}

/// While it waits, not only at first: woken again and again, done in the end.
#[test]
fn what_takes_several_steps_is_finished() {
    let cancellation = Cancellation::new();
    let steps = async {
        for _ in 0..5 {
            futures::pending_once().await;
        }
        "done"
    };
    assert_eq!(cancellation.run_blocking(steps), Ok("done"));
}

mod futures {
    use std::task::Poll;

    /// Gives way once.
    pub(super) async fn pending_once() {
        let mut given_way = false;
        std::future::poll_fn(|cx| {
            if given_way {
                return Poll::Ready(());
            }
            given_way = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[test]
fn never_is_never() {
    let never = Cancellation::never();
    never.cancel();
    assert!(!never.is_cancelled());
    assert_eq!(never.run_blocking(async { 1 }), Ok(1));
    let child = never.child();
    assert!(!child.is_cancelled());
    child.cancel();
    assert!(child.is_cancelled());
}

#[test]
fn a_child_goes_with_its_parent_and_not_the_other_way() {
    let parent = Cancellation::new();
    let (one, two) = (parent.child(), parent.child());
    let grandchild = one.child();
    one.cancel();
    assert!(one.is_cancelled() && grandchild.is_cancelled());
    assert!(!parent.is_cancelled() && !two.is_cancelled());
    parent.cancel();
    assert!(two.is_cancelled());
    assert!(parent.child().is_cancelled(), "born late");
}

/// Who adopts and who cancels at the same time: no child is forgotten.
#[test]
fn a_child_born_during_the_cancellation_is_cancelled() {
    for _ in 0..200 {
        let parent = Cancellation::new();
        let cancels = {
            let parent = parent.clone();
            thread::spawn(move || parent.cancel())
        };
        let children: Vec<_> = (0..20).map(|_| parent.child()).collect();
        cancels.join().unwrap();
        assert!(children.iter().all(Cancellation::is_cancelled));
    }
}

#[test]
fn a_cancelled_wait_drops_what_it_waited_for() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let (cancellation, dropped) = (Cancellation::new(), Dropped(drops.clone()));
    let mine = cancellation.clone();
    let told = on_a_thread(move || {
        mine.run_blocking(async move {
            let _dropped = dropped;
            pending::<()>().await;
        })
    });
    cancellation.cancel();
    assert_eq!(told.recv_timeout(FOR_EVER), Ok(Err(Cancelled)));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn ids_are_those_of_the_scope() {
    let scope = Scope::tenant("acme")
        .unwrap()
        .workflow("w")
        .unwrap()
        .execution("7")
        .unwrap();
    let ctx = Context::new(scope.clone());
    assert_eq!(ctx.scope(), &scope);
    let ids = (ctx.tenant_id(), ctx.workflow_id(), ctx.execution_id());
    assert_eq!(ids, (Some("acme"), Some("w"), Some("7")));
    assert_eq!(Context::new(Scope::GLOBAL).tenant_id(), None);
}

fn with_headers(headers: &[(&str, &'static str)]) -> Context {
    Context::new(Scope::GLOBAL).with_headers(|wanted| {
        let found = headers.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| *value)
    })
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn headers_go_in_and_come_out() {
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "rojo=1,congo=2"),
        ("baggage", "a=1;p"),
    ];
    let ctx = with_headers(&headers);
    let came_out: Vec<_> = ctx.headers().collect();
    let went_in: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.to_string()))
        .collect();
    assert_eq!(came_out, went_in);
    assert_eq!(ctx.baggage().get("a"), Some("1"));
    assert_eq!(Context::new(Scope::GLOBAL).headers().count(), 0);
}

/// A damaged header costs what it says, never the call.
#[test]
fn damaged_headers_are_left_out() {
    let names = |ctx: &Context| ctx.headers().map(|(name, _)| name).collect::<Vec<_>>();
    let no_state = with_headers(&[("traceparent", PARENT), ("tracestate", "=")]);
    assert_eq!(names(&no_state), ["traceparent"]);
    let no_parent = with_headers(&[("traceparent", "00-0-0-0"), ("tracestate", "a=1")]);
    assert!(
        names(&no_parent).is_empty(),
        "a state means nothing without its trace"
    );
    let no_baggage = with_headers(&[("traceparent", PARENT), ("baggage", "a b")]);
    assert_eq!(names(&no_baggage), ["traceparent"]);
}

struct Secret;

impl CredentialProvider for Secret {
    fn credential<'a>(&'a self, _name: &'a str) -> CredentialFuture<'a> {
        Box::pin(async { Ok("CANARY-1".into()) })
    }
}

#[test]
fn nothing_that_may_be_secret_shows() {
    let ctx = Context::new(Scope::tenant("acme").unwrap())
        .with_metadata("token", "CANARY-2")
        .with_baggage(Baggage::parse("key=CANARY-3").unwrap())
        .with_trace(
            TraceContext::new(1, 2)
                .unwrap()
                .with_state("v=CANARY-4")
                .unwrap(),
        )
        .with_credentials(Arc::new(Secret));
    let shown = format!("{ctx:?} {ctx:#?}");
    assert!(!shown.contains("CANARY"), "{shown}");
    for expected in ["acme", "token", "key"] {
        assert!(shown.contains(expected), "{shown}");
    }
    let asked = ctx.credentials().unwrap().credential("db");
    let secret = ctx.run_blocking(asked).unwrap().unwrap();
    assert!(!format!("{secret:?}").contains("CANARY"));
}

#[test]
fn clones_do_not_share_what_is_added_later() {
    let one = Context::new(Scope::GLOBAL).with_metadata("a", "1");
    let two = one.clone().with_metadata("a", "2").with_metadata("b", "3");
    assert_eq!((one.metadata("a"), one.metadata("b")), (Some("1"), None));
    assert_eq!(
        (two.metadata("a"), two.metadata("b")),
        (Some("2"), Some("3"))
    );
}

proptest! {
    /// Whatever comes in a header: what is accepted goes out in a form that is accepted again, and
    /// says the same.
    #[test]
    fn hostile_headers_are_read_or_left_out(
        parent in "(00|01|ff|.{0,3})-([0-9a-f]{32}|.{0,40})-([0-9a-f]{16}|.{0,20})-([0-9a-f]{2}|.{0,4})(-.*)?",
        state in r"([a-z0-9@*/_ -]{0,20}=[ -~]{0,20},?){0,40}|\PC{0,100}",
        baggage in r"([a-zA-Z0-9%]{0,9}=[ -~]{0,12}(;[a-z=]{0,8})?,?){0,70}|\PC{0,100}",
    ) {
        let read = |headers: &[(&'static str, String)]| {
            Context::new(Scope::GLOBAL).with_headers(|wanted| {
                let found = headers.iter().find(|(name, _)| *name == wanted);
                found.map(|(_, value)| value.as_str())
            })
        };
        let came = [("traceparent", parent), ("tracestate", state), ("baggage", baggage)];
        let first = read(&came);
        let went: Vec<_> = first.headers().collect();
        let second = read(&went);
        prop_assert_eq!(second.headers().collect::<Vec<_>>(), went);
        prop_assert_eq!(second.trace(), first.trace());
        prop_assert_eq!(second.baggage(), first.baggage());
    }

    #[test]
    fn any_value_travels_in_baggage(value in "\\PC{0,40}", name in "[a-z]{1,9}") {
        let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let read = Baggage::parse(&format!("{name}={encoded}")).unwrap();
        prop_assert_eq!(read.get(&name), Some(&*value));
        let again = Baggage::parse(&read.to_string()).unwrap();
        prop_assert_eq!(again, read);
    }
}
