//! An object and what its owner of the moment keeps with it.
//!
//! Decides whether an idle object can be handed out as it is or needs a closer look. The box is
//! made once, at creation; acquire and release move the pointer. Whoever holds the box owns the
//! object alone. Knows nothing of where idle objects are kept.

use std::sync::Arc;
use std::time::Duration;

use crate::Tick;
use crate::engine::Settings;
use crate::record::Record;
use crate::retire::RetireReason;
use crate::stamp::Stamp;
use crate::stats::MissedSteps;

/// An object with its metadata.
///
/// Shares no cache line with another object: its holder writes here. With an object of one word it is one line.
#[repr(align(64))]
pub(crate) struct Entry<T> {
    pub(crate) object: T,
    pub(crate) record: Arc<Record>,
    /// The configuration this entry last met; refreshed when the stamp moved.
    pub(crate) settings: Arc<Settings>,
    /// The pool's stamp when this entry was last looked at closely.
    pub(crate) stamp: Stamp,
    /// Until then it needs no closer look: not validated for too long, not too old.
    pub(crate) fresh_until: Tick,
    /// When it was last known to work: made, validated, or returned.
    pub(crate) proven_at: Tick,
    /// What the pool had missed when this was last taken off its age.
    missed: MissedSteps,
    /// Its share of the jitter, 0..=u16::MAX.
    jitter: u16,
    /// Made for somebody who has not had it yet.
    pub(crate) newborn: bool,
    /// Why it was retired, once it is; and the next one in the chain of the retired.
    pub(crate) retired: Option<RetireReason>,
    pub(crate) next: Option<Box<Self>>,
}

const _: () = assert!(size_of::<Entry<u64>>() == 64, "more than a cache line");

/// What an idle object needs before it may be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Fresh,
    /// Its factory must say that it still works.
    Validate,
    /// It is not for handing out any more.
    Retire(RetireReason),
}

impl<T> Entry<T> {
    pub(crate) fn new(
        object: T,
        record: Arc<Record>,
        settings: Arc<Settings>,
        stamp: Stamp,
        missed: MissedSteps,
        jitter: u64,
    ) -> Self {
        let mut entry = Self {
            object,
            record,
            settings,
            stamp,
            fresh_until: Tick::ZERO,
            proven_at: Tick::ZERO,
            missed,
            jitter: (jitter & 0xffff) as u16,
            newborn: true,
            retired: None,
            next: None,
        };
        entry.renew_expiry();
        entry.renew_freshness(entry.record.born_at());
        entry
    }

    /// End of its life, with its jitter, fixed at birth (see [`Self::renew_expiry`]).
    #[inline]
    pub(crate) fn expires_at(&self) -> Tick {
        self.record.expires_at()
    }

    /// Recomputes the end of life from the settings; the share of jitter stays the one it was
    /// born with, so that a herd stays spread.
    pub(crate) fn renew_expiry(&mut self) {
        let share = f64::from(self.jitter) / f64::from(u16::MAX);
        let expires_at = match self.settings.config.max_lifetime {
            Some(lifetime) => {
                let cut = lifetime.mul_f64(self.settings.config.lifetime_jitter * share);
                self.record.born_at().after(lifetime.saturating_sub(cut))
            }
            None => Tick::NEVER,
        };
        self.record.expire_at(expires_at);
    }

    /// Relieves the object of what the pool has missed since it last was; answers how much.
    pub(crate) fn relieve(&mut self, missed: MissedSteps) -> Duration {
        let more = missed.since(self.missed);
        if more > Duration::ZERO {
            self.missed = missed;
            self.record.relieve(more);
        }
        more
    }

    /// Called when the object is put aside or was proven at `now`.
    #[inline]
    pub(crate) fn renew_freshness(&mut self, now: Tick) {
        let trusted = match self.settings.trust_nanos {
            // Never: the coarse clock, by which freshness is judged, may be behind `now`.
            0 => Tick::ZERO,
            nanos => Tick::from_nanos(now.as_nanos().saturating_add(nanos)),
        };
        self.fresh_until = trusted.min(self.expires_at());
        self.proven_at = now;
    }

    /// The common case in two comparisons.
    #[inline]
    pub(crate) fn is_fresh(&self, stamp: Stamp, now: Tick) -> bool {
        self.stamp == stamp && now < self.fresh_until
    }

    /// The closer look.
    pub(crate) fn inspect(&mut self, stamp: Stamp, now: Tick, settings: &Arc<Settings>) -> Verdict {
        if !self.stamp.same_clear(stamp) {
            return Verdict::Retire(RetireReason::Cleared);
        }
        self.meet(settings);
        if now >= self.expires_at() {
            return Verdict::Retire(RetireReason::MaxLifetime);
        }
        let suspect = !self.stamp.same_suspicion(stamp);
        let idle = now.since(self.proven_at);
        let stale = idle.as_nanos() as u64 >= self.settings.trust_nanos;
        if suspect || stale {
            return Verdict::Validate;
        }
        self.stamp = stamp;
        // By the settings it has just met; its lifetime may have been changed too.
        self.renew_freshness(self.proven_at);
        Verdict::Fresh
    }

    /// Goes by these settings from now on.
    pub(crate) fn meet(&mut self, settings: &Arc<Settings>) {
        if !Arc::ptr_eq(&self.settings, settings) {
            self.settings = Arc::clone(settings);
            self.renew_expiry();
        }
    }

    /// Called when the factory said that it works. `stamp` was read before it was asked: a
    /// suspicion raised meanwhile is not forgotten.
    pub(crate) fn proven(&mut self, stamp: Stamp, now: Tick) {
        self.stamp = stamp;
        self.renew_freshness(now);
    }

    /// When it is due for a keepalive: up to a tenth early, by its share of the jitter.
    pub(crate) fn keepalive_at(&self) -> Tick {
        let share = f64::from(self.jitter) / f64::from(u16::MAX);
        self.settings
            .config
            .keepalive_every
            .map_or(Tick::NEVER, |every| {
                self.proven_at.after(every.mul_f64(1.0 - share / 10.0))
            })
    }

    /// Whether it has been used as often as it may be.
    #[inline]
    pub(crate) fn is_used_up(&self) -> bool {
        self.record.uses() >= self.settings.max_uses
    }
}
