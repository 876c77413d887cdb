//! The graph against a table of who reaches whom, and its errors word for word.

use proptest::prelude::*;

use super::*;

const KEYS: u8 = 7;

type Registration = (u8, Vec<u8>);

/// Registrations that are not added yet may be needed, and some never are.
fn registrations() -> impl Strategy<Value = Vec<Registration>> {
    let needs = prop::collection::vec(0..=KEYS, 0..3);
    prop::collection::vec((0..KEYS, needs), 0..5)
}

/// Mostly without cycles: a key needs smaller ones.
fn harmless() -> impl Strategy<Value = Vec<Registration>> {
    let downward = |(key, needs): Registration| {
        let needs = needs.into_iter().filter(|need| *need < key).collect();
        (key, needs)
    };
    registrations().prop_map(move |batch| batch.into_iter().map(downward).collect())
}

/// Who reaches whom over the needs of `all`, in one step or more.
fn reaches(all: &[Registration]) -> [[bool; KEYS as usize + 1]; KEYS as usize + 1] {
    let mut reaches = [[false; KEYS as usize + 1]; KEYS as usize + 1];
    for (key, needs) in all {
        for need in needs {
            reaches[*key as usize][*need as usize] = true;
        }
    }
    for via in 0..reaches.len() {
        for from in 0..reaches.len() {
            for to in 0..reaches.len() {
                reaches[from][to] |= reaches[from][via] && reaches[via][to];
            }
        }
    }
    reaches
}

fn level_of(levels: &[Vec<u8>], key: u8) -> usize {
    let holding: Vec<usize> = (0..levels.len())
        .filter(|level| levels[*level].contains(&key))
        .collect();
    assert_eq!(holding.len(), 1, "{key} is in one level of {levels:?}");
    holding[0]
}

fn check_cycle(path: &[u8], all: &[Registration], batch: &[Registration]) {
    assert!(path.len() >= 2 && path.first() == path.last(), "{path:?}");
    for step in path.windows(2) {
        let needed = |(key, needs): &Registration| *key == step[0] && needs.contains(&step[1]);
        assert!(
            all.iter().any(needed),
            "{path:?}: nobody asked for {step:?}"
        );
    }
    let mut inside = path[1..].to_vec();
    inside.sort_unstable();
    inside.dedup();
    assert_eq!(inside.len(), path.len() - 1, "{path:?} takes a detour");
    assert!(
        batch.iter().any(|(key, _)| *key == path[0]),
        "{path:?} begins elsewhere"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_added_can_be_started_and_what_cannot_changes_nothing(
        first in harmless(), batch in registrations(),
    ) {
        let mut graph = Graph::new();
        let old = if graph.add(&first).is_ok() { first } else { Vec::new() };
        let before = graph.clone();
        let all: Vec<_> = old.iter().chain(&batch).cloned().collect();
        let is_known = |key: &u8| all.iter().any(|(known, _)| known == key);
        let is_loose = batch.iter().flat_map(|(_, needs)| needs).any(|need| !is_known(need));
        let reaches = reaches(&all);
        let is_cyclic = (0..reaches.len()).any(|key| reaches[key][key]);
        match graph.add(&batch) {
            Ok(()) => prop_assert!(!is_loose && !is_cyclic),
            Err(refused) => {
                prop_assert_eq!(&graph, &before);
                match refused {
                    DependencyError::Unknown { key, need, known } => {
                        let asked = |(by, needs): &Registration| {
                            *by == key && needs.contains(&need)
                        };
                        prop_assert!(is_loose && !is_known(&need) && batch.iter().any(asked));
                        prop_assert!(known.iter().eq(before.keys()));
                    }
                    DependencyError::Cycle { path } => {
                        prop_assert!(is_cyclic && !is_loose);
                        check_cycle(&path, &all, &batch);
                    }
                    needed @ DependencyError::Needed { .. } => panic!("{needed}"),
                }
            }
        }
    }

    #[test]
    fn each_is_in_the_first_level_after_all_that_it_needs(batch in harmless()) {
        let mut graph = Graph::new();
        if graph.add(&batch).is_ok() {
            let levels = graph.levels();
            prop_assert_eq!(levels.iter().map(Vec::len).sum::<usize>(), graph.keys().count());
            for key in graph.keys() {
                let below = graph.needs(key).map(|need| level_of(&levels, *need) + 1).max();
                prop_assert_eq!(level_of(&levels, *key), below.unwrap_or(0));
                let needed_by = graph.keys().filter(|other| graph.needs(other).any(|n| n == key));
                prop_assert!(graph.needed_by(key).into_iter().eq(needed_by));
            }
        }
    }

    #[test]
    fn what_was_added_can_be_taken_out_again(first in harmless(), then in harmless()) {
        let mut graph = Graph::new();
        if graph.add(&first).is_ok() {
            let before = graph.clone();
            if graph.add(&then).is_ok() {
                // Whoever needs goes before what it needs: by falling key, here.
                let mut by_key = then;
                by_key.sort_unstable_by_key(|(key, _)| std::cmp::Reverse(*key));
                for (key, needs) in &by_key {
                    prop_assert_eq!(graph.remove(key, needs), Ok(()));
                }
            }
            prop_assert_eq!(graph, before);
        }
    }
}

fn shop() -> Graph<&'static str> {
    let mut graph = Graph::new();
    let batch = [
        ("orders", vec!["cache", "queue"]),
        ("cache", vec!["main_db"]),
        ("queue", vec![]),
        ("main_db", vec![]),
    ];
    assert_eq!(graph.add(&batch), Ok(()));
    graph
}

#[test]
fn a_cycle_is_spelled_out_from_what_is_registered() {
    let says = |batch: &[(&'static str, Vec<&'static str>)]| {
        let refused = Graph::new().add(batch).unwrap_err();
        refused.to_string()
    };
    let round = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["a"])];
    let expected = "a resource cannot need itself: a → b → c → a";
    assert_eq!(says(&round), expected);
    let expected = "a resource cannot need itself: a → a";
    assert_eq!(says(&[("a", vec!["a"])]), expected);
    let refused = shop().add(&[("main_db", vec!["orders"])]).unwrap_err();
    let expected = "a resource cannot need itself: main_db → orders → cache → main_db";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn something_unknown_is_refused_with_what_is_known() {
    let refused = shop().add(&[("mail", vec!["main_bd"])]).unwrap_err();
    let expected = "mail needs main_bd, which is not registered; \
                    registered: cache, main_db, orders, queue";
    assert_eq!(refused.to_string(), expected);
    let refused = Graph::new().add(&[("mail", vec!["smtp"])]).unwrap_err();
    let expected = "mail needs smtp, which is not registered; nothing is yet";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn a_long_list_is_cut() {
    let known: Vec<u8> = (0..12).collect();
    let refused = DependencyError::Unknown {
        key: 20,
        need: 30,
        known,
    };
    assert!(
        refused
            .to_string()
            .ends_with("registered: 0, 1, 2, 3, 4, 5, 6, 7 and 4 more")
    );
}

#[test]
fn what_is_needed_stays() {
    let mut graph = shop();
    let before = graph.clone();
    let refused = graph.remove(&"main_db", &[]).unwrap_err();
    let expected = "main_db is needed and has to stay until these are gone: cache";
    assert_eq!(refused.to_string(), expected);
    assert_eq!(graph, before);
    assert_eq!(graph.remove(&"orders", &["cache", "queue"]), Ok(()));
    assert_eq!(graph.remove(&"cache", &["main_db"]), Ok(()));
    assert_eq!(graph.remove(&"main_db", &[]), Ok(()));
    assert_eq!(graph.levels(), [vec!["queue"]]);
    assert_eq!(graph.remove(&"main_db", &[]), Ok(()), "gone is gone");
}

/// Two tenants have a cache of their own; the database goes after the second of them.
#[test]
fn a_key_is_needed_as_long_as_one_of_its_registrations_needs_it() {
    let mut graph = shop();
    assert_eq!(graph.add(&[("cache", vec!["main_db"])]), Ok(()));
    assert_eq!(graph.remove(&"cache", &["main_db"]), Ok(()));
    assert_eq!(graph, shop());
    assert!(graph.remove(&"main_db", &[]).is_err());
}

#[test]
fn thousands_in_a_row_are_no_burden() {
    let mut graph = Graph::new();
    for key in 0..2_000_u32 {
        let needs = key.checked_sub(1).into_iter().collect();
        assert_eq!(graph.add(&[(key, needs)]), Ok(()));
    }
    assert_eq!(graph.levels().len(), 2_000);
    let round = graph.add(&[(0, vec![1_999])]);
    assert!(matches!(round, Err(DependencyError::Cycle { path }) if path.len() == 2_001));
}

#[test]
fn the_drawing_shows_keys_states_and_arrows() {
    let mut graph = Graph::new();
    assert_eq!(
        graph.add(&[("db", vec![]), ("say \"hi\\o\"", vec!["db"])]),
        Ok(())
    );
    let state = |key: &&str| match *key {
        "db" => State::InUse,
        _ => State::Failed,
    };
    let expected = r#"digraph resources {
    rankdir = LR;
    node [shape = box, style = filled];
    "db" [label = "db\nin_use", fillcolor = "palegreen"];
    "say \"hi\\o\"" [label = "say \"hi\\o\"\nfailed", fillcolor = "salmon"];
    "say \"hi\\o\"" -> "db";
}
"#;
    assert_eq!(graph.dot(state), expected);
}
