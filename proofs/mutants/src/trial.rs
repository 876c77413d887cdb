//! The tests: which there are, which mutants each of them reaches, and how it ends with one switched
//! on. It knows nothing about how mutants are made.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::Failure;

/// Random histories per test: more of them take longer than they find.
const CASES: &str = "128";

/// One test.
pub(crate) struct Test {
    pub(crate) program: PathBuf,
    pub(crate) home: PathBuf,
    pub(crate) name: String,
    /// How long it takes when nothing is broken.
    pub(crate) takes: Duration,
    pub(crate) reaches: BTreeSet<usize>,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Passed,
    Failed,
    Hung,
}

/// What `cargo test ARGS` would run, without those whose names end in one of `not`.
pub(crate) fn tests(tree: &Path, args: &[String], not: &[&str]) -> Result<Vec<Test>, Failure> {
    let output = Command::new("cargo")
        .args(["test", "--no-run", "--message-format=json"])
        .args(args)
        .current_dir(tree)
        .env("RUSTFLAGS", "--cap-lints=warn")
        .stderr(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err("the tests do not build".into());
    }
    let mut tests = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let built: Value = serde_json::from_str(line).unwrap_or_default();
        if let Some(program) = built["executable"].as_str() {
            let manifest = Path::new(built["manifest_path"].as_str().unwrap_or_default());
            tests.extend(of_program(
                Path::new(program),
                manifest.parent().unwrap_or(tree),
            )?);
        }
    }
    tests.retain(|test| !not.iter().any(|end| test.name.ends_with(end)));
    Ok(tests)
}

fn of_program(program: &Path, home: &Path) -> std::io::Result<Vec<Test>> {
    let mut command = Command::new(program);
    let listed = command
        .args(["--list", "--format", "terse"])
        .current_dir(home)
        .output()?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let names = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    let test = |name: &str| Test {
        program: program.into(),
        home: home.into(),
        name: name.to_owned(),
        takes: Duration::ZERO,
        reaches: BTreeSet::new(),
    };
    Ok(names.map(test).collect())
}

impl Test {
    /// Runs it, with this mutant switched on (none has number 0), for at most so long.
    pub(crate) fn run(
        &self,
        mutant: usize,
        log: Option<&Path>,
        most: Duration,
    ) -> Result<End, Failure> {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -v 16000000; exec \"$0\" \"$@\""])
            .arg(&self.program)
            .args(["--exact", &self.name, "--test-threads", "1"])
            .current_dir(&self.home)
            .env("MUTANT", mutant.to_string())
            .env("CARGO_MANIFEST_DIR", &self.home)
            .env("PROPTEST_CASES", CASES)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(log) = log {
            command.env("MUTANT_LOG", log);
        }
        let began = Instant::now();
        let mut child = command.spawn()?;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() {
                    End::Passed
                } else {
                    End::Failed
                });
            }
            if began.elapsed() > most {
                child.kill()?;
                child.wait()?;
                return Ok(End::Hung);
            }
            std::thread::sleep(Duration::from_millis(
                if began.elapsed().as_millis() < 100 {
                    2
                } else {
                    20
                },
            ));
        }
    }

    /// When it was built.
    pub(crate) fn built(&self) -> Option<SystemTime> {
        self.program.metadata().ok()?.modified().ok()
    }

    /// What was found out, in a line.
    pub(crate) fn told(&self) -> String {
        let reaches: Vec<_> = self.reaches.iter().map(usize::to_string).collect();
        let (program, millis) = (self.program.display(), self.takes.as_millis());
        format!("{program}\t{}\t{millis}\t{}", self.name, reaches.join(" "))
    }

    /// Takes over what was found out, if this line is about it.
    pub(crate) fn recall(&mut self, line: &str) -> bool {
        let fields: Vec<_> = line.split('\t').collect();
        let [program, name, millis, reaches] = fields[..] else {
            return false;
        };
        if self.program != Path::new(program) || self.name != name {
            return false;
        }
        self.takes = Duration::from_millis(millis.parse().unwrap_or(0));
        self.reaches = reaches
            .split(' ')
            .filter_map(|id| id.parse().ok())
            .collect();
        true
    }

    /// Finds out what it reaches, and how long it takes; `false` if it does not pass.
    pub(crate) fn measure(&mut self, log: &Path) -> Result<bool, Failure> {
        let _ = std::fs::remove_file(log);
        let began = Instant::now();
        let end = self.run(0, Some(log), Duration::from_secs(30))?;
        self.takes = self.takes.max(began.elapsed());
        let reached = std::fs::read_to_string(log).unwrap_or_default();
        self.reaches
            .extend(reached.lines().filter_map(|id| id.parse::<usize>().ok()));
        Ok(end == End::Passed)
    }
}
