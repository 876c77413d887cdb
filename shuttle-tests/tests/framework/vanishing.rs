//! A resource that is taken away and comes again while callers ask for it: they get one or are told
//! that there is none, and nothing of what was taken away before they asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nebula_resource::Scope;
use nebula_resource::manager::dependency::DependencyError;
use nebula_resource::manager::{DeregisterError, RegisterError};
use nebula_resource_shuttle_tests::{Door, KEY, Kind, Origin, Rules, Site, draw, one_in};

/// What needs it.
const REPORTS: &str = "reports";

/// One takes it away and brings it back, with another configuration and perhaps visible before it is
/// warm; a handle of the first registration finds the later ones.
pub(crate) fn vanishes<K: Kind>() {
    let site = Site::<K>::new(Rules {
        may_vanish: true,
        may_be_cold: true,
        ..Rules::default()
    });
    site.visitors(1 + draw(3), 3, &Door::ALL, Site::<K>::everybody);
    site.thread(|site| {
        for epoch in 2..3 + draw(2) {
            let left = site.manager().deregister(KEY, &Scope::GLOBAL).unwrap();
            // From now on nobody gets what is older than the next.
            site.in_force(epoch, 0);
            let warm = one_in(2);
            let registration = site.registration(epoch);
            let registration = registration.configure_pool(|pool| pool.warm_on_register = warm);
            let handle = registration.wait().unwrap();
            site.in_force(epoch, 1);
            drop(handle.acquire_blocking().unwrap());
            if one_in(2) {
                left.wait();
                let alive = site.hall().alive(K::GOES_ON);
                let gone = |origin: &Origin| origin.epoch != epoch - 1;
                assert!(alive.iter().all(gone), "{alive:?}");
            }
        }
    });
    site.finish();
}

/// Two take it away, two register it, one registers what needs it: of those that do the same at once
/// one succeeds, and nothing that is needed is taken away.
pub(crate) fn crowding<K: Kind>() {
    let site = Site::<K>::new(Rules {
        may_vanish: true,
        ..Rules::default()
    });
    let there = Arc::new(AtomicUsize::new(1));
    for epoch in [2, 3] {
        let there = Arc::clone(&there);
        site.thread(move |site| {
            match site.manager().deregister(KEY, &Scope::GLOBAL) {
                Ok(_) => drop(there.fetch_sub(1, Relaxed)),
                Err(DeregisterError::UnknownKey { .. } | DeregisterError::Needed(_)) => {}
                Err(other) => panic!("{other}"),
            }
            match site.registration(epoch).wait() {
                Ok(_) => drop(there.fetch_add(1, Relaxed)),
                Err(RegisterError::Taken { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        });
    }
    site.thread(|site| {
        let needy = site
            .manager()
            .register(REPORTS, K::new(site.hall()), site.order(1, None));
        match needy.depends_on([KEY]).wait() {
            // As long as it is there, so is what it needs.
            Ok(needy) => {
                site.visit_blocking(Door::Key, &Site::<K>::everybody());
                let known = site.manager().status();
                assert!(known.get(KEY, &Scope::GLOBAL).is_some(), "{known}");
                drop(needy.acquire_blocking().unwrap());
                let kept = site.manager().deregister(KEY, &Scope::GLOBAL);
                assert!(matches!(kept, Err(DeregisterError::Needed(_))), "{kept:?}");
                drop(site.manager().deregister(REPORTS, &Scope::GLOBAL).unwrap());
            }
            Err(RegisterError::Dependency(DependencyError::Unknown { .. })) => {}
            Err(other) => panic!("{other}"),
        }
    });
    site.visitors(1 + draw(2), 2, &Door::ALL, Site::<K>::everybody);
    site.join();
    assert_eq!(there.load(Relaxed), site.manager().status().resources.len());
    site.finish();
}
