//! What needs what: a graph of keys, without cycles and without loose ends.
//!
//! Decides which dependencies are refused, and what can be started side by side. Knows nothing of
//! what a key stands for, of resources, or of time.
//!
//! It is no general graph: the two questions that are put to it, "in which levels" and "which way
//! round does this go in circles", no graph library answers with fewer lines than they take here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{self, Debug, Display, Write};

use crate::lifecycle::State;

/// The most keys that an error lists.
const MOST_LISTED: usize = 8;

/// Which key needs which.
///
/// Whatever is in it can be started, each after all that it needs: what cannot is refused at the
/// door, see [`add`](Self::add).
///
/// # Examples
///
/// ```
/// use nebula_resource::manager::dependency::Graph;
///
/// let mut graph = Graph::new();
/// graph.add(&[("queue", vec![]), ("main_db", vec![]), ("cache", vec!["main_db"])])?;
/// graph.add(&[("orders", vec!["cache", "queue"])])?;
/// assert_eq!(graph.levels(), [vec!["main_db", "queue"], vec!["cache"], vec!["orders"]]);
/// assert_eq!(graph.needed_by(&"main_db"), [&"cache"]);
///
/// let refused = graph.add(&[("main_db", vec!["orders"])]).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "a resource cannot need itself: main_db → orders → cache → main_db",
/// );
/// # Ok::<(), nebula_resource::manager::dependency::DependencyError<&str>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph<K>(BTreeMap<K, Node<K>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node<K> {
    /// A key may be registered several times: once per scope.
    registrations: usize,
    /// What it needs, and how many of its registrations do.
    needs: BTreeMap<K, usize>,
}

/// From each key to others.
type Edges<'g, K> = BTreeMap<&'g K, BTreeSet<&'g K>>;

impl<K: Ord + Clone> Graph<K> {
    /// No key yet.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds registrations: keys, each with what it needs. All of them or, with an error, none.
    ///
    /// They may need each other, in any order. A key that is there already is registered once more,
    /// and needs from now on what any of its registrations needs.
    ///
    /// # Errors
    ///
    /// - [`Unknown`](DependencyError::Unknown) when something is needed that is neither there nor
    ///   added.
    /// - [`Cycle`](DependencyError::Cycle) when something would need itself, however indirectly.
    pub fn add(&mut self, batch: &[(K, Vec<K>)]) -> Result<(), DependencyError<K>> {
        self.refuse_unknown(batch)?;
        let is_newcomer = |(key, needs): &(K, Vec<K>)| !self.has(key) && !needs.contains(key);
        // What nobody can need yet closes no circle: as a rule resources come one by one.
        let harmless = batch.len() == 1 && batch.iter().all(is_newcomer);
        let mut new_edges = false;
        for (key, needs) in batch {
            new_edges |= self.enter(key, needs);
        }
        if harmless || !new_edges || self.is_free_of_cycles() {
            return Ok(());
        }
        let cycle = batch.iter().find_map(|(key, _)| self.way_back(key));
        for (key, needs) in batch {
            self.leave(key, needs);
        }
        let path = cycle.unwrap_or_default();
        Err(DependencyError::Cycle { path })
    }

    /// Takes one registration out again: `key`, and what it needed.
    ///
    /// # Errors
    ///
    /// [`Needed`](DependencyError::Needed) when it is the last of its key and others need that.
    pub fn remove(&mut self, key: &K, needs: &[K]) -> Result<(), DependencyError<K>> {
        let is_last = self.0.get(key).is_some_and(|node| node.registrations == 1);
        let by: Vec<K> = self.needed_by(key).into_iter().cloned().collect();
        if is_last && !by.is_empty() {
            let key = key.clone();
            return Err(DependencyError::Needed { key, by });
        }
        self.leave(key, needs);
        Ok(())
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    /// What `key` needs itself.
    pub fn needs(&self, key: &K) -> impl Iterator<Item = &K> {
        self.0
            .get(key)
            .into_iter()
            .flat_map(|node| node.needs.keys())
    }

    /// What needs `key` itself.
    pub fn needed_by(&self, key: &K) -> Vec<&K> {
        let needs_it = |(other, node): (_, &Node<K>)| node.needs.contains_key(key).then_some(other);
        self.0.iter().filter_map(needs_it).collect()
    }

    /// The keys in levels: each needs only what is in levels before its own, and is in the first
    /// level of which that is true. A level's keys can be started side by side; to stop, go the
    /// other way.
    pub fn levels(&self) -> Vec<Vec<K>> {
        let needed_by = self.turned_round();
        let mut missing: BTreeMap<&K, usize> = BTreeMap::new();
        missing.extend(self.0.iter().map(|(key, node)| (key, node.needs.len())));
        let is_free = |key: &&K| self.0.get(*key).is_some_and(|node| node.needs.is_empty());
        let mut level: Vec<&K> = self.keys().filter(is_free).collect();
        let mut levels = Vec::new();
        while !level.is_empty() {
            let mut next = Vec::new();
            for key in level.iter().flat_map(|key| needed_by.get(key)).flatten() {
                missing.entry(key).and_modify(|count| *count -= 1);
                if missing.get(key) == Some(&0) {
                    next.push(*key);
                }
            }
            next.sort_unstable();
            let done = std::mem::replace(&mut level, next);
            levels.push(done.into_iter().cloned().collect());
        }
        levels
    }

    fn has(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Whatever is on a circle, or needs what is on one, is in no level.
    fn is_free_of_cycles(&self) -> bool {
        let levels = self.levels();
        levels.iter().map(Vec::len).sum::<usize>() == self.0.len()
    }

    fn turned_round(&self) -> Edges<'_, K> {
        let mut edges = Edges::new();
        for (key, node) in &self.0 {
            for need in node.needs.keys() {
                edges.entry(need).or_default().insert(key);
            }
        }
        edges
    }

    fn refuse_unknown(&self, batch: &[(K, Vec<K>)]) -> Result<(), DependencyError<K>> {
        let added: BTreeSet<&K> = batch.iter().map(|(key, _)| key).collect();
        for (key, needs) in batch {
            let is_loose = |need: &&K| !self.has(need) && !added.contains(need);
            if let Some(need) = needs.iter().find(is_loose) {
                return Err(DependencyError::Unknown {
                    key: key.clone(),
                    need: need.clone(),
                    known: self.0.keys().cloned().collect(),
                });
            }
        }
        Ok(())
    }

    /// Answers whether anything is needed now that was not before.
    fn enter(&mut self, key: &K, needs: &[K]) -> bool {
        let node = self.0.entry(key.clone()).or_insert_with(|| Node {
            registrations: 0,
            needs: BTreeMap::new(),
        });
        node.registrations += 1;
        let before = node.needs.len();
        for need in needs {
            *node.needs.entry(need.clone()).or_insert(0) += 1;
        }
        node.needs.len() > before
    }

    /// Undoes [`enter`](Self::enter).
    fn leave(&mut self, key: &K, needs: &[K]) {
        let Some(node) = self.0.get_mut(key) else {
            return;
        };
        node.registrations -= 1;
        for need in needs {
            if let Some(count) = node.needs.get_mut(need) {
                *count -= 1;
            }
        }
        node.needs.retain(|_, count| *count > 0);
        if node.registrations == 0 {
            self.0.remove(key);
        }
    }

    /// The shortest way from `start` to itself, if there is one.
    fn way_back(&self, start: &K) -> Option<Vec<K>> {
        let mut came_from: BTreeMap<&K, &K> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(key) = queue.pop_front() {
            for need in self.needs(key) {
                if came_from.contains_key(need) {
                    continue;
                }
                came_from.insert(need, key);
                if need == start {
                    return Some(retraced(start, &came_from));
                }
                queue.push_back(need);
            }
        }
        None
    }
}

/// The way that led to `start`, with `start` at both ends.
fn retraced<K: Ord + Clone>(start: &K, came_from: &BTreeMap<&K, &K>) -> Vec<K> {
    let mut path = vec![start.clone()];
    let mut at = start;
    while let Some(before) = came_from.get(at) {
        path.push((*before).clone());
        at = before;
        if at == start {
            break;
        }
    }
    path.reverse();
    path
}

impl<K: Ord + Clone + Display> Graph<K> {
    /// The graph in the language of Graphviz, with each key's state in words and as a colour.
    ///
    /// An arrow goes from a key to what it needs.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::lifecycle::State;
    /// use nebula_resource::manager::dependency::Graph;
    ///
    /// let mut graph = Graph::new();
    /// graph.add(&[("db", vec![]), ("cache", vec!["db"])])?;
    /// let state = |key: &&str| if *key == "db" { State::InUse } else { State::Ready };
    /// let drawing = graph.dot(state);
    /// assert!(drawing.contains(r#""cache" -> "db";"#));
    /// # Ok::<(), nebula_resource::manager::dependency::DependencyError<&str>>(())
    /// ```
    pub fn dot(&self, state: impl Fn(&K) -> State) -> String {
        let mut dot = String::from(
            "digraph resources {\n    rankdir = LR;\n    node [shape = box, style = filled];\n",
        );
        for key in self.keys() {
            let (name, state) = (quoted(key), state(key));
            let line = format_args!(
                "    \"{name}\" [label = \"{name}\\n{state}\", fillcolor = \"{}\"];\n",
                colour(state),
            );
            // Writing to a string cannot fail.
            let _written = dot.write_fmt(line);
        }
        for key in self.keys() {
            for need in self.needs(key) {
                let line = format_args!("    \"{}\" -> \"{}\";\n", quoted(key), quoted(need));
                let _written = dot.write_fmt(line);
            }
        }
        dot.push_str("}\n");
        dot
    }
}

fn quoted(key: &impl Display) -> String {
    key.to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

const fn colour(state: State) -> &'static str {
    match state {
        State::Created | State::Initializing => "lightyellow",
        State::Ready | State::InUse | State::Idle => "palegreen",
        State::Draining | State::Cleanup => "lightblue",
        State::Terminated => "lightgrey",
        State::Failed => "salmon",
        State::Quarantined => "orange",
    }
}

impl<K: Ord + Clone> Default for Graph<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a dependency, or its end, is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DependencyError<K> {
    /// Something is needed that is not registered.
    Unknown {
        /// What needs it.
        key: K,
        /// What is needed.
        need: K,
        /// What is registered.
        known: Vec<K>,
    },
    /// Something would need itself.
    Cycle {
        /// Each needs the next one; the last one is the first one again.
        path: Vec<K>,
    },
    /// Something is to go that others need.
    Needed {
        /// What is to go.
        key: K,
        /// Who needs it.
        by: Vec<K>,
    },
}

impl<K: Display> Display for DependencyError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { key, need, known } => {
                write!(f, "{key} needs {need}, which is not registered; ")?;
                if known.is_empty() {
                    return f.write_str("nothing is yet");
                }
                f.write_str("registered: ")?;
                listed(f, known)
            }
            Self::Cycle { path } => {
                f.write_str("a resource cannot need itself: ")?;
                for (at, key) in path.iter().enumerate() {
                    let arrow = if at == 0 { "" } else { " → " };
                    write!(f, "{arrow}{key}")?;
                }
                Ok(())
            }
            Self::Needed { key, by } => {
                write!(f, "{key} is needed and has to stay until these are gone: ")?;
                listed(f, by)
            }
        }
    }
}

fn listed<K: Display>(f: &mut fmt::Formatter<'_>, keys: &[K]) -> fmt::Result {
    for (at, key) in keys.iter().take(MOST_LISTED).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(f, "{comma}{key}")?;
    }
    match keys.len().saturating_sub(MOST_LISTED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

impl<K: Debug + Display> std::error::Error for DependencyError<K> {}

#[cfg(test)]
#[path = "dependency_tests.rs"]
mod tests;
