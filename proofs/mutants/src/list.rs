//! What cargo-mutants would break (`cargo mutants --list --json`). It knows nothing about how it is done.

use serde::Deserialize;

/// One change.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mutant {
    /// Its number: what its switch is called.
    #[serde(skip)]
    pub(crate) id: usize,
    pub(crate) file: String,
    /// What is done: one of cargo-mutants' genres.
    pub(crate) genre: String,
    pub(crate) span: Span,
    pub(crate) replacement: String,
    /// As cargo-mutants says it, place included.
    pub(crate) name: String,
    /// The one around it, if there is one.
    pub(crate) function: Option<Function>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Span {
    pub(crate) start: Place,
}

/// As cargo-mutants counts them: both from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Function {
    /// As it is written.
    pub(crate) return_type: String,
}

/// All of them, numbered from one.
pub(crate) fn read(json: &str) -> Result<Vec<Mutant>, serde_json::Error> {
    let mut mutants: Vec<Mutant> = serde_json::from_str(json)?;
    for (mutant, id) in mutants.iter_mut().zip(1..) {
        mutant.id = id;
    }
    Ok(mutants)
}
