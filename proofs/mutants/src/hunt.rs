//! Tries every mutant on the tests that reach it, the most promising first, and writes down what
//! becomes of it. It knows nothing of sources, nor of how a test is run.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::fit::Fitted;
use crate::list::Mutant;
use crate::trial::{End, Test};

/// Tests at a time.
const WORKERS: usize = 2;

/// For so long a mutant is tried at first.
const SOON: Duration = Duration::from_secs(4);

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Caught,
    /// A test hangs. That counts as caught, and is no less certain, but late.
    Timeout,
    Missed,
    /// It does not build.
    Unviable,
    /// No switch fits in there: cargo-mutants has to try it by itself.
    Alone,
}

impl Outcome {
    pub(crate) const ALL: [(Self, &str); 5] = [
        (Self::Caught, "caught"),
        (Self::Timeout, "timeout"),
        (Self::Missed, "missed"),
        (Self::Unviable, "unviable"),
        (Self::Alone, "alone"),
    ];

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(outcome, _)| *outcome == self);
        found.map_or("", |(_, word)| word)
    }

    fn from_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word);
        found.map(|(outcome, _)| *outcome)
    }

    const fn is_settled(self) -> bool {
        matches!(self, Self::Caught | Self::Timeout | Self::Unviable)
    }
}

/// A file with a line for every outcome; the last one about a mutant counts.
pub(crate) struct Results {
    path: PathBuf,
    file: Mutex<File>,
}

impl Results {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        })
    }

    /// What is known so far, by the mutant's name.
    pub(crate) fn known(&self) -> BTreeMap<String, Outcome> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let entry = |line: &str| {
            let mut fields = line.split('\t');
            let outcome = Outcome::from_word(fields.next()?)?;
            Some((fields.next()?.to_owned(), outcome))
        };
        text.lines().filter_map(entry).collect()
    }

    fn record(&self, mutant: &Mutant, outcome: Outcome, why: &str) -> Result<(), Failure> {
        let line = format!("{}\t{}\t{why}", outcome.word(), mutant.name);
        if outcome == Outcome::Missed {
            println!("{line}");
        }
        let mut file = self.file.lock().map_err(|_| "a worker panicked")?;
        Ok(writeln!(file, "{line}")?)
    }
}

/// The tests, and what they have caught.
pub(crate) struct Hunt<'a> {
    tests: Vec<Test>,
    /// How many mutants each test caught: such a one is asked sooner.
    caught: Vec<AtomicUsize>,
    results: &'a Results,
}

impl<'a> Hunt<'a> {
    pub(crate) fn new(tests: Vec<Test>, results: &'a Results) -> Self {
        Self {
            caught: tests.iter().map(|_| AtomicUsize::new(0)).collect(),
            tests,
            results,
        }
    }

    /// Goes through these mutants, except what is settled already. What the first tests do not catch
    /// is for later: most are caught soon.
    pub(crate) fn go(&self, mutants: &[&Mutant], fitted: &Fitted) -> Result<(), Failure> {
        let known = self.results.known();
        let settled = |mutant: &Mutant| known.get(&mutant.name).is_some_and(|o| o.is_settled());
        let open = mutants.iter().filter(|mutant| !settled(mutant));
        let later = side_by_side(open.copied().collect(), |_, mutant| {
            if let Some(outcome) = fitted.verdict(mutant) {
                self.results.record(mutant, outcome, "")?;
                return Ok(None);
            }
            let settled = self.settle(mutant, SOON)?;
            Ok((!settled).then_some(mutant))
        })?;
        println!("{} are for all the tests that reach them", later.len());
        side_by_side(later, |_, mutant| {
            self.settle(mutant, Duration::MAX)?;
            Ok(None::<()>)
        })?;
        Ok(())
    }

    /// Tries one for so long; answers whether it is known now what becomes of it.
    fn settle(&self, mutant: &Mutant, most: Duration) -> Result<bool, Failure> {
        let began = Instant::now();
        let candidates = self.candidates(mutant.id);
        for &index in &candidates {
            if began.elapsed() > most {
                return Ok(false);
            }
            let test = &self.tests[index];
            let outcome = match self.catches(test, mutant.id)? {
                End::Passed => continue,
                End::Hung => Outcome::Timeout,
                End::Failed => {
                    self.caught[index].fetch_add(1, Ordering::Relaxed);
                    Outcome::Caught
                }
            };
            self.results.record(mutant, outcome, &test.name)?;
            return Ok(true);
        }
        let why = format!("{} tests reach it", candidates.len());
        self.results.record(mutant, Outcome::Missed, &why)?;
        Ok(true)
    }

    /// The tests that reach this mutant, the most promising first.
    fn candidates(&self, mutant: usize) -> Vec<usize> {
        let reach = |index: &usize| self.tests[*index].reaches.contains(&mutant);
        let mut found: Vec<_> = (0..self.tests.len()).filter(reach).collect();
        found.sort_by_key(|&index| {
            let caught = self.caught[index].load(Ordering::Relaxed) as u32;
            self.tests[index].takes / (1 + caught)
        });
        found
    }

    /// How this test ends with the mutant switched on. If red, then not only once: or it was something
    /// else, of which a busy machine has a lot.
    fn catches(&self, test: &Test, mutant: usize) -> Result<End, Failure> {
        let most = Duration::from_secs(3) + test.takes * 4;
        let again = |most| test.run(mutant, None, most);
        Ok(match again(most)? {
            End::Passed => End::Passed,
            // On a busy machine it may just be slow.
            End::Hung => again(most * 2)?,
            End::Failed if again(most)? != End::Passed || again(most)? != End::Passed => {
                End::Failed
            }
            End::Failed => End::Passed,
        })
    }
}

/// The tests that pass when nothing is broken, and what they reach. What was found out is noted in
/// `home`, and holds until a test is built anew.
pub(crate) fn measured(tests: Vec<Test>, home: &Path) -> Result<Vec<Test>, Failure> {
    let mut tests = tests;
    let notes = home.join("measured.tsv");
    let built = tests.iter().filter_map(Test::built).max();
    if notes
        .metadata()
        .is_ok_and(|noted| noted.modified().ok() > built)
    {
        let noted = std::fs::read_to_string(&notes)?;
        tests.retain_mut(|test| noted.lines().any(|line| test.recall(line)));
        return Ok(tests);
    }
    let passing = side_by_side(tests, |worker, mut test| {
        let log = home.join(format!("reached-{worker}"));
        if test.measure(&log)? && test.measure(&log)? {
            return Ok(Some(test));
        }
        println!("left out, it fails by itself: {}", test.name);
        Ok(None)
    })?;
    let noted: Vec<_> = passing.iter().map(Test::told).collect();
    std::fs::write(notes, noted.join("\n"))?;
    Ok(passing)
}

/// Does `job` with each of `items`, several at a time; answers what came of them.
fn side_by_side<T: Send, R: Send>(
    items: Vec<T>,
    job: impl Fn(usize, T) -> Result<Option<R>, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    let items = Mutex::new(items.into_iter());
    let next = || items.lock().ok().and_then(|mut items| items.next());
    let work = |number: usize| -> Result<Vec<R>, Failure> {
        let mut came = Vec::new();
        while let Some(item) = next() {
            came.extend(job(number, item)?);
        }
        Ok(came)
    };
    std::thread::scope(|scope| {
        let hire = |number| scope.spawn(move || work(number));
        let workers: Vec<_> = (0..WORKERS).map(hire).collect();
        let mut came = Vec::new();
        for worker in workers {
            came.append(&mut worker.join().map_err(|_| "a worker panicked")??);
        }
        Ok(came)
    })
}
