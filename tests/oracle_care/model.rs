//! What is known about every object, and what may and must happen to it.
//!
//! Not a second pool: which idle object is handed out, and which creation serves whom, is left to the
//! pool under test. Decides for each thing that it did whether it had a reason, and for each that
//! it left undone whether it may. Knows nothing of how operations are carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use nebula_resource::{PoolConfig, RetireReason};
use nebula_resource_core::{ObjectInfo, ObjectState};

use crate::factory::Did;

pub(crate) struct Known {
    made_at: u64,
    /// When it became idle, or was taken.
    since: u64,
    proven_at: u64,
    pub(crate) uses: u64,
    most_uses: Option<u64>,
    dirty: bool,
    suspect: bool,
    cleared: bool,
    /// In this operation.
    validated: bool,
    made_just_now: bool,
    /// It was made while time moved: so many milliseconds may be wrong.
    blur: u64,
    pub(crate) out: bool,
    /// What went wrong with it in this operation.
    doom: Vec<RetireReason>,
}

/// What an operation was, as far as it decides what may happen to objects.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    /// A round of maintenance may have been done.
    pub(crate) round: bool,
    /// And must have been.
    pub(crate) whole_round: bool,
}

pub(crate) struct Model {
    pub(crate) objects: BTreeMap<u64, Known>,
    /// Retired and not buried yet: why that may be.
    gone: BTreeMap<u64, Vec<RetireReason>>,
    pub(crate) config: PoolConfig,
    pub(crate) paused: bool,
    pub(crate) closed: bool,
    /// Something has failed, and no new object has been handed out since.
    pub(crate) shaky: bool,
    /// But one was made since.
    recovering: bool,
    pub(crate) now: u64,
    pub(crate) made: u64,
    pub(crate) acquired: u64,
    pub(crate) retired: u64,
    pub(crate) detached: u64,
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap()
}

impl Model {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            objects: BTreeMap::new(),
            gone: BTreeMap::new(),
            config,
            paused: false,
            closed: false,
            shaky: false,
            recovering: false,
            now: 0,
            made: 0,
            acquired: 0,
            retired: 0,
            detached: 0,
        }
    }

    fn count(&self, of: impl Fn(&Known) -> bool) -> usize {
        self.objects.values().filter(|known| of(known)).count()
    }

    pub(crate) fn idle(&self) -> usize {
        self.count(|known| !known.out)
    }

    pub(crate) fn out(&self) -> usize {
        self.count(|known| known.out)
    }

    pub(crate) fn suspect_all(&mut self) {
        self.objects
            .values_mut()
            .for_each(|known| known.suspect = true);
    }

    pub(crate) fn clear(&mut self) {
        self.objects
            .values_mut()
            .for_each(|known| known.cleared = true);
    }

    /// It may go for this reason.
    pub(crate) fn doom(&mut self, id: u64, why: RetireReason) {
        self.objects.get_mut(&id).unwrap().doom.push(why);
    }

    /// A guard gives it back; `used` ends with it.
    pub(crate) fn put_back(&mut self, id: u64) {
        let now = self.now;
        let known = self.objects.get_mut(&id).unwrap();
        known.out = false;
        known.dirty = true;
        (known.since, known.proven_at) = (now, now);
        if known.most_uses.is_some_and(|most| known.uses >= most) {
            known.doom.push(RetireReason::MaxUses);
        }
    }

    pub(crate) fn detach(&mut self, id: u64) {
        self.objects.remove(&id).unwrap();
        self.detached += 1;
    }

    /// Reads what the factory was asked to do, in order, and whether there was a reason.
    pub(crate) fn read(&mut self, did: &[Did], context: Context) {
        for known in self.objects.values_mut() {
            (known.validated, known.made_just_now) = (false, false);
        }
        for one in did {
            match *one {
                Did::Made(id) => self.make(id),
                Did::CouldNotMake => self.fail(),
                Did::Validated(id, good) => self.validate(id, good, context),
                Did::Recycled(id, good) => self.recycle(id, good),
                Did::Buried(..) => {}
            }
        }
    }

    fn fail(&mut self) {
        (self.shaky, self.recovering) = (true, false);
    }

    fn make(&mut self, id: u64) {
        self.made += 1;
        self.recovering = true;
        let known = Known {
            made_at: self.now,
            since: self.now,
            proven_at: self.now,
            uses: 0,
            most_uses: None,
            dirty: false,
            suspect: false,
            cleared: false,
            validated: false,
            made_just_now: true,
            blur: 0,
            out: false,
            doom: Vec::new(),
        };
        assert!(self.objects.insert(id, known).is_none());
    }

    /// Whether as much time has passed since `moment` as `limit` says: surely, or perhaps.
    fn over(&self, limit: Option<Duration>, moment: u64, known: &Known, surely: bool) -> bool {
        let passed = self.now.saturating_sub(moment);
        limit.map(millis).is_some_and(|limit| {
            if surely {
                passed >= limit + known.blur
            } else {
                passed + known.blur >= limit
            }
        })
    }

    fn is_stale(&self, known: &Known, surely: bool) -> bool {
        self.over(self.config.validate_after, known.proven_at, known, surely)
    }

    fn needs_keepalive(&self, known: &Known, surely: bool) -> bool {
        self.over(self.config.keepalive_every, known.proven_at, known, surely)
    }

    fn is_too_old(&self, known: &Known, surely: bool) -> bool {
        self.over(self.config.max_lifetime, known.made_at, known, surely)
    }

    fn idled(&self, known: &Known, surely: bool) -> bool {
        !known.out && self.over(self.config.idle_timeout, known.since, known, surely)
    }

    /// Whether it will soon be too old to count as stock: within the time that a creation may take.
    fn ages(&self, known: &Known) -> bool {
        self.config.max_lifetime.is_some_and(|lifetime| {
            let lead = self.config.create_timeout.min(lifetime / 4);
            self.over(Some(lifetime - lead), known.made_at, known, false)
        })
    }

    fn validate(&mut self, id: u64, good: bool, context: Context) {
        let known = &self.objects[&id];
        let kept_alive = context.round && self.needs_keepalive(known, false);
        let reason = known.suspect || self.is_stale(known, false) || kept_alive;
        assert!(reason && !known.out, "{id} validated for no reason");
        let now = self.now;
        if !good {
            self.fail();
            self.suspect_all();
        }
        let known = self.objects.get_mut(&id).unwrap();
        if good {
            known.proven_at = now;
            (known.suspect, known.validated) = (false, true);
        } else {
            known
                .doom
                .extend([RetireReason::Invalid, RetireReason::Panicked]);
        }
    }

    fn recycle(&mut self, id: u64, good: bool) {
        if !good {
            self.fail();
        }
        let known = self.objects.get_mut(&id).unwrap();
        assert!(known.dirty && !known.out, "{id} recycled for no reason");
        known.dirty = false;
        if !good {
            let why = [RetireReason::RecycleFailed, RetireReason::Panicked];
            known.doom.extend(why);
        }
    }

    /// The objects that there are: whoever is missing had a reason to go, and nobody is there who
    /// should have gone.
    pub(crate) fn compare(&mut self, there: &[ObjectInfo], elapsed: u64, context: Context) {
        self.part(there, context);
        for info in there {
            self.see_born(info, elapsed);
            self.compare_one(info);
        }
        self.compare_rules();
        if context.whole_round && !self.closed {
            self.compare_after_round();
        }
        for known in self.objects.values_mut() {
            known.doom.clear();
        }
    }

    /// Lets those go that are not there any more.
    fn part(&mut self, there: &[ObjectInfo], context: Context) {
        let (idle_before, total_before) = (self.idle(), self.objects.len());
        let is_gone = |id: &u64| there.iter().all(|info| info.id != *id);
        let gone: Vec<u64> = self.objects.keys().copied().filter(is_gone).collect();
        // All at once: what one has made room for is no reason for another.
        let reasons: Vec<_> = gone.iter().map(|id| self.reasons(*id, context)).collect();
        let only = |why| {
            reasons
                .iter()
                .filter(|reasons| reasons[..] == [why])
                .count()
        };
        let for_idling = only(RetireReason::IdleTimeout);
        let as_surplus = only(RetireReason::Surplus);
        assert!(for_idling <= idle_before.saturating_sub(self.config.min_idle));
        assert!(as_surplus <= total_before.saturating_sub(self.config.max_size));
        for (id, reasons) in gone.into_iter().zip(reasons) {
            assert!(!reasons.is_empty(), "{id} has gone for no reason");
            self.retired += 1;
            self.objects.remove(&id);
            self.gone.insert(id, reasons);
        }
    }

    fn reasons(&self, id: u64, context: Context) -> Vec<RetireReason> {
        let known = &self.objects[&id];
        let mut reasons = known.doom.clone();
        let mut may = |why, so: bool| reasons.extend(so.then_some(why));
        may(RetireReason::Cleared, known.cleared);
        may(RetireReason::Closed, self.closed);
        // Where there is to be a stock, it is replaced in good time.
        let early = self.config.min_idle > 0 && !known.out && self.ages(known);
        let old = early || self.is_too_old(known, false);
        may(RetireReason::MaxLifetime, old);
        let before = self.count(|known| !known.made_just_now);
        may(RetireReason::Surplus, before > self.config.max_size);
        let idled = context.round && self.idled(known, false);
        may(RetireReason::IdleTimeout, idled);
        reasons
    }

    /// When exactly it was made, if time moved meanwhile, only the pool can tell.
    fn see_born(&mut self, info: &ObjectInfo, elapsed: u64) {
        let now = self.now;
        if let Some(known) = self.objects.get_mut(&info.id)
            && known.made_just_now
            && elapsed > 0
        {
            let age = millis(info.age);
            assert!(age <= elapsed, "{info:?}");
            (known.made_at, known.blur) = (now - age, 1);
            if !known.out {
                known.since = now - age;
            }
            if !known.validated {
                known.proven_at = now - age;
            }
        }
    }

    fn compare_one(&self, info: &ObjectInfo) {
        let Some(known) = self.objects.get(&info.id) else {
            panic!("nobody made {info:?}");
        };
        let state = if known.out {
            ObjectState::InUse
        } else {
            ObjectState::Idle
        };
        assert_eq!((info.state, info.uses), (state, known.uses), "{info:?}");
        let near = |span: Duration, moment| millis(span).abs_diff(self.now - moment) <= known.blur;
        assert!(near(info.age, known.made_at), "{info:?}");
        assert!(near(info.in_state_for, known.since), "{info:?}");
        let doom = &known.doom;
        assert!(doom.is_empty(), "{info:?} should have gone: {doom:?}");
    }

    fn compare_rules(&self) {
        let mut idle = self.objects.values().filter(|known| !known.out);
        assert!(
            idle.clone().all(|known| !known.cleared),
            "idle, though cleared"
        );
        let fits = !self.closed && self.objects.len() <= self.config.max_size;
        assert!(
            fits || idle.next().is_none(),
            "idle, though there are too many"
        );
    }

    /// What nobody may find who comes after a round.
    fn compare_after_round(&self) {
        let idle = || self.objects.values().filter(|known| !known.out);
        for known in idle() {
            assert!(!self.is_too_old(known, true), "too old");
            assert!(!known.dirty, "not recycled");
            assert!(!self.needs_keepalive(known, true), "not kept alive");
        }
        let lasting = || idle().filter(|known| !self.ages(known));
        let idling = lasting().any(|known| self.idled(known, true));
        assert!(
            !idling || lasting().count() <= self.config.min_idle,
            "idle for too long"
        );
        let room = self.config.max_size.saturating_sub(self.out());
        let stocked = idle().count() >= self.config.min_idle.min(room);
        assert!(self.shaky || stocked, "{} idle only", idle().count());
    }

    /// It is handed out now. Was it fit to be?
    pub(crate) fn hand_out(&mut self, id: u64) {
        assert!(!self.paused && !self.closed);
        let (now, most_uses) = (self.now, self.config.max_uses);
        let known = &self.objects[&id];
        assert!(!known.out, "{id} is handed out twice");
        assert!(!known.dirty, "{id} was not recycled");
        assert!(!known.cleared, "{id} was cleared");
        assert!(!known.suspect, "{id} is suspect");
        assert!(!self.is_too_old(known, true), "{id} is too old");
        let proven = known.validated || !self.is_stale(known, true);
        assert!(proven, "{id} was not validated");
        let known = self.objects.get_mut(&id).unwrap();
        (known.out, known.since, known.most_uses) = (true, now, most_uses);
        known.uses += 1;
        self.acquired += 1;
        let proof = self.recovering && known.uses == 1 && known.made_just_now;
        self.shaky &= !proof;
    }

    /// Objects were buried: gone before, and for the reason that they were told.
    pub(crate) fn bury(&mut self, did: &[Did]) {
        for one in did {
            if let Did::Buried(id, why) = one {
                let reasons = self.gone.remove(id);
                let reasons = reasons.unwrap_or_else(|| panic!("{id} was buried, and not retired"));
                assert!(reasons.contains(why), "{id}: {why:?}, not {reasons:?}");
            }
        }
    }
}
