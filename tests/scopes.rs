//! Is a scope a boundary: can nobody, by any way to make a scope, stand inside another's?
//!
//! Scopes are made from few identifiers here, so that different ones often share some.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use futures::executor::block_on;
use nebula_resource::scope::{Level, Scope, ScopeError};
use nebula_resource::{Context, CreateContext, Manager, Resource, ResourceError};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is named from tenant to action.
type Names = [Option<String>; 4];

const FIELDS: [&str; 4] = ["tenant", "workflow", "execution", "action"];

fn id() -> impl Strategy<Value = String> {
    let few = prop::sample::select(vec!["a", "b", "ab", "A", "global", "tenant"]);
    prop_oneof![9 => few.prop_map(str::to_owned), 1 => "[a-zß-ü0-9_.:/-]{1,12}"]
}

fn names() -> impl Strategy<Value = Names> {
    prop::array::uniform4(prop::option::weighted(0.7, id()))
}

/// Names of which the second and the third often have a part of the one before.
fn related() -> impl Strategy<Value = [Names; 3]> {
    let mix = |one: &Names, other: &Names, keep: &[bool; 4]| -> Names {
        std::array::from_fn(|i| {
            if keep[i] {
                one[i].clone()
            } else {
                other[i].clone()
            }
        })
    };
    let keep = || prop::array::uniform4(prop::bool::weighted(0.8));
    (names(), names(), names(), keep(), keep()).prop_map(move |(one, two, three, first, second)| {
        let two = mix(&one, &two, &first);
        let three = mix(&two, &three, &second);
        [one, two, three]
    })
}

/// Through the constructors.
fn built(names: &Names) -> Scope {
    let mut scope = Scope::GLOBAL;
    for (level, id) in names.iter().enumerate() {
        let Some(id) = id else { continue };
        scope = match level {
            0 => Scope::tenant(id),
            1 => scope.workflow(id),
            2 => scope.execution(id),
            _ => scope.action(id),
        }
        .unwrap();
    }
    scope
}

/// Through a file.
fn read(names: &Names) -> Scope {
    let written = FIELDS.iter().zip(names).filter_map(|(field, id)| {
        let id = id.as_ref()?;
        Some((field.to_string(), Value::String(id.clone())))
    });
    let map: serde_json::Map<_, _> = written.collect();
    let value = if map.is_empty() {
        json!("global")
    } else {
        Value::Object(map)
    };
    serde_json::from_value(value).unwrap()
}

/// The definition, said another way: down to the level of the wide one, all names are the same.
fn ought_to_contain(wide: &Names, narrow: &Names) -> bool {
    let depth = wide
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |last| last + 1);
    wide[..depth] == narrow[..depth]
}

proptest! {
    #[test]
    fn containment_is_by_all_names(names in related(), through_files: [bool; 3]) {
        let scopes: [Scope; 3] = std::array::from_fn(|i| {
            if through_files[i] { read(&names[i]) } else { built(&names[i]) }
        });
        for (one, its) in scopes.iter().zip(&names) {
            for (two, theirs) in scopes.iter().zip(&names) {
                prop_assert_eq!(one.contains(two), ought_to_contain(its, theirs), "{} {}", one, two);
                prop_assert_eq!(one == two, its == theirs, "{} {}", one, two);
            }
        }
    }

    #[test]
    fn containment_is_a_partial_order(names in related()) {
        let [one, two, three] = names.each_ref().map(built);
        prop_assert!(one.contains(&read(&names[0])), "reflexive");
        if one.contains(&two) && two.contains(&three) {
            prop_assert!(one.contains(&three), "transitive: {} {} {}", one, two, three);
        }
        if one.contains(&two) && two.contains(&one) {
            prop_assert_eq!(&one, &two, "antisymmetric");
        }
        prop_assert!(Scope::GLOBAL.contains(&one));
        prop_assert_eq!(one.contains(&Scope::GLOBAL), one == Scope::GLOBAL);
    }

    /// Also when there are more names below the one that differs, on either side.
    #[test]
    fn who_differs_in_one_name_is_outside(names in names(), level in 0..4_usize, other in id()) {
        let mut differs = names.clone();
        differs[level] = Some(other);
        let mut without = names.clone();
        without[level] = None;
        for others in [differs, without] {
            prop_assume!(names[level].is_some() && others[level] != names[level]);
            let (one, two) = (built(&names), built(&others));
            // Who names the level at all does not contain who names another there.
            prop_assert!(!one.contains(&two), "{} {}", one, two);
            if others[level].is_some() {
                prop_assert!(!two.contains(&one), "{} {}", two, one);
            }
        }
    }

    #[test]
    fn the_way_up_never_crosses_a_tenant(names in names()) {
        let scope = read(&names);
        let way: Vec<_> = scope.ancestors().collect();
        prop_assert_eq!(way.first(), Some(&&scope));
        prop_assert_eq!(way.last(), Some(&&Scope::GLOBAL));
        prop_assert_eq!(way.len(), 1 + names.iter().flatten().count());
        prop_assert!(way.is_sorted_by(|one, next| one.level() > next.level()));
        for above in way {
            prop_assert!(above.contains(&scope));
            let same_tenant = above.tenant_id() == names[0].as_deref();
            prop_assert!(same_tenant || *above == Scope::GLOBAL, "{}", above);
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same(names in names()) {
        let scope = built(&names);
        let written = serde_json::to_string(&scope).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Scope>(&written).unwrap(), &scope, "{}", written);
        let ids = [scope.tenant_id(), scope.workflow_id(), scope.execution_id(), scope.action_id()];
        prop_assert_eq!(ids, names.each_ref().map(|name| name.as_deref()));
    }

    /// Who writes a name into a log cannot make it say another scope.
    #[test]
    fn different_scopes_show_differently(one in names(), two in names(), bait in names()) {
        let shown_alike = |one: &Scope, two: &Scope| one.to_string() == two.to_string();
        let (one, two) = (built(&one), built(&two));
        prop_assert_eq!(shown_alike(&one, &two), one == two);
        let sentence: String = built(&bait).to_string().chars().take(60).collect();
        let spoof = Scope::tenant(sentence.trim()).unwrap();
        prop_assert_eq!(shown_alike(&one, &spoof), one == spoof);
    }

    /// Any text at all: it is accepted or refused, the same in code and in files, and what is
    /// accepted can be told from everything else.
    #[test]
    fn code_and_files_refuse_the_same(id in ".{0,140}") {
        let built = Scope::tenant(&id);
        let read = serde_json::from_value::<Scope>(json!({ "tenant": id }));
        prop_assert_eq!(built.is_ok(), read.is_ok());
        if let (Ok(built), Ok(read)) = (built, read) {
            prop_assert_eq!(&built, &read);
            prop_assert_eq!(built.tenant_id(), Some(&*id));
            prop_assert!(!id.is_empty() && id.len() <= 128);
        }
    }
}

/// What is registered for whom.
struct Owned;

impl Resource for Owned {
    type Config = ();
    type Instance = Scope;
    type Error = std::io::Error;

    async fn create(&self, (): &(), made_for: &CreateContext) -> std::io::Result<Scope> {
        Ok(made_for.scope().clone())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever asks, by whatever door: the narrowest of those that contain the caller, or nothing.
    #[test]
    fn fault_25_lookup_never_leaves_the_way_up(
        owners in prop::collection::btree_set(related(), 1..4),
        caller in related(),
    ) {
        let owners: BTreeSet<_> = owners.into_iter().flatten().collect();
        let callers = caller.iter().chain(&owners).cloned();
        let manager = Manager::new();
        for owner in &owners {
            manager.register("it", Owned, ()).scope(read(owner)).wait().unwrap();
        }
        for caller in callers {
            let containing = owners.iter().filter(|owner| ought_to_contain(owner, &caller));
            let depth = |owner: &&Names| owner.iter().flatten().count();
            let expected = containing.max_by_key(depth).map(built);
            let ctx = Context::new(read(&caller));
            let by_thread = manager.acquire_blocking::<Owned>("it", &ctx);
            let by_task = block_on(manager.acquire::<Owned>("it", &ctx));
            let handle = manager.handle::<Owned>("it", &ctx);
            prop_assert_eq!(handle.ok().map(|handle| handle.scope().clone()), expected.clone());
            for got in [by_thread, by_task] {
                let refused = matches!(got, Err(ResourceError::OutOfScope { .. }));
                prop_assert_eq!(refused, expected.is_none());
                prop_assert_eq!(got.ok().map(|got| got.clone()), expected.clone());
            }
        }
    }
}

#[test]
fn hostile_identifiers_are_refused() {
    let refused = |id: &str| Scope::tenant(id).unwrap_err().to_string();
    assert_eq!(refused(""), "the tenant id must not be empty");
    let untrimmed = r#"the tenant id must not begin or end with white space, got "acme\n""#;
    assert_eq!(refused("acme\n"), untrimmed);
    let unprintable = r#"the tenant id must be printable, got "ac\u{202e}me""#;
    assert_eq!(refused("ac\u{202e}me"), unprintable);
    let too_long = "the tenant id must have at most 128 bytes, got 1000000";
    assert_eq!(refused(&"x".repeat(1_000_000)), too_long);
}

#[test]
fn every_level_refuses_an_empty_identifier() {
    let refused = [
        Scope::tenant(""),
        Scope::GLOBAL.workflow(""),
        Scope::GLOBAL.execution(""),
        Scope::GLOBAL.action(""),
    ];
    let levels = [
        Level::Tenant,
        Level::Workflow,
        Level::Execution,
        Level::Action,
    ];
    for (refused, level) in refused.into_iter().zip(levels) {
        assert_eq!(refused, Err(ScopeError::Empty { level }));
    }
}

#[test]
fn a_scope_is_made_from_the_outside_in() {
    let run = Scope::tenant("acme").unwrap().execution("7").unwrap();
    let action = run.action("send").unwrap();
    for (level, refused) in [
        (Level::Workflow, run.workflow("late")),
        (Level::Execution, run.execution("8")),
        (Level::Action, action.action("again")),
    ] {
        let Err(ScopeError::OutOfOrder { level: refused, .. }) = refused else {
            panic!("{level}: {refused:?}");
        };
        assert_eq!(refused, level);
    }
    let text = run.execution("8").unwrap_err().to_string();
    assert!(
        text.contains("no execution inside execution 7 in tenant acme"),
        "{text}"
    );
}

/// What must not be read as a scope, above all not as a wider one than was meant.
#[test]
fn hostile_files_are_refused() {
    let refused = [
        "{}",
        "null",
        "true",
        "7",
        "[]",
        r#"["acme"]"#,
        r#""""#,
        r#""Global""#,
        r#""tenant""#,
        r#""acme""#,
        r#"{"tenant": ""}"#,
        r#"{"tenant": " "}"#,
        r#"{"tenant": null}"#,
        r#"{"tenant": 7}"#,
        r#"{"tenant": ["acme"]}"#,
        r#"{"tenant": {"tenant": "acme"}}"#,
        r#"{"Tenant": "acme"}"#,
        r#"{"tenant_id": "acme"}"#,
        r#"{"global": "global"}"#,
        r#"{"global": null}"#,
        r#"{"tenant": "acme", "workfow": "typing error"}"#,
        r#"{"tenant": "acme", "workflow": null}"#,
        r#"{"tenant": "acme", "workflow": ""}"#,
        r#"{"tenant": "acme", "tenant": "globex"}"#,
        r#"{"tenant": "acme", "tenant": "acme"}"#,
        r#"{"tenant": "acme\u0000"}"#,
        r#"{"tenant": "ac\u200bme"}"#,
    ];
    for text in refused {
        let read = serde_json::from_str::<Scope>(text);
        assert!(read.is_err(), "{text} was read as {read:?}");
    }
}

#[test]
fn a_file_may_name_the_levels_in_any_order() {
    let written = r#"{"execution": "7", "tenant": "acme", "workflow": "w"}"#;
    let scope = Scope::tenant("acme")
        .unwrap()
        .workflow("w")
        .unwrap()
        .execution("7")
        .unwrap();
    assert_eq!(serde_json::from_str::<Scope>(written).unwrap(), scope);
}

/// Byte for byte: what looks the same to some is another to us.
#[test]
fn identifiers_are_not_folded() {
    let composed = Scope::tenant("caf\u{e9}").unwrap();
    let decomposed = Scope::tenant("cafe\u{301}").unwrap();
    let upper = Scope::tenant("CAF\u{c9}").unwrap();
    assert!(!composed.contains(&decomposed) && !decomposed.contains(&composed));
    assert!(!composed.contains(&upper) && !upper.contains(&composed));
}
