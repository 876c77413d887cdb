//! Another configuration while callers come: at no moment is there nothing, and what was replaced is
//! not handed out again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nebula_resource::Scope;
use nebula_resource::manager::{ReloadError, Reloaded};
use nebula_resource_shuttle_tests::{
    Door, Flaw, KEY, Kind, Order, Rules, Site, at_most, draw, one_in, pick,
};

/// What became of reloads.
#[derive(Default)]
pub(crate) struct Tally {
    won: AtomicUsize,
    lost: AtomicUsize,
    refused: AtomicUsize,
    /// The configuration in force, with the generation before it.
    last: AtomicUsize,
}

impl Tally {
    /// One ended; `number` is its configuration's.
    pub(crate) fn count<K: Kind>(
        &self,
        site: &Site<K>,
        order: &Order,
        ended: Result<Reloaded, ReloadError>,
    ) {
        match ended {
            Ok(reloaded) => {
                assert_eq!(order.flaw, None, "it does not work");
                site.in_force(order.epoch, reloaded.generation);
                let last = reloaded.generation as usize * 1_000 + order.number;
                let before = self.last.fetch_max(last, Relaxed) / 1_000;
                assert_ne!(before, reloaded.generation as usize, "two have won");
                self.won.fetch_add(1, Relaxed);
            }
            Err(ReloadError::Superseded { .. }) => {
                self.lost.fetch_add(1, Relaxed);
            }
            Err(ReloadError::Invalid { .. }) => {
                assert_eq!(order.flaw, Some(Flaw::Invalid));
                self.refused.fetch_add(1, Relaxed);
            }
            Err(ReloadError::Unproven { .. }) => {
                assert_eq!(order.flaw, Some(Flaw::Unmakeable));
                self.refused.fetch_add(1, Relaxed);
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// The last one that won serves.
    fn check<K: Kind>(&self, site: &Site<K>) {
        let (won, lost) = (self.won.load(Relaxed), self.lost.load(Relaxed));
        assert!(won > 0 || lost == 0, "{lost} have lost against nobody");
        let status = site.manager().status();
        let generation = status.get(KEY, &Scope::GLOBAL).unwrap().generation;
        assert_eq!(generation as usize, 1 + won);
        if won > 0 {
            let everybody = Site::<K>::everybody();
            let got = site
                .manager()
                .acquire_blocking::<K>(KEY, &everybody)
                .unwrap();
            let last = got.origin.generation as usize * 1_000 + got.origin.number;
            assert_eq!(last, self.last.load(Relaxed));
        }
    }
}

/// One reloads, again and again; everybody is served, and nobody with less than what was in force when
/// they asked.
pub(crate) fn one_reloads<K: Kind>() {
    let site = Site::<K>::new(Rules::default());
    site.visitors(1 + draw(3), 3, &Door::ALL, Site::<K>::everybody);
    let reloads = 1 + draw(2);
    let tally = Arc::<Tally>::default();
    let mine = Arc::clone(&tally);
    site.thread(move |site| {
        for _ in 0..reloads {
            let order = site.order(1, None);
            let reload = site.manager().reload_config(KEY, order.clone());
            mine.count(site, &order, reload.wait());
            site.visit_blocking(pick(&Door::ALL), &Site::<K>::everybody());
        }
    });
    site.join();
    assert_eq!(tally.won.load(Relaxed), reloads);
    tally.check(&site);
    site.finish();
}

/// Two reload at once, some with what does not work, one loses patience: of two that began with the
/// same, one wins, and who did not win is told why.
pub(crate) fn two_reload<K: Kind>() {
    let site = Site::<K>::new(Rules::default());
    let tally = Arc::<Tally>::default();
    site.visitors(1 + draw(2), 2, &Door::ALL, Site::<K>::everybody);
    for _ in 0..2 {
        let (tally, reloads) = (Arc::clone(&tally), 1 + draw(2));
        site.thread(move |site| {
            for _ in 0..reloads {
                let flaw = pick(&[None, None, Some(Flaw::Invalid), Some(Flaw::Unmakeable)]);
                let order = site.order(1, flaw);
                let reload = site.manager().reload_config(KEY, order.clone());
                tally.count(site, &order, reload.wait());
            }
        });
    }
    if one_in(2) {
        let tally = Arc::clone(&tally);
        site.task(move |site| async move {
            let order = site.order(1, None);
            let reload = site.manager().reload_config(KEY, order.clone());
            if let Some(ended) = at_most(1 + draw(12), reload.into_future()).await {
                tally.count(&site, &order, ended);
            }
        });
    }
    site.join();
    tally.check(&site);
    site.finish();
}
