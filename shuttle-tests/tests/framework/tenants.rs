//! Pools that tenants have from a template: one for each, never more instances than there may be, and
//! nothing left of a tenant that has ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nebula_resource::{Context, Scope};
use nebula_resource_shuttle_tests::{Door, KEY, Kind, Rules, Site, draw, one_in, pick};

const TENANTS: [&str; 3] = ["acme", "globex", "initech"];
const DOORS: [Door; 2] = [Door::Key, Door::Name];

fn somebody<K: Kind>() -> Context {
    Site::<K>::tenant(&TENANTS)
}

/// Registers a template of which tenants may have `together` in all and `each` for themselves.
fn template<K: Kind>(site: &Arc<Site<K>>, together: usize, each: usize, patience: Duration) {
    site.hall().cap(together, each);
    let hall = Arc::clone(site.hall());
    let orders = move |_: &str| hall.order(1, None);
    let manager = site.manager();
    let registering = manager.register_per_tenant(KEY, K::new(site.hall()), orders);
    let registering = registering
        .at_most_together(together)
        .put_away_after(patience);
    registering.wait().unwrap();
}

/// Everybody comes at once for the first time, and there is room for all: of those of one tenant all
/// get an instance of the same pool.
pub(crate) fn tenants_come<K: Kind>() {
    let each = 1 + draw(2);
    let site = Site::<K>::with_size(Rules::default(), each);
    template(
        &site,
        each * TENANTS.len(),
        each,
        Duration::from_secs(3_600),
    );
    let pools = Arc::<Mutex<BTreeMap<&str, usize>>>::default();
    for _ in 0..3 + draw(3) {
        let pools = Arc::clone(&pools);
        site.thread(move |site| {
            let tenant = pick(&TENANTS);
            let context = Site::<K>::tenant(&[tenant]);
            let got = site.manager().acquire_blocking::<K>(KEY, &context).unwrap();
            let (number, owner) = (got.origin.number, got.scope().clone());
            drop(got);
            assert_eq!(owner, Scope::tenant(tenant).unwrap());
            let first = *pools.lock().unwrap().entry(tenant).or_insert(number);
            assert_eq!(first, number, "{tenant} has two pools");
        });
    }
    site.finish();
}

/// There is less than all would like; tenants are put away, end and come again, and time passes.
pub(crate) fn tenants_short<K: Kind>() {
    let site = Site::<K>::with_size(
        Rules {
            time: true,
            ..Rules::default()
        },
        1 + draw(2),
    );
    let patience = pick(&[Duration::from_millis(20), Duration::from_secs(2)]);
    let together = 1 + draw(3);
    template(&site, together, site.size(), patience);
    site.visitors(2 + draw(3), 3, &DOORS, somebody::<K>);
    if one_in(2) {
        site.thread(|site| {
            let ending = site.manager().end_scope(&Scope::tenant("acme").unwrap());
            drop(ending.wait());
        });
    }
    site.finish();
}

/// A tenant ends, the template goes, the manager shuts down, and there is nothing left of what has ended.
pub(crate) fn tenants_end<K: Kind>() {
    let site = Site::<K>::with_size(
        Rules {
            may_vanish: true,
            may_shut: true,
            ..Rules::default()
        },
        5,
    );
    // So little that a newcomer has others put away, and enough that nobody waits for what they have.
    template(&site, 9, site.size(), Duration::from_secs(3_600));
    site.visitors(2 + draw(3), 4, &DOORS, somebody::<K>);
    let (shuts, goes) = (!one_in(3), one_in(3));
    site.thread(|site| {
        let before = site.hall().alive_of("tenant acme", K::GOES_ON);
        drop(
            site.manager()
                .end_scope(&Scope::tenant("acme").unwrap())
                .wait(),
        );
        let after = site.hall().alive_of("tenant acme", K::GOES_ON);
        let left: Vec<_> = after.iter().filter(|left| before.contains(left)).collect();
        assert!(left.is_empty(), "of a tenant that has ended: {left:?}");
    });
    if goes {
        site.thread(|site| {
            if let Ok(draining) = site.manager().deregister(KEY, &Scope::GLOBAL) {
                draining.wait();
            }
        });
    }
    if shuts {
        site.thread(|site| {
            site.shut_down();
        });
    }
    site.finish();
}
