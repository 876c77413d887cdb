//! Shutdown while everything goes on: everybody is told, nothing is left when it says so, and nothing
//! is made from then on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nebula_resource::manager::{DeregisterError, RegisterError, ReloadError};
use nebula_resource::{Context, Scope};
use nebula_resource_shuttle_tests::{
    Door, Flaw, KEY, Kind, Rules, Site, at_most, draw, one_in, pick,
};

const RULES: Rules = Rules {
    may_vanish: true,
    may_shut: true,
    may_be_cold: true,
    time: false,
};

/// Somebody who changes what is there, in one of the ways there are, until told that it is over.
fn changer<K: Kind>(site: &Arc<Site<K>>) {
    let changes = 1 + draw(2);
    match draw(4) {
        0 => site.task(move |site| async move {
            let order = site.order(1, None);
            let reload = site.manager().reload_config(KEY, order);
            drop(at_most(1 + draw(12), reload.into_future()).await);
        }),
        1 => site.thread(|site| {
            // Wherever it is registered anew it is a later one.
            match site.manager().deregister(KEY, &Scope::GLOBAL) {
                Ok(left) if one_in(2) => left.wait(),
                Ok(_) | Err(DeregisterError::UnknownKey { .. }) => {}
                Err(other) => panic!("{other}"),
            }
            let again = site.registration(2);
            match again
                .configure_pool(|pool| pool.warm_on_register = true)
                .wait()
            {
                Ok(_) | Err(RegisterError::Taken { .. } | RegisterError::ShuttingDown { .. }) => {}
                // Another one took it away meanwhile.
                Err(RegisterError::NotWarm { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }),
        _ => site.thread(move |site| {
            for _ in 0..changes {
                let flaw = pick(&[None, None, Some(Flaw::Unmakeable)]);
                let reload = site.manager().reload_config(KEY, site.order(1, flaw));
                match reload.wait() {
                    Ok(_)
                    | Err(
                        ReloadError::ShuttingDown { .. }
                        | ReloadError::Superseded { .. }
                        | ReloadError::UnknownKey { .. },
                    ) => {}
                    Err(ReloadError::Unproven { .. }) if flaw.is_some() => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }),
    }
}

/// One shuts down, while others reload, take away and register, and callers come.
pub(crate) fn shutdown<K: Kind>() {
    let site = Site::<K>::new(RULES);
    site.visitors(1 + draw(3), 3, &Door::ALL, Site::<K>::everybody);
    for _ in 0..1 + draw(2) {
        changer(&site);
    }
    if one_in(2) {
        site.task(|site| async move {
            site.shut_down_async().await;
        });
    } else {
        site.thread(|site| {
            site.shut_down();
        });
    }
    site.finish();
}

/// Two shut down, one of them in a hurry: both hear the same, and whatever was still out then is gone
/// in the end.
pub(crate) fn hurried<K: Kind>() {
    let site = Site::<K>::new(RULES);
    site.visitors(1 + draw(3), 3, &Door::ALL, Site::<K>::everybody);
    changer(&site);
    let reports = Arc::new(AtomicUsize::new(0));
    for _ in 0..2 {
        let reports = Arc::clone(&reports);
        site.thread(move |site| {
            site.shutting();
            let report = site.manager().shutdown().wait();
            let address = Arc::as_ptr(&report).addr();
            let other = reports.swap(address, Relaxed);
            assert!(other == 0 || other == address, "two reports");
            if !report.hurried {
                site.check_all_gone(&report);
            }
        });
    }
    site.finish();
}

/// A tenant and all that is theirs ends while the manager is shut down.
pub(crate) fn scope_ends<K: Kind>() {
    let site = Site::<K>::new(RULES);
    let acme = Scope::tenant("acme").unwrap();
    let theirs = site.registration(1).scope(acme.clone());
    drop(theirs.wait().unwrap());
    let in_acme = || Context::new(Scope::tenant("acme").unwrap());
    site.visitors(1 + draw(2), 2, &[Door::Key, Door::Name], in_acme);
    changer(&site);
    let (first, second) = (one_in(2), one_in(2));
    site.thread(move |site| {
        let ending = site.manager().end_scope(&Scope::tenant("acme").unwrap());
        if first {
            ending.wait();
            let alive = site.hall().alive_of("tenant acme", K::GOES_ON);
            assert!(alive.is_empty(), "of a tenant that has ended: {alive:?}");
        }
    });
    if second {
        site.thread(|site| {
            site.shut_down();
        });
    }
    site.finish();
}
