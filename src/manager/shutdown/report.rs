//! What became of everything that was to be stopped.
//!
//! Decides wording, and what counts as a clean end. Knows nothing of how it came about.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use nebula_resource_core::ObjectInfo;

use crate::key::Key;
use crate::scope::Scope;

/// What became of the resources that were stopped.
///
/// Reads as a summary, with one line more for each resource of which something was left behind.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How long it took.
    pub elapsed: Duration,
    /// How much of that guards were waited for.
    pub draining: Duration,
    /// How much of that objects were still being cleaned up, with no guard left to wait for.
    pub cleaning_up: Duration,
    /// How much of that was waited for what had been broken off.
    pub forcing: Duration,
    /// Whether somebody was in a hurry: called a second time.
    pub hurried: bool,
    /// Whether it did not come to its end: what ran it was dropped.
    pub interrupted: bool,
    /// The resources, in the order in which their turn came.
    pub resources: Vec<StoppedResource>,
}

/// What became of one resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoppedResource {
    /// What it is called.
    pub key: Key,
    /// Whose it was.
    pub scope: Scope,
    /// The number of its configuration: what was reloaded may still have guards out from before.
    pub generation: u64,
    /// Objects that were cleaned up in time.
    pub cleaned_up: usize,
    /// Objects whose clean-up panicked.
    pub failed: usize,
    /// What the first of those said.
    pub first_failure: Option<String>,
    /// Objects whose clean-up did not end in time; it was broken off.
    pub abandoned: usize,
    /// Guards that are still out.
    pub guards_out: Vec<GuardOut>,
    /// Whether something else of it goes on, such as a creation that hangs.
    pub busy: bool,
}

/// A guard that did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardOut {
    /// The object's number within its pool.
    pub object: u64,
    /// Where in the source it was taken.
    pub taken_at: Option<&'static Location<'static>>,
    /// How long it has been out; up to a quarter of a second off.
    pub held_for: Duration,
}

impl ShutdownReport {
    /// Whether nothing was left behind.
    pub fn is_clean(&self) -> bool {
        !self.interrupted && self.resources.iter().all(StoppedResource::is_clean)
    }

    /// How many objects were cleaned up in time.
    pub fn cleaned_up(&self) -> usize {
        let counts = self.resources.iter().map(|resource| resource.cleaned_up);
        counts.sum()
    }

    /// The guards that are still out, with the resource that each is of.
    pub fn guards_out(&self) -> impl Iterator<Item = (&StoppedResource, &GuardOut)> {
        let of = |resource: &'_ StoppedResource| resource.guards_out.len();
        let some = self
            .resources
            .iter()
            .filter(move |resource| of(resource) > 0);
        some.flat_map(|resource| {
            resource
                .guards_out
                .iter()
                .map(move |guard| (resource, guard))
        })
    }
}

impl StoppedResource {
    /// Whether nothing of it was left behind.
    pub const fn is_clean(&self) -> bool {
        self.failed == 0 && self.abandoned == 0 && self.guards_out.is_empty() && !self.busy
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = if self.interrupted {
            "interrupted"
        } else if self.hurried {
            "hurried, ended"
        } else {
            "ended"
        };
        write!(
            f,
            "shutdown {ended} after {:.1?}: {} and {} cleaned up",
            self.elapsed,
            Count(self.resources.len(), "resource"),
            Count(self.cleaned_up(), "object"),
        )?;
        let left_behind = self
            .resources
            .iter()
            .filter(|resource| !resource.is_clean());
        left_behind
            .into_iter()
            .try_for_each(|resource| write!(f, "\n{resource}"))
    }
}

impl fmt::Display for StoppedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)?;
        if self.scope != Scope::GLOBAL {
            write!(f, " ({})", self.scope)?;
        }
        write!(f, ": {} cleaned up", Count(self.cleaned_up, "object"))?;
        if self.abandoned > 0 {
            write!(f, ", {} given up on", self.abandoned)?;
        }
        if self.failed > 0 {
            let failure = self.first_failure.as_deref().unwrap_or("unknown");
            write!(f, ", {} failed ({failure})", self.failed)?;
        }
        if self.busy {
            f.write_str(", something of it goes on")?;
        }
        for guard in &self.guards_out {
            write!(f, "; {guard}")?;
        }
        Ok(())
    }
}

impl From<ObjectInfo> for GuardOut {
    fn from(object: ObjectInfo) -> Self {
        Self {
            object: object.id,
            taken_at: object.taken_at,
            held_for: object.in_state_for,
        }
    }
}

impl fmt::Display for GuardOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {} is still out", self.object)?;
        if let Some(at) = self.taken_at {
            write!(f, ", taken at {at}")?;
        }
        write!(f, " {:.1?} ago", self.held_for)
    }
}

/// So many of a kind: `1 object`, `2 objects`.
struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(name: &str, cleaned_up: usize) -> StoppedResource {
        StoppedResource {
            key: Key::new(name).unwrap(),
            scope: Scope::GLOBAL,
            generation: 1,
            cleaned_up,
            failed: 0,
            first_failure: None,
            abandoned: 0,
            guards_out: Vec::new(),
            busy: false,
        }
    }

    fn report(resources: Vec<StoppedResource>) -> ShutdownReport {
        ShutdownReport {
            elapsed: Duration::from_millis(1_250),
            draining: Duration::ZERO,
            cleaning_up: Duration::ZERO,
            forcing: Duration::ZERO,
            hurried: false,
            interrupted: false,
            resources,
        }
    }

    #[test]
    fn a_clean_end_is_one_line() {
        let report = report(vec![stopped("cache", 1), stopped("main_db", 10)]);
        assert!(report.is_clean());
        let expected = "shutdown ended after 1.2s: 2 resources and 11 objects cleaned up";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn what_was_left_behind_is_told_resource_by_resource() {
        let at = Location::caller();
        let guard = GuardOut {
            object: 3,
            taken_at: Some(at),
            held_for: Duration::from_secs(41),
        };
        let mut db = stopped("main_db", 1);
        db.scope = Scope::tenant("acme").unwrap();
        db.guards_out = vec![guard.clone()];
        db.busy = true;
        let mut mail = stopped("mail", 0);
        mail.failed = 2;
        mail.abandoned = 1;
        mail.first_failure = Some("cleanup panicked: no luck".to_owned());
        let mut report = report(vec![stopped("cache", 1), db, mail]);
        report.hurried = true;
        assert!(!report.is_clean());
        let out: Vec<_> = report
            .guards_out()
            .map(|(of, guard)| (&*of.key, guard))
            .collect();
        assert_eq!(out, [("main_db", &guard)]);
        let expected = format!(
            "shutdown hurried, ended after 1.2s: 3 resources and 2 objects cleaned up\n\
             main_db (tenant acme): 1 object cleaned up, something of it goes on; \
             object 3 is still out, taken at {at} 41.0s ago\n\
             mail: 0 objects cleaned up, 1 given up on, 2 failed (cleanup panicked: no luck)",
        );
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn anything_left_behind_is_not_a_clean_end() {
        let guard = GuardOut {
            object: 1,
            taken_at: None,
            held_for: Duration::ZERO,
        };
        let left_behind: [fn(&mut StoppedResource, GuardOut); 4] = [
            |resource, _| resource.failed = 1,
            |resource, _| resource.abandoned = 1,
            |resource, _| resource.busy = true,
            |resource, guard| resource.guards_out.push(guard),
        ];
        for leave in left_behind {
            let mut resource = stopped("main_db", 1);
            leave(&mut resource, guard.clone());
            assert!(!resource.is_clean(), "{resource}");
        }
        let mut report = report(Vec::new());
        report.interrupted = true;
        assert!(!report.is_clean());
    }
}
