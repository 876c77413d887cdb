//! What is claimed of a pool, in words; `moves` says the same in code.

/// The sequential pool that a history is measured by, and what it was configured with.
///
/// # Claimed
///
/// Each call takes effect at one moment between invocation and answer, except where a second moment
/// is named. With `alive` for the objects that are idle or out:
///
/// | call | answer | only if, at its moment |
/// |------|--------|------------------------|
/// | acquire, try | `Got(x)` | the pool was open (neither closed nor paused) at one moment and, at that or a later one, x was idle, or x is new and `alive < limit` |
/// | try | `Nothing` | nothing was idle, or the pool was closed or paused |
/// | acquire | `TimedOut`, `Failed` | nothing was idle, or the pool was closed or paused |
/// | acquire | `Closed` | the pool was closed |
/// | acquire | `Paused` | the pool was paused and not closed |
/// | acquire | `Cancelled` | always |
/// | release(x) | `Done` | x was out. It becomes idle; then, at that or a later moment, idle objects are retired for as long as the pool is closed or `alive > limit` |
/// | discard(x), detach(x) | `Done` | x was out. It is never seen again |
/// | resize(n) | `Done` | the limit is n from then on; then as many idle objects are retired as release would |
/// | close | `Done` | nobody is let in from then on; then every idle object is retired |
/// | pause, resume | `Changed(b)` | b says whether it was the other way before |
///
/// The second moments are real: a caller that saw the pool open and was then held up may take what
/// somebody is just putting back into a pool that was closed, or shrunk, meanwhile. Nobody who
/// *begins* after `close` has returned may, and nothing is left to take once the release has
/// returned.
///
/// A caller that goes away with nothing (cancelled, out of time) may have been handed an idle object
/// just then: it holds it for a moment, and puts it back as a release does. So may somebody who trims
/// and finds that another one has trimmed enough.
///
/// # Not claimed
///
/// - *Which* idle object is handed out or retired (the strategy's affair, and only where nothing
///   overlaps), nor whether an acquire takes an idle one or has one made where both can be.
/// - When an object is made. It may have lain idle for long before its number is first seen.
///   Where `max_size` was lowered while less than that was known to be alive, such unseen objects
///   are allowed for: an idle object that is known may have been retired in place of an unseen one,
///   and a creation that was under way may still come out, as many as `creates_at_once`.
/// - `Nothing` and `TimedOut` beside an idle object while somebody else waits for one, puts one
///   back, or changes the limit: objects move between stores that are looked at one after the other,
///   waiters go first, and what is being trimmed is in nobody's store. Alone, or among other takers
///   only, a pool must find what is idle.
/// - Time: when an acquire must give up. And that it ever ends: a pending call is always explained.
/// - The order among waiters: see [`fairness`](crate::fairness).
/// - `clear`, `retain`, ages: histories must be without them. Of maintenance see
///   [`rounds`](Self::rounds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// `max_size` when the history begins.
    pub limit: usize,
    /// `max_concurrent_creates`.
    pub creates_at_once: usize,
    /// Checks take a while (they run on helper threads, or their callbacks wait): then one who does not
    /// wait may get nothing beside an idle object that needs a check, and an acquire that is
    /// cancelled or times out may cost the object that was just being checked.
    pub checks_wait: bool,
    /// Maintenance may run in the background, as it does after every `resize` of a pool that has a
    /// runtime. It has idle objects in its hands for a moment, and trims what it puts back: then an
    /// object may be missed though nothing else overlaps, and what may not stay in a smaller pool
    /// may still be handed out after `resize` and after a release. New ones may not.
    pub rounds: bool,
}

impl Spec {
    /// A pool of `limit` with four creations at once, checks that are over at once, and nothing
    /// that runs in the background.
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            creates_at_once: 4,
            checks_wait: false,
            rounds: false,
        }
    }
}
