//! How the tests of hooks and events listen: what was told, in lines.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::sync::{Arc, Mutex};

use nebula_resource::events::{EventKind, Subscription, TryRecvError};
use nebula_resource::hooks::{Audit, Hook};
use nebula_resource::runtime::Manual;
use nebula_resource::{Manager, Scope};

use crate::world::{Db, DbConfig, small};

/// What was heard: one line for each event, without its times.
pub(crate) fn heard(subscription: &mut Subscription) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match subscription.try_recv() {
            Ok(event) => lines.push(line(&event.key, &event.scope, &event.kind)),
            Err(TryRecvError::Empty) => return lines,
            Err(other) => panic!("{other}"),
        }
    }
}

pub(crate) fn line(key: &str, scope: &Scope, kind: &EventKind) -> String {
    let what = match kind {
        EventKind::StateChanged { from, to } => format!("{from} to {to}"),
        EventKind::Created { id, .. } => format!("created {id}"),
        EventKind::CreateFailed { error, .. } => format!("not created: {error}"),
        EventKind::Acquired { id, waited, caller } => format!("{caller} got {id} in {waited:?}"),
        EventKind::Released { id, held, caller } => format!("{caller} had {id} for {held:?}"),
        EventKind::Exhausted { waited, .. } => format!("exhausted for {waited:?}"),
        EventKind::CleanedUp { id, reason } => format!("let {id} go: {reason:?}"),
        EventKind::Reloaded { generation } => format!("reloaded as {generation}"),
        EventKind::ReloadRefused { error } => format!("not reloaded: {error}"),
        EventKind::HookObjected {
            hook,
            operation,
            reason,
        } => {
            format!("{hook} against {operation}: {reason}")
        }
        EventKind::Closed => "closed".to_owned(),
        other => format!("{other:?}"),
    };
    match *scope == Scope::GLOBAL {
        true => format!("{key}: {what}"),
        false => format!("{key} of {scope}: {what}"),
    }
}

/// A manager whose time stands still.
pub(crate) fn still() -> (Manual, Manager) {
    let runtime = Manual::new();
    let manager = Manager::builder()
        .runtime(runtime.clone())
        .pool(small(1))
        .build();
    (runtime, manager)
}

pub(crate) fn register(manager: &Manager, key: &str, scope: Scope) -> Db {
    let db = Db::new();
    let registration = manager
        .register(key, db.clone(), DbConfig::new(key))
        .scope(scope);
    registration.wait().unwrap();
    db
}

/// What hooks were told, one line each.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn audit(&self) -> impl Hook + use<> {
        let log = self.clone();
        Audit::new(move |record| log.0.lock().unwrap().push(record.to_string()))
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
