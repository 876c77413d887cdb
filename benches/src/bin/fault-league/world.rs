//! What every row needs: a pool with callers, each in a task or on a thread of its own, and the
//! question whether anything was lost.
//!
//! Decides that nobody here waits without an end: a caller that never comes back is an answer too.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::contender::{Asked, Contender, Entrant, Feature, Lack, Lent, Settings, Style};
use crate::server::Server;
use crate::verdict::{Judgement, fails, must};

/// How long after its deadline a caller may come back, on a machine that has other things to do.
pub(crate) const SLACK: Duration = Duration::from_millis(500);

/// How long a pool has to be itself again once a fault is over.
pub(crate) const RECOVERY: Duration = Duration::from_secs(4);

/// Whose turn it is.
#[derive(Clone, Copy)]
pub(crate) struct World(pub(crate) &'static dyn Entrant);

impl World {
    /// The row is not applicable to pools that lack `feature`.
    pub(crate) fn needs(self, feature: Feature) -> Result<(), Judgement> {
        let lacks = self.0.lacks(feature);
        lacks.map_or(Ok(()), |why| Err(Judgement::NotApplicable(why)))
    }

    pub(crate) fn has(self, feature: Feature) -> bool {
        self.0.lacks(feature).is_none()
    }

    pub(crate) fn threads(self) -> bool {
        self.0.style() == Style::Threads
    }

    pub(crate) fn open(self, server: &Server, settings: Settings) -> Result<Pool, Judgement> {
        let mut pools = self.open_many(server, settings, 1)?;
        pools.pop().ok_or_else(|| fails("no pool could be made"))
    }

    pub(crate) fn open_many(
        self,
        server: &Server,
        settings: Settings,
        count: usize,
    ) -> Result<Vec<Pool>, Judgement> {
        let opened = self.0.open(server, &settings, count);
        must!(opened.len() == count, "its settings were refused");
        let pool = |contender| Pool {
            contender,
            server: server.clone(),
            style: self.0.style(),
            max_size: settings.max_size,
        };
        Ok(opened.into_iter().map(pool).collect())
    }
}

/// A pool in a row. Clones are handles.
#[derive(Clone)]
pub(crate) struct Pool {
    contender: Arc<dyn Contender>,
    pub(crate) server: Server,
    style: Style,
    max_size: usize,
}

impl Deref for Pool {
    type Target = dyn Contender;

    fn deref(&self) -> &Self::Target {
        &*self.contender
    }
}

/// An object in a caller's hands.
pub(crate) struct Grip(Option<Box<dyn Lent>>);

impl Grip {
    pub(crate) fn new(lent: Box<dyn Lent>) -> Self {
        lent.thing().handed_out();
        Self(Some(lent))
    }
}

impl Deref for Grip {
    type Target = crate::thing::Thing;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Some(lent) => lent.thing(),
            None => unreachable!("taken out only in drop"),
        }
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        if let Some(lent) = self.0.take() {
            lent.thing().handed_back();
            drop(lent);
        }
    }
}

/// What became of a caller.
pub(crate) enum Answer {
    Served(Grip, Duration),
    Refused(Lack, Duration),
    /// A panic went through it.
    Unwound,
    /// It did not come back in time.
    Silent,
}

impl Answer {
    /// The object, or why there is none.
    pub(crate) fn grip(self) -> Result<Grip, Judgement> {
        match self {
            Self::Served(grip, _) => Ok(grip),
            other => Err(fails(format!("a caller {}", other.words()))),
        }
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::Served(_, took) => format!("was served after {} ms", took.as_millis()),
            Self::Refused(lack, took) => {
                format!("got \"{}\" after {} ms", lack.text(), took.as_millis())
            }
            Self::Unwound => "was unwound by the panic".to_owned(),
            Self::Silent => "never came back".to_owned(),
        }
    }

    /// Served or refused, within so long.
    pub(crate) fn is_back_within(&self, span: Duration) -> bool {
        match self {
            Self::Served(_, took) | Self::Refused(_, took) => *took <= span,
            Self::Unwound | Self::Silent => false,
        }
    }
}

/// A caller under way.
pub(crate) struct Call(oneshot::Receiver<(Result<Grip, Lack>, Duration)>);

impl Call {
    pub(crate) async fn answer(self, patience: Duration) -> Answer {
        match timeout(patience, self.0).await {
            Err(_) => Answer::Silent,
            Ok(Err(_)) => Answer::Unwound,
            Ok(Ok((Ok(grip), took))) => Answer::Served(grip, took),
            Ok(Ok((Err(lack), took))) => Answer::Refused(lack, took),
        }
    }
}

impl Pool {
    /// Runs `body` as a caller of this pool lives: in a task, or on a thread.
    pub(crate) fn spawn(&self, body: impl Future<Output = ()> + Send + 'static) {
        match self.style {
            Style::Tasks => drop(tokio::spawn(body)),
            Style::Threads => {
                let runtime = Handle::current();
                std::thread::spawn(move || runtime.block_on(body));
            }
        }
    }

    fn start(&self, get: Asked) -> Call {
        let (tell, hear) = oneshot::channel();
        let begun = Instant::now();
        self.spawn(async move {
            let got = get.await.map(Grip::new);
            drop(tell.send((got, begun.elapsed())));
        });
        Call(hear)
    }

    pub(crate) fn call(&self) -> Call {
        self.start(self.get())
    }

    pub(crate) fn call_within(&self, timeout: Duration) -> Call {
        self.start(self.get_within(timeout))
    }

    /// An acquire through the door that never blocks, as a caller that does not keep the pool open.
    pub(crate) fn call_orphan(&self) -> Call {
        let (tell, hear) = oneshot::channel();
        let (get, begun) = (self.future(), Instant::now());
        tokio::spawn(async move {
            let got = get.await.map(Grip::new);
            drop(tell.send((got, begun.elapsed())));
        });
        Call(hear)
    }

    pub(crate) async fn ask(&self, patience: Duration) -> Answer {
        self.call().answer(patience).await
    }

    /// Takes `count` objects at once, within `patience`: a refusal is only final at its end.
    pub(crate) async fn take(&self, count: usize, patience: Duration) -> Result<Vec<Grip>, String> {
        let begun = Instant::now();
        let mut grips = Vec::new();
        while grips.len() < count {
            let left = patience.saturating_sub(begun.elapsed());
            let answer = self.ask(left.max(Duration::from_millis(1))).await;
            match answer {
                Answer::Served(grip, _) => grips.push(grip),
                Answer::Refused(..) if !left.is_zero() => sleep(Duration::from_millis(5)).await,
                other => {
                    let (got, words) = (grips.len(), other.words());
                    return Err(format!("{got} of {count} places left: a caller {words}"));
                }
            }
        }
        Ok(grips)
    }

    /// Has `count` idle objects made.
    pub(crate) async fn stock(&self, count: usize) -> Result<(), Judgement> {
        let made = self.take(count, RECOVERY).await;
        drop(made.map_err(|why| fails(format!("could not be filled: {why}")))?);
        // mobc takes them back in tasks.
        sleep(Duration::from_millis(10)).await;
        Ok(())
    }

    /// Every place can be used, each by one caller at a time.
    pub(crate) async fn no_place_lost(&self) -> Result<(), Judgement> {
        let grips = self.take(self.max_size, RECOVERY).await.map_err(fails)?;
        drop(grips);
        let doubled = self.server.doubled();
        must!(
            doubled.is_none(),
            "object {doubled:?} was handed out twice at once"
        );
        Ok(())
    }

    /// No place was lost, and nobody ever got what had failed.
    pub(crate) async fn nothing_lost(&self) -> Result<(), Judgement> {
        self.no_place_lost().await?;
        let spoiled = self.server.spoiled();
        must!(
            spoiled.is_none(),
            "what had failed was handed out again as good"
        );
        Ok(())
    }
}

/// Waits until `done` holds, at most so long.
pub(crate) async fn until(patience: Duration, done: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > patience {
            return false;
        }
        sleep(Duration::from_millis(2)).await;
    }
    true
}

/// Runs `work` on a plain thread, out of any runtime; `None` when it panicked or never ended.
pub(crate) async fn elsewhere<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, hear) = oneshot::channel();
    std::thread::spawn(move || {
        let result = work();
        drop(tell.send(result));
    });
    timeout(patience, hear).await.ok()?.ok()
}
