//! Who has to be gone before whose turn comes.
//!
//! Decides that for any number of members, each with a name and the names that it needs. Knows nothing
//! of what a turn is, or of time. Names that nobody bears are of no account.

use std::collections::{BTreeMap, BTreeSet};

/// Members, by the order in which they were named.
pub(super) struct Order {
    groups: Vec<Group>,
    /// Which group each member is in.
    group_of: Vec<usize>,
}

/// All who bear one name.
#[derive(Default)]
struct Group {
    members: Vec<usize>,
    /// How many of them are not gone.
    left: usize,
    /// How many groups have to be gone before.
    waits_for: usize,
    /// Which groups wait for this one.
    awaited_by: Vec<usize>,
}

impl Order {
    /// Of members in levels: a name is in one level only, and who needs something waits for nobody in
    /// its own level or a later one. So nobody waits in circles, whatever is said to be needed.
    pub(super) fn new<'n, K: Ord + 'n>(
        levels: impl IntoIterator<Item = Vec<(&'n K, &'n [K])>>,
    ) -> Self {
        let mut numbers: BTreeMap<&K, (usize, usize)> = BTreeMap::new();
        let mut groups: Vec<Group> = Vec::new();
        let (mut group_of, mut needs) = (Vec::new(), Vec::new());
        for (level, members) in levels.into_iter().enumerate() {
            for (name, its_needs) in members {
                let (number, _) = *numbers.entry(name).or_insert((groups.len(), level));
                if number == groups.len() {
                    groups.push(Group::default());
                }
                groups[number].members.push(group_of.len());
                groups[number].left += 1;
                group_of.push(number);
                needs.push(its_needs);
            }
        }
        let mut order = Self { groups, group_of };
        order.connect(&numbers, &needs);
        order
    }

    fn connect<K: Ord>(&mut self, numbers: &BTreeMap<&K, (usize, usize)>, needs: &[&[K]]) {
        let levels: BTreeMap<usize, usize> = numbers.values().copied().collect();
        let mut known = BTreeSet::new();
        for (member, needs) in needs.iter().enumerate() {
            let first = self.group_of[member];
            for (then, level) in needs.iter().filter_map(|need| numbers.get(need)) {
                if levels[&first] < *level && known.insert((first, *then)) {
                    self.groups[first].awaited_by.push(*then);
                    self.groups[*then].waits_for += 1;
                }
            }
        }
    }

    /// Those who wait for nobody.
    pub(super) fn first(&self) -> Vec<usize> {
        let free = self.groups.iter().filter(|group| group.waits_for == 0);
        free.flat_map(|group| group.members.clone()).collect()
    }

    /// This one is gone; answers who waits for nobody any more by that.
    pub(super) fn gone(&mut self, member: usize) -> Vec<usize> {
        let group = &mut self.groups[self.group_of[member]];
        group.left -= 1;
        if group.left > 0 {
            return Vec::new();
        }
        let mut free = Vec::new();
        for number in std::mem::take(&mut group.awaited_by) {
            let group = &mut self.groups[number];
            group.waits_for -= 1;
            if group.waits_for == 0 {
                free.extend_from_slice(&group.members);
            }
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Named = (&'static str, &'static [&'static str]);

    fn order(levels: &'static [&'static [Named]]) -> Order {
        let named = |(name, needs): &'static Named| (name, *needs);
        Order::new(levels.iter().map(|level| level.iter().map(named).collect()))
    }

    #[test]
    fn who_is_needed_waits_for_all_who_need_it_and_for_nobody_else() {
        let mut order = order(&[
            &[("orders", &["cache", "queue"]), ("report", &["mail"])],
            &[("cache", &["db"]), ("queue", &[]), ("mail", &[])],
            &[("db", &[]), ("db", &[])],
        ]);
        assert_eq!(order.first(), [0, 1]);
        assert_eq!(order.gone(1), [4], "orders are still there");
        assert!(order.gone(4).is_empty());
        assert_eq!(order.gone(0), [2, 3]);
        assert!(order.gone(3).is_empty());
        assert_eq!(order.gone(2), [5, 6], "all of one name");
    }

    #[test]
    fn all_of_a_name_are_waited_for() {
        let mut order = order(&[&[("cache", &["db"]), ("cache", &[])], &[("db", &[])]]);
        assert!(order.gone(0).is_empty());
        assert_eq!(order.gone(1), [2]);
    }

    #[test]
    fn nobody_waits_in_circles_for_itself_or_for_who_is_not_there() {
        let circle = order(&[&[("a", &["b", "a", "c"]), ("b", &["a"])], &[("d", &["a"])]]);
        assert_eq!(circle.first(), [0, 1, 2]);
    }
}
