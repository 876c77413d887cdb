//! Is there an operation of a pool that no random history tries?
//!
//! Reads the public functions of the handle, the doors, the guard and the closing, and the fields of
//! the configuration, out of the sources, and looks up where each is tried. A new one that is in
//! no list fails, so that whoever adds it decides into which history it belongs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where an operation is tried: this text stands in that file.
type Tried = (&'static str, &'static str);

const AGES: &str = "oracle_care.rs";
const DOORS: &str = "oracle_care/world.rs";
const LINE: &str = "oracle.rs";
const WORLD: &str = "oracle/world.rs";

/// What both facades share.
const CORE: [&str; 4] = [
    "core/src/pool.rs",
    "core/src/doors.rs",
    "core/src/guard.rs",
    "core/src/closing.rs",
];

/// Every operation of a pool and of what it gives out, and the histories that try it.
const OPERATIONS: [(&str, &[Tried]); 32] = [
    (
        "acquire_async",
        &[(DOORS, ".acquire_async()"), (WORLD, ".acquire_async()")],
    ),
    (
        "acquire_async_deadline",
        &[(DOORS, ".acquire_async_deadline(")],
    ),
    (
        "acquire_async_many",
        &[
            (DOORS, ".acquire_async_many("),
            (WORLD, ".acquire_async_many("),
        ],
    ),
    ("acquire_async_owned", &[(DOORS, ".acquire_async_owned()")]),
    (
        "acquire_async_timeout",
        &[
            (DOORS, ".acquire_async_timeout("),
            (WORLD, ".acquire_async_timeout("),
        ],
    ),
    ("acquire_blocking", &[(DOORS, ".acquire_blocking()")]),
    (
        "acquire_blocking_deadline",
        &[(DOORS, ".acquire_blocking_deadline(")],
    ),
    (
        "acquire_blocking_many",
        &[(DOORS, ".acquire_blocking_many(")],
    ),
    (
        "acquire_blocking_owned",
        &[(DOORS, ".acquire_blocking_owned()")],
    ),
    (
        "acquire_blocking_timeout",
        &[(DOORS, ".acquire_blocking_timeout(")],
    ),
    ("audit", &[(AGES, "pool.audit()"), (LINE, "pool.audit()")]),
    ("clear", &[(AGES, "pool.clear()"), (LINE, "pool.clear()")]),
    ("close", &[(AGES, "pool.close()"), (LINE, "pool.close()")]),
    ("config", &[(AGES, "pool.config()")]),
    (
        "detach",
        &[(AGES, "guard.detach()"), (LINE, "guard.detach()")],
    ),
    (
        "discard",
        &[(AGES, "guard.discard()"), (LINE, "guard.discard()")],
    ),
    ("held_for", &[(AGES, "guard.held_for()")]),
    ("info", &[(AGES, "guard.info()")]),
    ("is_closed", &[(AGES, "pool.is_closed()")]),
    ("objects", &[(AGES, "pool.objects()")]),
    (
        "oldest_waiter",
        &[
            (AGES, "pool.oldest_waiter()"),
            (LINE, "pool.oldest_waiter()"),
        ],
    ),
    ("pause", &[(AGES, "pool.pause()"), (LINE, "pool.pause()")]),
    (
        "reconfigure",
        &[(AGES, "pool.reconfigure("), (LINE, "pool.reconfigure(")],
    ),
    (
        "release",
        &[(DOORS, "guard.release()"), (LINE, "guard.release()")],
    ),
    ("release_blocking", &[(DOORS, "guard.release_blocking()")]),
    ("resize", &[(AGES, "pool.resize("), (LINE, "pool.resize(")]),
    (
        "resume",
        &[(AGES, "pool.resume()"), (LINE, "pool.resume()")],
    ),
    ("retain", &[(AGES, "pool.retain("), (LINE, "pool.retain(")]),
    (
        "run_maintenance",
        &[
            (AGES, "pool.run_maintenance()"),
            (LINE, "pool.run_maintenance()"),
        ],
    ),
    ("stats", &[(AGES, "pool.stats()"), (LINE, "pool.stats()")]),
    (
        "status",
        &[(AGES, "pool.status()"), (LINE, "pool.status()")],
    ),
    (
        "try_acquire",
        &[(DOORS, ".try_acquire()"), (LINE, ".try_acquire()")],
    ),
];

/// More of them, which have no other history.
const AND: [(&str, &[Tried]); 3] = [
    ("try_acquire_owned", &[(DOORS, ".try_acquire_owned()")]),
    ("wait", &[(AGES, ".close().wait()")]),
    ("wait_timeout", &[(AGES, "closing.wait_timeout(")]),
];

/// For facades and the framework only, or with tests of their own.
const NO_OPERATION: [&str; 8] = [
    "assemble",
    "with_defaults",
    "shared",
    "begin",
    "begin_at_once",
    "rest",
    "home",
    "bury_retired",
];

/// What a facade adds: names for what core does, one line each.
const FACADES: [(&str, &[&str]); 2] = [
    ("async/src/pool.rs", &FACADE),
    ("sync/src/pool.rs", &FACADE),
];
const FACADE: [&str; 8] = [
    "acquire",
    "acquire_deadline",
    "acquire_many",
    "acquire_owned",
    "acquire_timeout",
    "builder",
    "maintain",
    "new",
];

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names after `pub fn`, whatever stands between the two words.
fn public_functions(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().map(str::trim_start);
    let public = lines.filter_map(|line| line.strip_prefix("pub "));
    let functions = public.filter_map(|line| {
        let line = line.strip_prefix("const ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
    });
    functions
        .filter_map(|line| line.split(['(', '<']).next())
        .collect()
}

/// The fields of `PoolConfig`.
fn fields(text: &str) -> BTreeSet<&str> {
    let (_, body) = text.split_once("pub struct PoolConfig {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let lines = body.lines().map(str::trim_start);
    lines
        .filter_map(|line| line.strip_prefix("pub ")?.split(':').next())
        .collect()
}

#[test]
fn every_operation_is_in_a_history() {
    let texts = CORE.map(source);
    let mut there: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| public_functions(text))
        .collect();
    there.retain(|name| !NO_OPERATION.contains(name));
    let tried = || OPERATIONS.iter().chain(&AND);
    let listed: BTreeSet<&str> = tried().map(|(name, _)| *name).collect();
    assert_eq!(there, listed, "what there is, and what histories try");
    for (name, places) in tried() {
        for (file, text) in *places {
            let found = source(&format!("tests/{file}")).contains(text);
            assert!(found, "{name}: no `{text}` in tests/{file}");
        }
    }
}

#[test]
fn facades_add_names_only() {
    for (file, names) in FACADES {
        let text = source(file);
        let names: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(public_functions(&text), names, "{file}");
    }
}

#[test]
fn every_field_is_changed_in_a_history() {
    let (config, changes) = (
        source("core/src/config/mod.rs"),
        source("tests/oracle_care/change.rs"),
    );
    let fields = fields(&config);
    assert!(fields.len() > 20, "{fields:?}");
    for field in fields {
        let changed = changes.contains(&format!("config.{field} ="));
        assert!(changed, "{field} is changed in no history");
    }
}

#[test]
fn a_new_operation_would_be_noticed() {
    let text = "    pub fn known(&self) {}\n    pub(crate) fn hidden() {}\n    pub const fn new<T>() {}\n\
                pub async fn later() {}\n    fn private() {}";
    let names: Vec<_> = public_functions(text).into_iter().collect();
    assert_eq!(names, ["known", "later", "new"]);
    let text = "pub struct PoolConfig {\n    /// One.\n    #[serde]\n    pub one: u8,\n    pub two: u8,\n}";
    assert_eq!(fields(text).len(), 2);
}
